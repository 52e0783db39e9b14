"""Channels from Sionna: their shape, their seed, the order of their antennas."""

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.sionna import Simulation, _panel, simulate

SMALL = Simulation(
    rx_array=ArrayGeometry(columns=4), subcarriers=16, bandwidth=20e6, unit_power=True
)


def draw(setup: Simulation, n: int, seed: int) -> np.ndarray:
    return np.concatenate([b.h for b in simulate(setup, n, seed, batch=20)])


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
    before = torch.get_rng_state()
    a, b, c = draw(SMALL, 45, 1), draw(SMALL, 45, 1), draw(SMALL, 45, 2)
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert len(np.unique(a[:, 0, 0, 0, 0])) == 45


@pytest.mark.parametrize("scenario", ["UMa", "RMa"])
def test_path_loss_is_kept_unless_told_otherwise(scenario):
    h = draw(Simulation(scenario, rx_array=ArrayGeometry(columns=2), subcarriers=8), 20, 0)
    gain = 10 * np.log10((np.abs(h) ** 2).mean((1, 2, 3, 4)))
    assert ((gain > -180) & (gain < -40)).all()
    assert gain.std() > 3


@pytest.mark.parametrize(
    "array", [ArrayGeometry(columns=5), ArrayGeometry(2, 3), ArrayGeometry(2, 3, 2)], ids=str
)
def test_antennas_are_numbered_polarisation_row_column(array):
    """From the top row, left to right as Sionna's y axis runs, the second polarisation after."""
    with torch.random.fork_rng(devices=[]):
        panel, order = _panel(array, "omni", 3.5e9)
    where = panel.ant_pos.cpu().numpy()[order].reshape(*array.shape, 3)
    y, z = where[..., 1], where[..., 2]
    assert (np.diff(y, axis=2) > 0).all()
    np.testing.assert_allclose(np.diff(z, axis=2), 0, atol=1e-6)
    assert (np.diff(z, axis=1) < 0).all()


def test_what_cannot_be_simulated_is_said():
    with pytest.raises(DataError, match="choose from UMi, UMa, RMa"):
        Simulation("UMx")
    with pytest.raises(DataError, match="bandwidth must be positive"):
        Simulation(bandwidth=0.0)
