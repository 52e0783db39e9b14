"""The sum over paths: against the definition and against Sionna."""

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.io.paths.response import delay_spread, grid, path_power, response
from chanvae.io.paths.steering import steering
from chanvae.stats.angle import angular_power_spectrum


def paths(n=5, rx=3, tx=2, count=4, time=2, full=False, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, rx, tx, count, time)) + 1j * rng.normal(size=(n, rx, tx, count, time))
    shape = (n, rx, tx, count) if full else (n, 1, 1, count)
    return a, rng.uniform(0, 2e-6, shape)


@pytest.mark.parametrize("full", [False, True])
def test_the_definition(full: bool) -> None:
    a, tau = paths(full=full)
    freq = grid(20e6, 16)
    tau_all = np.broadcast_to(tau, a.shape[:4])
    for n, r, t, k, f in ((0, 0, 0, 0, 0), (4, 2, 1, 1, 15), (2, 1, 0, 1, 7)):
        expected = sum(
            a[n, r, t, p, k] * np.exp(-2j * np.pi * freq[f] * tau_all[n, r, t, p])
            for p in range(4)
        )
        assert response(a, tau, freq)[n, r, t, k, f] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("full", [False, True])
def test_sionna_sums_the_same(full: bool) -> None:
    """To complex64's rounding of the result: 1e-6 of the largest."""
    with torch.random.fork_rng(devices=[]):
        from sionna.phy.channel import cir_to_ofdm_channel

        a, tau = paths(full=full)
        freq = grid(20e6, 16)
        first = torch.as_tensor(a)[:, None, :, None]
        late = torch.as_tensor(tau)[:, None, :, None] if full else torch.as_tensor(tau[:, 0, 0])
        late = late if full else late[:, None, None]
        theirs = cir_to_ofdm_channel(torch.as_tensor(freq), first, late, normalize=False)
        theirs = theirs[:, 0, :, 0].cpu().numpy()
    np.testing.assert_allclose(response(a, tau, freq), theirs, atol=1e-6 * np.abs(theirs).max())


def test_the_grid_is_chanvae_s() -> None:
    np.testing.assert_allclose(grid(8e6, 4), [-4e6, -2e6, 0, 2e6])
    np.testing.assert_allclose(grid(5e6, 5), [-2e6, -1e6, 0, 1e6, 2e6])


def test_spread_of_two_equal_paths_is_half_their_distance() -> None:
    power = np.array([[1.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    late = np.array([[0.0, 100e-9, 1.0]] * 3)
    spread = delay_spread(power, late)
    assert spread[0] == pytest.approx(50e-9) and spread[1] == 0 and np.isnan(spread[2])
    np.testing.assert_allclose(path_power(np.full((1, 2, 2, 1, 1), 3j)), [[9.0]])


def test_antennas_are_numbered_and_turned_as_in_the_conventions() -> None:
    """A wave from azimuth 30° peaks at u = spacing sin 30°; from 60° zenith rows turn by cos."""
    array = ArrayGeometry(rows=2, columns=8)
    wave = steering(array, np.deg2rad([30.0]), np.deg2rad([90.0]))
    assert wave.shape == (16, 1)
    np.testing.assert_allclose(wave[1, 0], np.exp(2j * np.pi * 0.5 * 0.5), atol=1e-12)
    np.testing.assert_allclose(wave[8, 0], 1, atol=1e-12)
    high = steering(array, np.deg2rad([0.0]), np.deg2rad([60.0]))
    np.testing.assert_allclose(high[8, 0], np.exp(2j * np.pi * 0.5 * 0.5), atol=1e-12)
    line = ArrayGeometry(columns=16)
    h = torch.as_tensor(steering(line, np.array([0.4]), np.array([np.pi / 2])).T)
    spectrum = angular_power_spectrum(h[:, :, None, None, None], line, "rx")[0]
    u = (float(spectrum.argmax()) - len(spectrum) // 2) / len(spectrum)
    assert u == pytest.approx(0.5 * np.sin(0.4), abs=1 / len(spectrum))
