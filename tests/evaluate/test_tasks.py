"""Tasks: closed forms of both, and that a bad generator costs decibels."""

import numpy as np
import pytest
import torch

from chanvae.catalogue.grid import Grid
from chanvae.evaluate import compression
from chanvae.evaluate.compression import compressor
from chanvae.evaluate.estimation import COMB, estimator
from chanvae.evaluate.tasks import tasks


def nmse(trained, h):
    with torch.no_grad():
        return float((trained(h) - h).abs().square().mean() / h.abs().square().mean())


def test_estimation_of_a_channel_known_but_for_a_factor(make):
    """h = a v with P pilots at 10 dB: the error is 1 / (1 + 10 P) of the power."""
    freqs = 16
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(20_000, 1, 1, 1, 1, dtype=torch.complex64, generator=generator)
    h = a.expand(-1, 1, 1, 1, freqs).contiguous()
    grid = Grid.of(make(2, 0, antennas=1, freqs=freqs))
    expected = 1 / (1 + 10 * freqs / COMB)
    # 20,000 exponential errors: 0.7 % standard error.
    assert nmse(estimator(h, grid), h) == pytest.approx(expected, rel=0.04)


def test_compression_of_few_dimensions(make):
    """Channels of four complex numbers fit into 32 real ones."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn(4, 64, dtype=torch.complex64, generator=generator)
    few = torch.randn(1500, 4, dtype=torch.complex64, generator=generator) @ basis
    h = (few / few.abs().square().mean(1, keepdim=True).sqrt()).reshape(1500, 4, 1, 1, 16)
    grid = Grid.of(make(2, 0))
    assert nmse(compressor(h[:1000], grid), h[1000:]) < 0.1
    white = torch.randn(1500, 4, 1, 1, 16, dtype=torch.complex64, generator=generator)
    assert nmse(compressor(white[:1000], grid), white[1000:]) > 0.5


def test_equal_and_far(make, monkeypatch):
    """Equal sets lose less than 0.5 dB; channels of another site lose more than 1 dB."""
    monkeypatch.setattr(compression, "STEPS", 200)
    measured, training = make(900, 1), make(1800, 2)
    equal = {t.name: t for t in tasks(measured, make(1400, 3), training)}
    assert set(equal) == {"channel_estimation", "csi_compression"}
    for t in equal.values():
        assert abs(t.loss.value) < 0.5 and t.verdict != "off", t.name
        assert t.loss.low <= t.loss.value <= t.loss.high
        assert t.generated == pytest.approx(t.measured, abs=1.0)
    far = tasks(measured, make(1400, 4, spread=5e-9, k=50.0), training)
    assert all(t.loss.value > 1 and t.verdict == "off" and "worse" in t.sentence for t in far)


def test_without_a_training_set_and_seeded(make, hasty):
    sets = make(200, 1), make(200, 2), None
    first, again = (tasks(*sets, seed=1) for _ in range(2))
    assert first == again
    assert all(np.isfinite(t.loss.value) and t.n == 66 for t in first)
