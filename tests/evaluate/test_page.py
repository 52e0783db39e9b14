"""The page: every part that a report can have is on it, the first screen first."""

import dataclasses
import re

import pytest

from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import applicable
from chanvae.evaluate import page as pages
from chanvae.evaluate.carry import carry
from chanvae.evaluate.compare import compare
from chanvae.evaluate.conclusion import conclude
from chanvae.evaluate.learning import learning_curve
from chanvae.evaluate.looks import compute
from chanvae.evaluate.preparation import table
from chanvae.evaluate.rows import rows, worst_first


@pytest.fixture(scope="module")
def full(make, hasty):
    """A report with every part in it."""
    measured, generated = make(150, 1), make(150, 2, spread=250e-9)
    report = compare(measured, generated, training=make(300, 3))
    known = applicable(Grid.of(measured))
    values = [compute(d) for d in (measured, generated, make(150, 4))]
    tables = tuple(table(v, known) for v in values)
    carried = carry("values of day", known, *values, tables, None)
    curve = learning_curve(measured, generated, 300, lambda share: make(150, 5))
    return conclude(dataclasses.replace(report, carry=carried, learning=curve))


@pytest.fixture(scope="module")
def text(full):
    return pages.html(full)


def test_every_part_is_there(full, text):
    for heading in (
        "All figures",
        "Who can tell them apart",
        "Is the model needed",
        "Does it copy",
        "Does it carry",
        "Would more measurements help",
        "Are they of use",
        "Report card",
        "Distributions",
        "Angle-delay maps",
        "How to read this",
    ):
        assert heading in text, heading
    for b in full.baselines:
        assert b.label in text
    for t in full.tasks:
        assert t.definition[:40] in text


def test_the_first_screen_is_three_sentences_a_table_and_six_figures(full, text):
    first = text[: text.index("All figures")]
    assert len(full.sentences) == 3
    assert first.count("<li>") == 3 and first.count("<table") == 1
    assert first.count("<figure") == 6
    worst = worst_first(rows(full))[0]
    assert worst.label in first and worst.verdict == "off"


def test_it_needs_nothing_from_elsewhere(text):
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert not re.search(r'(src|href)="(?!#|data:)|url\((?!#)|@import|<script', text)
    assert "nan" not in re.sub(r"<svg.*?</svg>|<style.*?</style>", "", text, flags=re.DOTALL)


def test_without_training_data_it_says_so(make):
    report = compare(make(60, 1), make(60, 2), quick=True)
    text = pages.html(report)
    assert "--training FILE" in report.sentences[2]
    assert "Is the model needed" not in text and "Does it copy" not in text
    assert "was left out (quick)" in text
