"""Verdicts in words: which way, from where on, and how much."""

import numpy as np
import pytest

from chanvae.catalogue.statistics import STATISTICS
from chanvae.evaluate.direction import direction

BY_NAME = {s.name: s for s in STATISTICS}
SPREAD, STEP = BY_NAME["delay_spread"], BY_NAME["phase_step_rx"]


def sample(n=20_000, seed=0):
    return np.random.default_rng(seed).uniform(50e-9, 250e-9, n)


def test_a_shift_is_told_with_its_size():
    assert direction(SPREAD, sample(), sample(seed=1) - 6e-9).startswith("is 6")
    assert direction(SPREAD, sample(), sample(seed=1) - 6e-9).endswith("ns too short")
    assert "too long" in direction(SPREAD, sample(), sample(seed=1) + 6e-9)


@pytest.mark.parametrize(("side", "edge"), [("above", 150), ("below", 150)])
def test_one_half_is_told_alone(side, edge):
    """6 ns shorter on one side of 150 ns only, up to 10 % of it left out at the edge."""
    x = sample(seed=1)
    part = x > 150e-9 if side == "above" else x < 150e-9
    words = direction(SPREAD, sample(), np.where(part, x - 6e-9, x))
    found = float(words.split()[-2])
    assert "ns too short " + side in words
    assert found == pytest.approx(edge, abs=15)


def test_spread_and_shape():
    x = sample(seed=1)
    assert "varies too little" in direction(SPREAD, sample(), 150e-9 + 0.7 * (x - 150e-9))
    assert "varies too much" in direction(SPREAD, sample(), 150e-9 + 1.3 * (x - 150e-9))


def test_phases_turn():
    x = np.random.default_rng(0).normal(3.0, 0.3, 5000)
    assert direction(STEP, x, x + 0.5) == "is turned by 28.6 deg"
    assert "too narrow" in direction(STEP, x, 3.0 + 0.5 * (x - 3.0))
