"""Our statistics against Sionna's own metrics and channel utilities, in float64."""

import math

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.stats.angle import (
    angular_power_spectrum,
    angular_spread,
    beam_angles,
    circular_angular_spread,
)
from chanvae.stats.delay import delay_axis, delay_response, delay_spread, rms_delay_spread
from chanvae.stats.spatial import (
    correlation_matrix,
    effective_rank,
    singular_values,
    spatial_correlation,
)


@pytest.fixture(scope="module")
def sionna():
    """``sionna.phy.channel``; its import seeds torch anew, so the state is put back."""
    state = torch.get_rng_state()
    channel = pytest.importorskip("sionna.phy.channel")
    torch.set_rng_state(state)
    yield channel
    torch.set_rng_state(state)


def uniform(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator)


def test_rms_delay_spread(sionna):
    power, delay = uniform(50, 24), uniform(24, seed=1) * 1e-6
    expected = sionna.tr38901.metrics.rms_delay_spread(delay, power, "double", "cpu")
    # Sionna subtracts squares: 1e-16 relative to 1e-12 s², the spread is about 3e-7 s.
    torch.testing.assert_close(rms_delay_spread(power, delay), expected, rtol=1e-12, atol=0)


def test_circular_angular_spread(sionna):
    power, angle = uniform(50, 24), (uniform(24, seed=1) * 2 - 1) * math.pi
    expected = sionna.tr38901.metrics.circular_angular_spread(angle, power, "double", "cpu")
    torch.testing.assert_close(circular_angular_spread(power, angle), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("n", [64, 63])
def test_delay_bins_are_the_paths_of_a_channel_impulse_response(sionna, n):
    spacing, batch = 240e3, 5
    freq = sionna.subcarrier_frequencies(n, spacing, "double", "cpu")
    delay = delay_axis(freq)
    a = torch.complex(uniform(batch, n), uniform(batch, n, seed=1)) - 0.5 - 0.5j
    a = a * torch.exp(-torch.arange(n) / 20)
    tau = delay.expand(batch, 1, 1, n)
    h = sionna.cir_to_ofdm_channel(freq, a[:, None, None, None, None, :, None], tau)
    h = h.squeeze(1).squeeze(2)  # one link: [batch, rx antenna, tx antenna, time, freq]
    response = delay_response(h)[:, 0, 0, 0]
    torch.testing.assert_close(response, a * math.sqrt(n), rtol=0, atol=1e-10)
    # With the strongest path first, the last eighth of the period counts as before it.
    a[:, 0] += 3
    h = h + 3
    before = (torch.arange(n) >= n - n // 8) / spacing
    expected = sionna.tr38901.metrics.rms_delay_spread(
        delay - before, a.abs().square(), "double", "cpu"
    )
    found = delay_spread(h, freq, threshold_db=300.0)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("degrees", [-30.0, 0.0, 25.0])
def test_one_ring_covariance(sionna, degrees):
    array = ArrayGeometry.line(16)
    ring = sionna.one_ring_corr_mat(degrees, 16, 0.5, 10.0, precision="double", device="cpu")
    power, vectors = torch.linalg.eigh(ring.reshape(16, 16))
    # One eigenvector a subcarrier: the sample covariance is the model's, without an error.
    h = (vectors * power.clamp(min=0).sqrt()).reshape(1, 16, 1, 1, 16)
    torch.testing.assert_close(16 * correlation_matrix(h), ring.reshape(16, 16), atol=1e-7, rtol=0)
    for lag in (1, 4):
        found = spatial_correlation(h, array, lag=lag).item()
        assert found == pytest.approx(ring.reshape(16, 16)[lag, 0].abs().item(), abs=1e-6)
    spectrum = angular_power_spectrum(h, array, oversampling=32)[0]
    peak = math.degrees(beam_angles(array, 32)[spectrum.argmax()].item())
    assert peak == pytest.approx(degrees, abs=0.2)  # bins are 0.22° and more apart
    # Ten degrees of scatter and 9° (0°) to 11° (30°) of resolution add as squares, roughly.
    assert 11 < math.degrees(angular_spread(h, array).item()) < 18


def test_effective_rank_from_singular_values(sionna):
    h = torch.complex(uniform(9, 4, 1, 6), uniform(9, 4, 1, 6, seed=1)) - 0.5 - 0.5j
    tau = uniform(9, 6, seed=2) * 1e-6
    squared_db = sionna.tr38901.metrics.prb_singular_values(h, tau, 3.5e9, 60e3, 12)
    sigma = 10 ** (squared_db.numpy() / 20)
    share = sigma / sigma.sum(-1, keepdims=True)
    expected = np.exp(-(share * np.log(share)).sum(-1))
    freq = (torch.arange(12, dtype=torch.float64) - 5.5) * 60e3
    phase = torch.exp(-2j * math.pi * tau[:, :, None] * freq)
    response = torch.einsum("nrtp,npf->nrtf", h, phase)[:, :, :, None]
    np.testing.assert_allclose(
        effective_rank(singular_values(response)).numpy(), expected, rtol=1e-6
    )
