"""Doppler spread and time correlation of channels whose motion is known on paper."""

import math

import pytest
import torch

from chanvae.stats.doppler import doppler_spectrum, doppler_spread, time_correlation


def tones(shifts, powers, steps=64, rate=1000.0):
    """One antenna and frequency: tones at whole Doppler bins, ``[1, 1, 1, steps, 1]``."""
    time = torch.arange(steps, dtype=torch.float64) / rate
    waves = torch.exp(2j * math.pi * torch.tensor(shifts)[:, None] * rate / steps * time)
    h = (torch.tensor(powers).sqrt()[:, None] * waves).sum(0)
    return h.reshape(1, 1, 1, steps, 1), time


@pytest.mark.parametrize("center", [0.0, 5.0, 31.0])
def test_two_tones_of_equal_power(center):
    """Two Doppler shifts d apart: the RMS is d / 2, also where they straddle the edge."""
    h, time = tones([center - 3, center + 3], [1.0, 1.0])
    assert doppler_spread(h, time).item() == pytest.approx(3 * 1000 / 64, rel=1e-9)


def test_the_spectrum_holds_the_power():
    h, _ = tones([2.0, 9.0], [1.0, 3.0])
    spectrum = doppler_spectrum(h)
    assert spectrum.mean().item() == pytest.approx(4.0)
    assert spectrum[0, 9].item() == pytest.approx(3 * 64)


def test_nothing_moves():
    h = torch.ones(2, 1, 1, 8, 1, dtype=torch.complex64)
    assert doppler_spread(h, torch.arange(8.0)).abs().max() < 1e-6
    assert time_correlation(h, 1).tolist() == pytest.approx([1.0, 1.0])
    assert doppler_spread(h[..., :1, :], torch.zeros(1)).isnan().all()


def test_two_tones_correlate_as_a_cosine():
    """ρ(lag) = |cos(π d lag / N)| for tones d bins apart, up to the ends of the window."""
    h, _ = tones([0.0, 2.0], [1.0, 1.0], steps=512)
    for lag in (1, 20):
        expected = abs(math.cos(math.pi * 2 * lag / 512))
        assert time_correlation(h, lag).item() == pytest.approx(expected, abs=0.02)
