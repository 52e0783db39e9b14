import math

import numpy as np
import pytest
import torch

from chanvae.stats.fading import fade_depth_db, gain, k_factor, squared_magnitude


def rician(k, n=400_000, seed=0):
    """[1, n / 4, 2, 1, 2] of unit power, one fixed path plus complex Gaussian."""
    generator = torch.Generator().manual_seed(seed)
    diffuse = torch.randn(1, n // 4, 2, 1, 2, dtype=torch.complex64, generator=generator)
    return (math.sqrt(k) + diffuse) / math.sqrt(k + 1)


def test_gain_is_mean_power():
    h = torch.full((2, 3, 2, 1, 4), 3 + 4j)
    h[1] = 0
    assert gain(h).tolist() == [25.0, 0.0]
    assert gain(h).dtype == torch.float64
    torch.testing.assert_close(squared_magnitude(h), h.abs().square())


@pytest.mark.parametrize(
    ("k", "tolerance"),
    # Four standard errors at 400,000 samples. At K = 0 the estimate is the root of a difference
    # of moments of standard error 0.003, hence only known to 0.12.
    [(0.0, 0.12), (1.0, 0.03), (4.0, 0.06), (20.0, 0.3)],
)
def test_rician_k_is_recovered(k, tolerance):
    assert k_factor(rician(k)).item() == pytest.approx(k, abs=tolerance)


def test_k_does_not_depend_on_phase_or_gain():
    h = rician(3.0, n=4000)
    for factor in (1j, 1e-8, 1e6):
        torch.testing.assert_close(k_factor(h * factor), k_factor(h), rtol=1e-5, atol=0)


def test_a_large_k_keeps_its_digits():
    # Power 1 ± e in equal parts: Ga = 1, Gv = e, K = V²(1 + V²) / e² with V² = sqrt(1 - e²).
    e = 1e-6
    h = torch.tensor([1 + e, 1 - e], dtype=torch.complex128).sqrt().reshape(1, 1, 1, 1, 2)
    v = math.sqrt(1 - e * e)
    assert k_factor(h).item() == pytest.approx(v * (1 + v) / e**2, rel=1e-8)


def test_k_where_the_moments_give_none():
    h = torch.zeros(3, 1, 1, 1, 8, dtype=torch.complex64)
    h[1, ..., 0] = 1
    h[2] = 1
    nothing, deeper_than_rayleigh, steady = k_factor(h)
    assert nothing.isnan()
    assert deeper_than_rayleigh == 0
    assert steady.isinf()
    assert k_factor(h[..., :1]).isnan().all(), "one sample does not vary"


@pytest.mark.parametrize("quantile", [0.0, 0.01, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_fade_depth_is_a_quantile(quantile, n):
    generator = torch.Generator().manual_seed(n)
    h = torch.randn(3, n, 2, 1, 1, dtype=torch.complex64, generator=generator)
    power = h.abs().square().double().flatten(1).numpy()
    expected = 10 * np.log10(np.quantile(power, quantile, axis=1) / power.mean(1))
    depth = fade_depth_db(h, quantile)
    assert depth.dtype == torch.float64
    # Powers are float32: 1e-6 of the power is 4e-6 dB.
    np.testing.assert_allclose(depth.numpy(), expected, rtol=0, atol=1e-5)


def test_fade_depth_of_rayleigh_fading():
    # The 1 % quantile of an exponential is -ln 0.99 of its mean, -19.98 dB; the standard error
    # at 400,000 samples is 1.6 % of it, 0.07 dB.
    assert fade_depth_db(rician(0.0)).item() == pytest.approx(-19.98, abs=0.3)


def test_fade_depth_without_power():
    h = torch.zeros(2, 1, 1, 1, 200, dtype=torch.complex64)
    h[1] = 2
    depth = fade_depth_db(h)
    assert depth[0].isnan()
    assert depth[1] == 0
