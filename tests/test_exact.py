"""Conditions that are hit: within the tolerance, counted, bounded in cost, the same each time."""

import json

import h5py
import numpy as np
import pytest

from chanvae.errors import DataError
from chanvae.exact import ROUND, Exact, exactly
from chanvae.stats.conditions import with_channel_conditions
from tests.cli.test_main import call


def off(made):
    """Largest relative error of the delay spread."""
    achieved = with_channel_conditions(made).conditions["delay_spread"]
    return np.abs(achieved / made.conditions["delay_spread"] - 1).max()


def test_what_is_kept_is_within_the_tolerance(run):
    asked = float(np.median(run.known["delay_spread"]))
    assert off(run.sample(60, delay_spread=asked, again=0)) > 0.2
    made = run.sample(60, delay_spread=asked, exact=0.05)
    assert off(made) <= 0.05
    assert (made.conditions["delay_spread"] == asked).all()
    told = made.meta.provenance["exact"]
    assert told["tolerance"] == 0.05
    assert 60 <= told["near"] <= told["drawn"] <= 6000
    again = run.sample(60, delay_spread=asked, exact=0.05)
    assert np.array_equal(made.h, again.h)
    assert len(np.unique(made.h[:, 0, 0, 0, 0])) == 60


def test_each_row_gets_what_it_asked_for(run):
    asked = np.quantile(run.known["delay_spread"], np.linspace(0.3, 0.7, 40))
    angle = float(np.median(run.known["angular_spread"]))
    made = run.sample(40, delay_spread=asked, angular_spread=angle, exact=0.15)
    assert np.array_equal(made.conditions["delay_spread"], asked)
    assert off(made) <= 0.15


def test_the_cost_is_kept_and_the_error_says_what_would_do(run):
    asked = float(np.quantile(run.known["delay_spread"], 0.7))
    with pytest.raises(
        DataError, match=r"none .* delay_spread = .* within 0.01 % .*; allow \d+ %"
    ):
        run.sample(20, delay_spread=asked, exact=Exact(1e-4, 3))
    seen = []

    def draw(rows, number):
        seen.append(len(rows))
        return run.sample(len(rows), seed=number)

    with pytest.raises(DataError, match="came within 0.01 %"):
        exactly(draw, {"delay_spread": np.full(50, 1e-9)}, Exact(1e-4, 30))
    assert sum(seen) == 1500
    assert max(seen) <= ROUND


@pytest.mark.parametrize(
    ("asked", "exact", "says"),
    [
        ({"los": 1}, 0.05, "ask for delay_spread or angular_spread"),
        ({}, 0.05, "ask for delay_spread or angular_spread"),
        ({"delay_spread": 1e-7}, 2.0, "between 0 and 1"),
        ({"delay_spread": 1e-7}, Exact, "at least one candidate"),
    ],
)
def test_what_cannot_be_exact(run, asked, exact, says):
    with pytest.raises(DataError, match=says):
        run.sample(5, exact=exact(0.05, 0) if exact is Exact else exact, **asked)


def test_on_the_command_line(monkeypatch, capsys, run, tmp_path):
    out = str(tmp_path / "g.h5")
    asked = f"{1e9 * np.median(run.known['delay_spread']):.1f}ns"
    words = ["generate", str(run.directory), "-n", "30", "-o", out, "--delay-spread", asked]
    code, text, err = call(monkeypatch, capsys, *words, "--exact", "--json")
    assert (code, err) == (0, "")
    told = json.loads(text)
    assert 0 < told["acceptance"] <= 1
    assert told["candidates"] >= 30
    with h5py.File(out) as file:
        assert json.loads(file.attrs["provenance"])["exact"]["tolerance"] == 0.05
    code, text, _ = call(monkeypatch, capsys, *words, "--exact", "20%", "--overwrite")
    assert "candidates were near" in text
    for more, says in (
        (["--exact", "0.2"], "a bare number has no unit; add one of %"),
        (["--exact", "0.01%", "--candidates", "2"], "none of the channels drawn for delay_spread"),
    ):
        code, _, err = call(monkeypatch, capsys, *words, *more, "--overwrite")
        assert code == 1
        assert says in err and err.count("\n") == 1
    words = words[:6]
    assert "ask for delay_spread or" in call(monkeypatch, capsys, *words, "--exact")[2]
    assert [p.name for p in tmp_path.iterdir()] == ["g.h5"]


def test_draws_that_miss_are_drawn_anew_unless_said_otherwise(run):
    asked = float(np.median(run.known["delay_spread"]))
    with_more, without = (
        np.abs(np.log(with_channel_conditions(made).conditions["delay_spread"] / asked))
        for made in (
            run.sample(60, delay_spread=asked),
            run.sample(60, delay_spread=asked, again=0),
        )
    )
    assert with_more.mean() < 0.8 * without.mean()
