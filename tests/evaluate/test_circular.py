"""Distances on the circle against rotations and a brute-force search."""

import numpy as np
import pytest

from chanvae.evaluate import circular
from chanvae.evaluate.circular import PooledCircle
from chanvae.evaluate.distances import apart, distance, floor


def weights(n, m):
    return np.repeat([1 / n, -1 / m], [n, m])


@pytest.mark.parametrize("turn", [0.2, 1.0, -1.5])
def test_a_turn_is_its_own_distance(turn):
    """The shorter way round, wherever -π happens to lie."""
    x = np.random.default_rng(0).normal(np.pi - 0.1, 0.2, 2000)
    w1, _ = PooledCircle(np.concatenate([x, x + turn])).distances(weights(2000, 2000))
    assert w1 == pytest.approx(abs(turn), rel=1e-6)


def test_it_is_the_best_cut_of_the_circle():
    """Equal to the least W1 over all cyclic matchings of equally many sorted phases."""
    rng = np.random.default_rng(1)
    a, b = np.sort(rng.uniform(0, 2 * np.pi, 30)), np.sort(rng.normal(0, 1, 30) % (2 * np.pi))
    found, _ = PooledCircle(np.concatenate([a, b])).distances(weights(30, 30))
    unrolled = np.concatenate([b - 2 * np.pi, b, b + 2 * np.pi])
    best = min(np.abs(a - unrolled[k : k + 30]).mean() for k in range(61))
    assert found == pytest.approx(best, rel=1e-9)


def test_where_the_cut_lies_does_not_matter():
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 0.5, 400), rng.normal(0.3, 0.7, 300)
    plain = apart(a, b, circular=True)
    turned = apart(a + 2.9, b + 2.9, circular=True)
    assert plain == pytest.approx(turned, rel=1e-9)


def test_narrow_phases_are_as_on_a_line():
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 0.1, 500), rng.normal(0.05, 0.1, 500)
    assert apart(a, b, circular=True)[0] == pytest.approx(apart(a, b)[0], rel=0.01)


def test_uniform_phases_have_a_scale_and_a_floor():
    rng = np.random.default_rng(4)
    x, y = rng.uniform(-np.pi, np.pi, (2, 2000))
    assert circular.sigma(x) == pytest.approx(np.pi / 3**0.5, rel=0.03)
    between, real = distance(x, y, circular=True), floor(x, 2000, circular=True)
    # Two of 200 equal pairs leave the interval on either side.
    assert between.w1_sigma.value < 1.5 * real.w1_sigma.high
