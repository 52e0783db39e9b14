"""Ray-traced scenes: where users stand, what the free space between gives, what is missing."""

import importlib.util
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.scenarios import CITIES
from chanvae.io.simulation.blocks import _prepared, simulate
from chanvae.io.simulation.setup import Simulation, Tracing
from chanvae.io.simulation.traced import PLACES, _grid


@cache
def traces() -> bool:
    """Whether the ray tracer runs here; where LLVM is too old it ends its process."""
    if importlib.util.find_spec("sionna.rt") is None:
        return False
    least = "d.sum(d.minimum(d.arange(d.auto.Float, 9), 3))"
    work = f"import drjit as d; d.set_backend('llvm'); print({least})"
    return subprocess.run([sys.executable, "-c", work], capture_output=True).returncode == 0


@pytest.fixture
def tracer() -> None:
    if not traces():
        pytest.skip("no ray tracer here: its LLVM is missing")


def draw(n: int = 50, k: int = 0, **given) -> ChannelDataset:
    setup = Simulation(
        given.pop("scenario", "rt:simple_street_canyon"),
        subcarriers=16,
        **{"rx_array": ArrayGeometry(columns=4), **given},
    )
    return _prepared(setup, n, 0, n)(k)


def test_users_stand_on_a_grid_around_their_middle():
    points = _grid(Tracing(None, (10.0, -5.0), area=4.0, grid=2.0, height=1.7))
    assert points.shape == (9, 3)
    np.testing.assert_allclose(points.mean(0), [10, -5, 1.7])
    assert set(PLACES) == set(CITIES)


def test_without_llvm_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", "/nowhere/libLLVM.so")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(DataError, match="rt:munich: .*needs LLVM.* apt-get install libllvm19"):
        next(simulate(Simulation("rt:munich"), 5))


def test_direct_paths_lose_what_free_space_takes(tracer):
    """Friis from the base station's 8 dBi element, whose pattern only takes away from it."""
    tracing = Tracing(base=(0.0, 0.0, 20.0), centre=(30.0, 0.0), area=20.0, grid=2.0, depth=0)
    found = draw(tracing=tracing, rx_array=ArrayGeometry())
    labels = found.conditions
    place = np.stack([labels[f"user_{axis}"] for axis in "xyz"], -1)
    distance = np.linalg.norm(place - tracing.base, axis=1)
    friis = 20 * np.log10(299792458 / 3.5e9 / (4 * np.pi * distance))
    level = 10 * np.log10((np.abs(found.h[:]) ** 2).mean((1, 2, 3, 4)))
    assert len(found) > 30
    assert (level <= friis + 8.01).all()
    near = np.linalg.norm(place[:, :2] - tracing.centre, axis=1) < 3
    np.testing.assert_allclose(level[near], friis[near] + 8, atol=0.6)
    assert (labels["los"] == 1).all()
    np.testing.assert_allclose(labels["simulated_delay_spread"], 0, atol=1e-12)
    assert np.ptp(np.abs(found.h[:]), axis=-1).max() < 1e-3 * np.abs(found.h[:]).max()


def test_paths_say_what_the_channels_show_in_both_directions(tracer):
    up, down = (
        draw(tx_array=ArrayGeometry()),
        draw(direction="downlink", rx_array=ArrayGeometry(), tx_array=ArrayGeometry(columns=4)),
    )
    np.testing.assert_allclose(up.h[:].swapaxes(1, 2), down.h[:], rtol=1e-5)
    np.testing.assert_array_equal(up.conditions["simulated_asa"], down.conditions["simulated_asd"])
    assert 0 < up.conditions["los"].mean() < 1
    k = up.conditions["simulated_k_factor"]
    assert (k[up.conditions["los"] == 0] == 0).all()
    wide = up.conditions["simulated_delay_spread"] > 5e-9
    seen = up.conditions["delay_spread"]
    assert seen[wide].mean() > 2 * seen[~wide].mean()


def test_time_and_unit_power_and_the_end_of_the_grid(tracer):
    tracing = Tracing(centre=(20.0, 0.0), area=6.0, grid=2.0)
    moving = draw(16, tracing=tracing, time_steps=3, speed=(5.0, 10.0), unit_power=True)
    assert moving.shape[3] == 3
    assert np.abs(np.diff(moving.h[:], axis=3)).max() > 1e-2
    np.testing.assert_allclose((np.abs(moving.h[:]) ** 2).mean((1, 2, 3, 4)), 1, rtol=1e-4)
    assert moving.conditions["speed"].min() >= 5
    with pytest.raises(DataError, match="fewer of the 16 points of the grid are reached"):
        draw(16, 1, tracing=tracing)


@pytest.mark.slow
@pytest.mark.parametrize("scene", CITIES)
def test_every_scene_has_users_by_default(tracer, scene):
    first, second = draw(scenario=f"rt:{scene}"), draw(scenario=f"rt:{scene}", k=1)
    assert min(len(first), len(second)) >= 10
    assert 0.05 < np.append(first.conditions["los"], second.conditions["los"]).mean() < 1
    again = draw(scenario=f"rt:{scene}", k=1)
    np.testing.assert_array_equal(second.h[:], again.h[:])
