"""Spectral efficiency against its closed forms."""

import math

import pytest
import torch

from chanvae.stats.capacity import spectral_efficiency


def test_one_antenna_without_fading_is_shannon():
    h = torch.full((1, 1, 1, 1, 4), 7.0 + 0j)
    assert spectral_efficiency(h, 10).item() == pytest.approx(math.log2(11), rel=1e-6)


@pytest.mark.parametrize(("rx", "tx"), [(4, 4), (2, 4), (4, 2)])
def test_orthogonal_streams(rx, tx):
    """k equal singular values s with s² k = rx tx: k log2(1 + ρ s² / tx)."""
    k = min(rx, tx)
    h = torch.zeros(1, rx, tx, 1, 3, dtype=torch.complex64)
    for i in range(k):
        h[0, i, i] = math.sqrt(rx * tx / k)
    expected = k * math.log2(1 + 10 * rx * tx / k / tx)
    assert spectral_efficiency(h, 10).item() == pytest.approx(expected, rel=1e-6)


def test_gain_and_one_sided_arrays():
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(3, 4, 1, 2, 5, dtype=torch.complex64, generator=generator)
    torch.testing.assert_close(spectral_efficiency(h), spectral_efficiency(1e-4j * h))
    power = h.abs().square().sum(1)[:, 0] / h.abs().square().mean((1, 2, 3, 4))[:, None, None]
    expected = (1 + 10 * power).log2().mean((1, 2)).double()
    torch.testing.assert_close(spectral_efficiency(h), expected, rtol=1e-5, atol=0)
    assert spectral_efficiency(h * 0).isnan().all()
    assert spectral_efficiency((h * 0).expand(3, 4, 2, 2, 5)).isnan().all()
