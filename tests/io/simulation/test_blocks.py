"""Blocks of simulated channels: their shape, their seed, and that nothing else matters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import chanvae
from chanvae.arrays import ArrayGeometry
from chanvae.io.simulation.blocks import _prepared, simulate
from chanvae.io.simulation.panels import panel
from chanvae.io.simulation.setup import Simulation

SAMPLE = Path(__file__).parents[3] / "datasets" / "umi_8x32.h5"
SMALL = Simulation(
    rx_array=ArrayGeometry(columns=4), subcarriers=16, bandwidth=20e6, unit_power=True
)


def draw(setup: Simulation, n: int, seed: int, **more) -> np.ndarray:
    return np.concatenate([b.h for b in simulate(setup, n, seed, batch=20, **more)])


def test_a_set_has_its_axes_and_unit_power():
    batches = list(simulate(SMALL, 50, 0, batch=20))
    assert [len(b) for b in batches] == [20, 20, 10]
    first = batches[0]
    assert first.shape == (20, 4, 1, 1, 16)
    np.testing.assert_allclose(np.diff(first.freq), 20e6 / 16)
    assert first.freq[8] == 0
    np.testing.assert_allclose((np.abs(first.h) ** 2).mean((1, 2, 3, 4)), 1, rtol=1e-5)
    assert set(first.conditions["los"]) <= {0, 1}
    assert "--rx-array 1x4" in first.meta.provenance["command"]


def test_a_seed_is_a_seed_and_torch_is_left_alone():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    a, b, c = draw(SMALL, 45, 1), draw(SMALL, 45, 1), draw(SMALL, 45, 2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert len(np.unique(a[:, 0, 0, 0, 0])) == 45
    np.testing.assert_array_equal(a[:25], draw(SMALL, 25, 1))


def test_two_processes_draw_what_one_draws():
    setup = replace(SMALL, indoor=0.5, unit_power=False)
    one, two = (list(simulate(setup, 50, 3, batch=20, workers=w)) for w in (1, 2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.h, b.h)
        assert a.meta.provenance == b.meta.provenance
        for name, column in a.conditions.items():
            np.testing.assert_array_equal(column, b.conditions[name])


@pytest.mark.parametrize(
    "setup",
    [
        replace(SMALL, indoor=0.5),
        replace(SMALL, scenario="RMa", unit_power=False),
        replace(SMALL, scenario="InH"),
        replace(SMALL, scenario="CDL-C", speed=(1.0, 9.0)),
        replace(SMALL, scenario="TDL-A", delay_spread=(10e-9, 1e-6)),
    ],
    ids=lambda s: s.scenario,
)
def test_a_block_does_not_depend_on_those_before(setup):
    """Sionna keeps how deep a house is from one topology to the next; here it may not."""
    work = (setup, 18, 0, 6)
    last, whole = _prepared(*work)(2), _prepared(*work)
    again = [whole(k) for k in range(3)][2]
    np.testing.assert_array_equal(last.h, again.h)
    for name, column in last.conditions.items():
        np.testing.assert_array_equal(column, again.conditions[name])


def test_the_sample_is_what_its_card_says():
    """The channels of version 0.1, over the first two blocks; other processors round otherwise."""
    setup = Simulation(rx_array=ArrayGeometry(columns=8), bandwidth=50e6, subcarriers=32)
    h = np.concatenate([b.h for b in simulate(setup, 520)])
    known = chanvae.load(SAMPLE).h[:520]
    level = np.sqrt((np.abs(known) ** 2).mean((1, 2, 3, 4), keepdims=True))
    np.testing.assert_allclose(h / level, known / level, atol=1e-3)


@pytest.mark.parametrize(
    "array", [ArrayGeometry(columns=5), ArrayGeometry(2, 3), ArrayGeometry(2, 3, 2)], ids=str
)
def test_antennas_are_numbered_polarisation_row_column(array):
    """From the top row, left to right as Sionna's y axis runs, the second polarisation after."""
    with torch.random.fork_rng(devices=[]):
        found, order = panel(array, "omni", 3.5e9)
    where = found.ant_pos.cpu().numpy()[order].reshape(*array.shape, 3)
    y, z = where[..., 1], where[..., 2]
    assert (np.diff(y, axis=2) > 0).all()
    np.testing.assert_allclose(np.diff(z, axis=2), 0, atol=1e-6)
    assert (np.diff(z, axis=1) < 0).all()
