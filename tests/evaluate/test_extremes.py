"""Statistics at extreme scales, and in float32 against float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.catalogue.grid import Grid, View
from chanvae.catalogue.statistics import applicable
from chanvae.channels import ChannelDataset
from chanvae.evaluate.looks import compute


def paths(n: int, rx: int, tx: int, time: int, freq: int, spacing: float) -> ChannelDataset:
    """Sums of three paths, the delays spread over a quarter of the longest."""
    rng = np.random.default_rng(0)
    axes = [np.arange(k) for k in (rx, tx, time, freq)]
    turns = [rng.uniform(-0.2, 0.2, (n, 3)) for _ in range(3)] + [-rng.uniform(0, 0.25, (n, 3))]
    waves = [np.exp(2j * np.pi * t[..., None] * k) for t, k in zip(turns, axes)]
    gain = rng.exponential(1.0, (n, 3)) * np.exp(2j * np.pi * rng.random((n, 3)))
    h = np.einsum("np,npa,npb,npc,npd->nabcd", gain, *waves, optimize=True)
    return ChannelDataset(
        h.astype(np.complex64),
        (np.arange(freq) - freq // 2) * spacing,
        np.arange(time) * 1e-3,
        rx_array=ArrayGeometry(columns=rx),
        tx_array=ArrayGeometry(columns=tx),
    )


@pytest.fixture(scope="module")
def dataset() -> ChannelDataset:
    return paths(20, 4, 2, 8, 32, 1e6)


@pytest.mark.parametrize("decibel", [-140, -200, 140])
def test_a_path_loss_changes_the_gain_alone(dataset, decibel: int):
    wanted = compute(dataset)
    found = compute(replace(dataset, h=dataset.h * np.float32(10 ** (decibel / 20))))
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        shift = decibel if name == "gain_db" else 0
        scale = max(np.abs(values).max(), 1e-12)
        np.testing.assert_allclose(
            found[name], values + shift, rtol=0, atol=1e-3 * scale, err_msg=name
        )


def test_every_statistic_agrees_with_float64(dataset):
    grid = Grid.of(dataset)
    h = torch.as_tensor(dataset.h)
    single, double = View(h, grid), View(h.to(torch.complex128), grid)
    for statistic in applicable(grid):
        a, b = statistic.function(single).double(), statistic.function(double).double()
        scale = max(float(b.abs().max()), statistic.resolution)
        assert torch.allclose(a, b, rtol=0, atol=1e-3 * scale), statistic.name


def test_delays_of_a_millisecond():
    """Spreads scale with the delays: a thousand times the spacing, a thousandth of the spread."""
    near, far = (compute(paths(20, 1, 1, 1, 64, spacing)) for spacing in (1e6, 1e3))
    np.testing.assert_allclose(far["delay_spread"], 1e3 * near["delay_spread"], rtol=1e-4)
    assert far["delay_spread"].max() > 1e-5


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 8), (4, 1, 1, 1), (1, 1, 8, 1)])
def test_axes_of_length_one(shape):
    for name, values in compute(paths(20, *shape, 1e6)).items():
        assert np.isfinite(values).all(), name


def test_a_single_tap():
    h = np.full((5, 2, 1, 1, 16), 1e-7 + 0j, np.complex64)
    flat = ChannelDataset(h, np.arange(16) * 1e6, rx_array=ArrayGeometry(columns=2))
    values = compute(flat)
    np.testing.assert_allclose(values["delay_spread"], 0, atol=1e-12)
    np.testing.assert_allclose(values["gain_db"], -140, atol=1e-3)


@pytest.mark.slow
def test_a_thousand_antennas_and_four_thousand_subcarriers():
    values = compute(paths(2, 1024, 1, 1, 4096, 1e5))
    assert all(np.isfinite(v).all() for v in values.values())
