"""Distances against scipy and closed forms, and their floor."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from chanvae.evaluate.distances import (
    Pooled,
    apart,
    distance,
    floor,
    floor_size,
    is_constant,
)


def test_a_shift_is_its_own_distance():
    x = np.random.default_rng(0).normal(size=1000)
    assert apart(x, x + 0.3 * x.std())[0] == pytest.approx(0.3)
    assert apart(x, x) == pytest.approx((0, 0), abs=1e-12)
    assert apart(x, x + 100)[1] == pytest.approx(1)


@pytest.mark.parametrize("decimals", [1, 12])  # with and without ties
def test_weighted_distances_are_scipys(decimals):
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=70).round(decimals), rng.normal(0.2, 1.3, size=40).round(decimals)
    w1, gap = Pooled(np.concatenate([a, b])).distances(np.repeat([1 / 70, -1 / 40], [70, 40]))
    assert w1 == pytest.approx(wasserstein_distance(a, b))
    assert gap == pytest.approx(ks_2samp(a, b).statistic)


def test_constant_has_no_scale():
    assert is_constant(np.full(9, 3.0)) and not is_constant(np.arange(9.0))
    assert is_constant(np.array([0.0, 1e-6]), resolution=1e-3)


def test_interval_holds_the_estimate_and_a_known_shift():
    """Of 100 intervals at 95 %, fewer than 86 hold the truth once in 1,000 seeds."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(100):
        between = distance(rng.normal(size=300), rng.normal(0.5, 1, size=300), repeats=100)
        assert between.w1_sigma.low < between.w1_sigma.value < between.w1_sigma.high
        assert 0 <= between.ks.low < between.ks.value < between.ks.high <= 1
        held += between.w1_sigma.low < 0.5 < between.w1_sigma.high
    assert held >= 86


def test_whole_groups_widen_the_interval():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(10), 50)
    measured = rng.normal(size=10)[labels] + 0.1 * rng.normal(size=500)
    generated = rng.normal(size=500)
    plain, grouped = (distance(measured, generated, labels=v) for v in (None, labels))
    assert grouped.w1_sigma.high > 1.5 * plain.w1_sigma.high


@pytest.mark.parametrize("generated", [300, 1000, 4000])
def test_floor_is_what_equal_samples_are_apart(generated):
    """Medians of 200 partings and of 60 fresh pairs agree to 25 % (5 standard errors)."""
    rng = np.random.default_rng(4)
    fresh = [apart(rng.normal(size=1000), rng.normal(size=generated))[0] for _ in range(60)]
    floors = [floor(rng.normal(size=1000), generated).w1_sigma.value for _ in range(5)]
    assert np.median(floors) == pytest.approx(np.median(fresh), rel=0.25)
    assert floor_size(1000, generated) == min(500, generated)


def test_same_seed_same_numbers():
    x, y = np.random.default_rng(5).normal(size=(2, 100))
    assert distance(x, y, seed=1) == distance(x, y, seed=1) != distance(x, y, seed=2)
