"""A run against its held-out channels: known groups and new ones are two questions."""

import dataclasses

import numpy as np
import pytest

from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import applicable
from chanvae.evaluate.carry import FEWEST_GROUPS, carry
from chanvae.evaluate.evaluate import evaluate
from chanvae.evaluate.learning import learning_curve
from chanvae.evaluate.looks import compute
from chanvae.evaluate.preparation import table
from chanvae.split import split
from chanvae.stats.conditions import with_channel_conditions


class Fitted:
    """What ``evaluate`` needs of a run: it draws from the distribution of all groups."""

    device = "cpu"

    def __init__(self, data, make, how):
        self.data, self.make, self.how = data, make, how
        self.asked = []
        self.known = {"delay_spread": data.conditions["delay_spread"]}
        self.vector = type("Vector", (), {"names": ("delay_spread",)})

    def dataset(self):
        return self.data

    def split(self, dataset):
        return split(dataset, how=self.how)

    def sample(self, n, seed=0, extrapolate=False, **conditions):
        self.asked.append((n, conditions))
        units = dict.fromkeys(conditions, "s")
        return self.make(n, 1000 + seed).with_conditions(conditions, units)


def grouped(make, groups, each, spread_of):
    """Groups of channels, each with its own delays."""
    parts = [make(each, g, spread=spread_of(g)) for g in range(groups)]
    h = np.concatenate([p.h[:] for p in parts])
    labels = {"day": np.repeat(np.arange(groups), each)}
    return with_channel_conditions(dataclasses.replace(parts[0], h=h, groups=labels))


def test_two_questions(make):
    data = grouped(make, 120, 25, lambda g: 100e-9)
    report = evaluate(Fitted(data, make, ""), quick=True, seed=1)
    assert report.measured["n"] == 150  # 5 % of known groups
    assert report.carry.what == "values of day"
    assert report.carry.groups >= FEWEST_GROUPS and report.carry.enough
    assert sum(r.as_near for r in report.carry.rows) >= len(report.carry.rows) - 2
    assert "on values of day that training never saw" in report.sentences[2]


def test_too_few_groups_are_said(make):
    data = grouped(make, 12, 60, lambda g: 40e-9 + 20e-9 * g)
    report = evaluate(Fitted(data, make, ""), quick=True)
    assert not report.carry.enough
    assert "too few to say" in report.carry.sentence and "too few" in report.sentences[2]


def test_a_hole_is_asked_for(make):
    data = grouped(make, 1, 900, lambda g: 100e-9)
    data = dataclasses.replace(data, groups={})
    fitted = Fitted(data, make, "hole:delay_spread=90ns..110ns")
    report = evaluate(fitted, quick=True)
    n, asked = fitted.asked[2]
    assert len(asked["delay_spread"]) == n == report.carry.n
    assert (asked["delay_spread"] >= 90e-9).all() and (asked["delay_spread"] <= 110e-9).all()
    # What was drawn without regard to the conditions is far off; the nearest training is not.
    (row,) = (r for r in report.carry.rows if r.name == "delay_spread")
    assert not row.as_near and row.training.w1_sigma.value < row.generated.w1_sigma.value


def test_a_random_split_says_how_it_leaks(make):
    data = with_channel_conditions(make(400, 1))
    report = evaluate(Fitted(data, make, "random"), quick=True)
    assert report.carry is None
    assert any("parted at random" in note and "near copy" in note for note in report.notes)


def test_carry_tells_near_from_far(make):
    new, training = make(400, 1, spread=200e-9), make(400, 2, spread=200e-9)
    known = applicable(Grid.of(new))
    near, far = make(400, 3, spread=200e-9), make(400, 4, spread=50e-9)
    found = []
    for generated in (near, far):
        values = [compute(d) for d in (new, generated, training)]
        tables = tuple(table(v, known) for v in values)
        found.append(carry("values of day", known, *values, tables, None))
    assert sum(r.as_near for r in found[0].rows) >= len(found[0].rows) - 2
    assert not any(r.as_near for r in found[1].rows if "delay" in r.name)
    assert found[1].generated.auc > 0.9 > found[0].generated.auc


@pytest.mark.parametrize(("spreads", "helps"), [((1.5, 1.5), False), ((3.0, 2.0), True)])
def test_learning_curve(make, spreads, helps):
    """Models of less data with longer delays, and with the same."""
    held_out, generated = make(600, 1), make(600, 2, spread=150e-9)
    spread = {0.25: 100e-9 * spreads[0], 0.5: 100e-9 * spreads[1]}
    curve = learning_curve(
        held_out, generated, 2000, lambda share: make(600, 3, spread=spread[share])
    )
    assert [p.n for p in curve.points] == [500, 1000, 2000]
    assert curve.helps == helps
    assert ("would help" in curve.sentence) == helps
    assert curve.points[0].worst > curve.points[-1].worst or not helps


@pytest.mark.slow
def test_learning_curve_of_a_fitted_run(run, measured):
    report = evaluate(run, measured, n=200, quick=True, learning=True)
    assert [p.share for p in report.learning.points] == [0.25, 0.5, 1.0]
    assert report.learning.points[-1].n == len(run.split(measured).train)
