"""Figures of whole sets: closed forms, and the floor and interval by weightings."""

import numpy as np
import pytest

from chanvae.catalogue.grid import Grid
from chanvae.evaluate.features import ENVELOPE_BINS, ENVELOPE_DB
from chanvae.evaluate.looks import look
from chanvae.evaluate.setfigures import decibel_rms, envelope_quantile, set_figures
from chanvae.evaluate.setwise import (
    REPEATS,
    bootstrap_weights,
    judge_figures,
    measured_weights,
)


def judged(measured, generated, others=()):
    rng = np.random.default_rng(0)
    sizes = len(measured), len(generated)
    seen = look(measured, measured_weights(*sizes, None, rng))
    made = look(generated, bootstrap_weights(sizes[1], None, rng))
    known = {str(k): look(d, bootstrap_weights(len(d), None, rng)) for k, d in enumerate(others)}
    figures = set_figures(Grid.of(measured))
    return {f.name: f for f in judge_figures(figures, seen, made, known, sizes)}


def test_equal_sets_are_near_their_floor(make):
    """Of 9 figures each leaves the floor 2.5 % of the time; none is twice that."""
    found = judged(make(1500, 1), make(1500, 2), [make(1500, 3)])
    assert len(found) == 9
    assert all(f.verdict != "off" for f in found.values())
    for f in found.values():
        assert f.distance.low <= f.distance.value <= f.distance.high
        assert f.floor.low <= f.floor.value <= f.floor.high
        other = f.baselines["0"]
        assert 0 < other.value < 3 * f.floor.high
        assert 0 <= other.low <= other.value <= other.high


def test_longer_delays_and_another_direction_are_found(make):
    found = judged(make(1500, 1), make(1500, 2, spread=200e-9))
    assert found["delay_profile"].verdict == "off"
    assert "dB too" in found["delay_profile"].sentence and "ns" in found["delay_profile"].sentence
    assert found["frequency_autocorrelation"].verdict == "off"
    assert found["codebook_rx"].verdict != "off"
    steady = judged(make(1500, 1), make(1500, 2, k=20.0))
    for name in ("envelope", "fade_tail_1e-2", "correlation_distance_rx", "codebook_rx"):
        assert steady[name].verdict == "off", name
    assert "too shallow" in steady["fade_tail_1e-2"].sentence


def test_weights_are_weights():
    rng = np.random.default_rng(0)
    weights = measured_weights(40, 15, None, rng)
    assert weights.shape == (1 + 3 * REPEATS, 40)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    one, other = weights[1 + REPEATS :].reshape(2, REPEATS, 40)
    assert not (one * other).any()
    assert ((one > 0).sum(1) == 15).all()
    labels = np.repeat(np.arange(4), 10)
    grouped = bootstrap_weights(40, labels, rng).reshape(-1, 4, 10)
    assert (grouped == grouped[:, :, :1]).all()


def test_decibels_count_where_there_is_power():
    a = np.array([1.0, 0.1, 1e-6, 1e-9])
    b = np.array([2.0, 0.05, 1e-9, 1e-6])
    assert decibel_rms(a, b) == pytest.approx(10 * np.log10(2))


def test_envelope_quantiles_of_rayleigh_fading(make):
    """The q quantile of an exponential is -ln(1 - q) of its mean."""
    rng = np.random.default_rng(0)
    power = rng.exponential(size=2_000_000)
    low, high = ENVELOPE_DB
    edges = np.linspace(low, high, ENVELOPE_BINS + 1)
    histogram = np.histogram(10 * np.log10(power), edges)[0] / len(power)
    for q in (1e-3, 1e-2, 0.5):
        expected = 10 * np.log10(-np.log(1 - q))
        # The standard error at 1e-3 is 2 % of the power, 0.1 dB.
        assert envelope_quantile(histogram, q) == pytest.approx(expected, abs=0.3)
