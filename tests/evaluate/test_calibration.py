"""The referee's own error rates, over many pairs of sets: equal, near and far.

``python -m pytest -m slow tests/evaluate/test_calibration.py -s`` prints the rates that
docs/referee.md states.
"""

import numpy as np
import pytest

from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import STATISTICS, applicable
from chanvae.evaluate.channel_classifier import channels_test
from chanvae.evaluate.compare import compare
from chanvae.evaluate.looks import compute
from chanvae.evaluate.preparation import table
from chanvae.evaluate.twosample import statistics_test
from chanvae.evaluate.verdict import judge_statistic

PAIRS = 200
(DELAY_SPREAD,) = (s for s in STATISTICS if s.name == "delay_spread")

pytestmark = pytest.mark.slow


def told(name, value):
    print(f"\n{name}: {value}")
    return value


def test_equal_sets_are_not_off(make):
    """200 pairs of 1,000 channels: at most 1 % of the pairs have any verdict that is off."""
    pairs = off = verdicts = outside = 0
    low_p = 0
    for s in range(PAIRS):
        report = compare(make(1000, 2 * s), make(1000, 2 * s + 1), quick=True, seed=s)
        all_ = [r.verdict for r in (*report.statistics, *report.figures, *report.classifiers)]
        pairs += 1
        off += "off" in all_
        verdicts += len(all_)
        outside += sum(v != "within the floor" for v in all_)
        low_p += report.channels.mmd_p <= 0.05
    told("pairs of equal sets with a verdict that is off", f"{off} of {pairs}")
    told("verdicts on equal sets that leave the floor", f"{outside / verdicts:.4f} of {verdicts}")
    told("MMD p-values up to 0.05 between equal sets", f"{low_p / pairs:.3f}")
    assert off <= 0.01 * pairs
    # By construction 2.5 %, correlated within a pair.
    assert outside / verdicts < 0.05
    # At 5 %: more than 9 % of 200 has a chance of 1 %.
    assert low_p / pairs <= 0.09


def test_ten_per_cent_more_delay_spread_is_found(make):
    """200 pairs of 5,000: found is outside the floor, and told as too long."""
    found = named = off = 0
    for s in range(PAIRS):
        one, other = (
            compute(make(5000, 2 * s + k, spread=spread))["delay_spread"]
            for k, spread in ((0, 100e-9), (1, 110e-9))
        )
        result = judge_statistic(DELAY_SPREAD, {"measured": one, "generated": other}, seed=s)
        found += result.verdict != "within the floor"
        off += result.verdict == "off"
        named += "too long" in result.sentence
    told("10 % longer delay spread found", f"{found} of {PAIRS}")
    told("named as too long", f"{named} of {PAIRS}")
    told("told as off", f"{off} of {PAIRS}")
    assert found >= 0.99 * PAIRS and named >= 0.99 * PAIRS


def test_classifier_on_statistics(make):
    """50 equal pairs of 5,000: standard error 0.006, so 0.48 to 0.52 is 3.4 of them."""
    areas, far = [], []
    for s in range(50):
        one, other, third = make(5000, 3 * s), make(5000, 3 * s + 1), make(5000, 3 * s + 2, k=20)
        known = applicable(Grid.of(one))
        tables = [table(compute(d), known) for d in (one, other, third)]
        areas.append(statistics_test(tables[0], tables[1], s).auc)
        far.append(statistics_test(tables[0], tables[2], s).auc)
    told("AUC on statistics, equal", f"{min(areas):.3f} to {max(areas):.3f} in 50 pairs")
    told("AUC on statistics, far", f"{min(far):.3f} and above")
    assert min(areas) >= 0.48 and max(areas) <= 0.52 and min(far) > 0.98


def test_classifier_on_channels(make):
    """10 equal pairs of 10,000: 3,000 of each are scored, standard error 0.0075."""
    areas, far = [], []
    for s in range(10):
        one, other, third = (
            make(10_000, 3 * s + k, k=strength) for k, strength in ((0, 0.0), (1, 0.0), (2, 20.0))
        )
        areas.append(channels_test(one, other, s).auc)
        far.append(channels_test(one[:2000], third[:2000], s).auc)
    told("AUC on channels, equal", f"{min(areas):.3f} to {max(areas):.3f} in 10 pairs")
    told("AUC on channels, far", f"{min(far):.3f} and above")
    assert min(areas) >= 0.48 and max(areas) <= 0.52 and min(far) > 0.98
    assert np.mean(areas) == pytest.approx(0.5, abs=0.008)  # 3 standard errors
