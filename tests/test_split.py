"""Splits: a test part shares no group, a hole is empty, the latest times judge; all is used."""

import dataclasses

import numpy as np
import pytest

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.split import split


def dataset(n=400, groups=20, **conditions):
    h = np.ones((n, 1, 1, 1, 2), np.complex64)
    rng = np.random.default_rng(0)
    return ChannelDataset(
        h,
        np.arange(2.0),
        groups={"day": np.repeat(np.arange(groups), n // groups)} if groups else {},
        conditions={"delay_spread": rng.uniform(50e-9, 150e-9, n), **conditions},
        condition_units={"delay_spread": "s", **dict.fromkeys(conditions, "s")},
    )


def whole(parts, n):
    """Every realisation is in exactly one part, and each part ascends."""
    rows = [parts.train, parts.validation, parts.test, parts.known]
    assert sorted(np.concatenate(rows)) == list(range(n))
    assert all((np.diff(r) > 0).all() for r in rows)


@pytest.mark.parametrize("how", ["", "group:day"])
def test_groups_are_kept_apart_and_known_ones_held_out(how):
    data = dataset()
    parts = split(data, how=how)
    whole(parts, 400)
    of = {k: set(data.groups["day"][getattr(parts, k)]) for k in ("train", "validation", "test")}
    assert not (of["train"] | of["validation"]) & of["test"]
    assert of["validation"] <= of["train"], "two days cannot say when to stop"
    assert set(data.groups["day"][parts.known]) <= of["train"]
    assert len(parts.known) == 20 and parts.what == "values of day"
    assert len(parts.test) >= 40


def test_ten_groups_or_more_choose_the_epoch():
    data = dataset(groups=100)
    parts = split(data)
    whole(parts, 400)
    of = [set(data.groups["day"][r]) for r in (parts.train, parts.validation, parts.test)]
    assert len(of[1]) >= 10
    assert not of[0] & of[1] and not of[1] & of[2] and not of[0] & of[2]


def test_at_random_test_is_of_what_training_saw():
    parts = split(dataset(groups=0))
    whole(parts, 400)
    assert not len(parts.known) and parts.what == "" and parts.group == ""
    parts = split(dataset(), how="random")
    assert parts.group == "" and not len(parts.known)


def test_a_hole_is_only_in_the_test_part():
    data = dataset()
    parts = split(data, how="hole:delay_spread=80ns..120ns")
    whole(parts, 400)
    spread = data.conditions["delay_spread"]
    inside = (spread >= 80e-9) & (spread <= 120e-9)
    assert inside[parts.test].all()
    for rows in (parts.train, parts.validation, parts.known):
        assert len(rows) and not inside[rows].any()
    assert parts.what == "delay_spread from 80 ns to 120 ns" and parts.hole == "delay_spread"
    data = dataset(groups=100)
    parts = split(data, how="hole:delay_spread=80ns..120ns")
    days = [set(data.groups["day"][r]) for r in (parts.train, parts.validation)]
    assert not days[0] & days[1]


def test_time_judges_the_latest():
    parts = split(dataset(), how="time:0.8")
    whole(parts, 400)
    assert parts.test.tolist() == list(range(320, 400))
    assert parts.train.max() < parts.validation.min() <= 280 < parts.test.min()
    clock = np.arange(400)[::-1].astype(float)
    backwards = split(dataset(timestamp=clock), how="time:0.8")
    assert backwards.test.tolist() == list(range(80))


def test_the_seed_draws_the_split():
    one, same, other = (split(dataset(), seed=s).test.tolist() for s in (0, 0, 1))
    assert one == same != other


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("holes", "is not known; write group:NAME, hole:"),
        ("group:night", "'night' is not in the data; it has: day"),
        ("hole:delay_spread", "write hole:delay_spread=80ns..120ns"),
        ("hole:speed=1..2", "condition 'speed' is not in the data"),
        ("hole:delay_spread=80..120", "a bare number has no unit"),
        ("hole:delay_spread=1us..2us", "0 of 400 realisations are in it"),
        ("time:all", "write the share that trains"),
        ("time:1.5", "write the share that trains"),
    ],
)
def test_what_cannot_be_split(how, message):
    with pytest.raises(DataError, match=message):
        split(dataset(), how=how)


def test_too_few_groups():
    data = dataclasses.replace(dataset(), groups={"day": np.arange(400) % 2})
    with pytest.raises(DataError, match=r"2 value\(s\).*--group random"):
        split(data)
