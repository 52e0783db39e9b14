"""Distances between sets of vectors: equal, near and far, and their closed forms."""

import numpy as np
import pytest

from chanvae.evaluate.channelwise import (
    channel_distances,
    manifolds,
    mmd_test,
    sliced_wasserstein,
)
from chanvae.evaluate.embedding import Embedding


def normal(n, seed, shift=0.0, k=6):
    return np.random.default_rng(seed).normal(size=(n, k)) + shift


def test_equal_near_far():
    rng = np.random.default_rng(0)
    for shift, low, high in ((0.0, 0.0, 0.06), (0.3, 0.2, 0.3), (5.0, 3.0, 5.0)):
        found, floor = sliced_wasserstein(normal(2000, 1), normal(2000, 2, shift), rng)
        # A shift by s along every axis: |projection| of the diagonal, 0.8 of s on average.
        assert low <= found.value <= high
        assert (found.value <= 1.3 * floor.high) == (shift == 0.0)


def test_mmd_is_calibrated_and_finds_a_shift():
    """At 5 %, more than 9 of 60 equal pairs are rejected once in 1,000 seeds."""
    rng = np.random.default_rng(1)
    p = [mmd_test(normal(60, 2 * s), normal(60, 2 * s + 1), rng, 99)[1] for s in range(60)]
    assert sum(v <= 0.05 for v in p) <= 9
    found, p = mmd_test(normal(300, 1), normal(300, 2, 0.5), rng)
    assert 0 < found.low < found.value < found.high and p == pytest.approx(1 / 201)


def test_mmd_is_the_double_sum():
    rng = np.random.default_rng(2)
    a, b = normal(7, 1), normal(5, 2)
    both = np.concatenate([a, b])
    squared = ((both[:, None] - both) ** 2).sum(-1)
    kernel = np.exp(-squared / np.median(squared[:7]))
    off = ~np.eye(12, dtype=bool)
    expected = (
        kernel[:7, :7][off[:7, :7]].mean()
        + kernel[7:, 7:][off[7:, 7:]].mean()
        - 2 * kernel[:7, 7:].mean()
    )
    assert mmd_test(a, b, rng, 5)[0].value == pytest.approx(expected)


def test_manifolds_tell_what_is_lost_from_what_is_added():
    rng = np.random.default_rng(0)
    measured = np.concatenate([normal(500, 1), normal(500, 2, 30.0)])
    equal = manifolds(measured, np.concatenate([normal(500, 3), normal(500, 4, 30.0)]), rng)
    assert min(e.value for e in equal.values()) > 0.85
    lost = manifolds(measured, normal(1000, 5), rng)
    assert lost["precision"].value > 0.9
    assert lost["recall"].value < 0.6 and lost["coverage"].value < 0.6
    added = manifolds(normal(1000, 6), measured, rng)
    assert added["precision"].value < 0.6 and added["recall"].value > 0.9


def test_the_interval_of_a_share_is_that_of_a_mean():
    """Of 1,000 draws a share of 0.6 has a standard error of 0.0155."""
    found = manifolds(normal(1000, 1), normal(1000, 2, 1.0), np.random.default_rng(0))
    for name in ("precision", "recall", "coverage"):
        e = found[name]
        wide = 2 * 1.96 * (e.value * (1 - e.value) / 1000) ** 0.5
        assert e.low < e.value < e.high and e.high - e.low == pytest.approx(wide, rel=0.25), name


def test_of_channels(make):
    sets = [make(400, s) for s in (1, 2)]
    embed = Embedding.of(*sets)
    equal = channel_distances(*(embed(d) for d in sets), "test")
    assert equal.sliced.value < 1.5 * equal.sliced_floor.high and equal.mmd_p > 0.001
    sets[1] = make(400, 3, k=20.0)
    embed = Embedding.of(*sets)
    far = channel_distances(*(embed(d) for d in sets), "test")
    assert far.sliced.value > 3 * far.sliced_floor.high and far.mmd_p < 0.01
    assert far.recall.value < 0.7 * far.manifold_floor["recall"].value
