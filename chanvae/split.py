"""Which realisations train a model, which choose it, and which judge it."""

import re
from dataclasses import dataclass, field

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.units import parse, show

TIMES = ("timestamp", "time")
"""Conditions that say when a realisation was measured; else the order of the file does."""
CHOOSING = 10
"""Groups that can say which epoch to keep, at least: fewer say what suits them."""
FORMS = "group:NAME, hole:CONDITION=LOW..HIGH, time:SHARE or random"
"""How a split may be asked for."""


@dataclass(frozen=True)
class Split:
    """Ascending indices of the parts, and what kept them apart.

    Args:
        train: Realisations a model is fitted on.
        validation: Realisations that choose the epoch to keep; of other groups than those of
            ``train`` if they have :data:`CHOOSING` or more.
        test: Realisations only the referee sees, of what training never saw: other groups, a
            hole in the conditions, a later time; or of the same distribution.
        group: The group that ``test`` shares with no other part, or ``""`` where there is none.
        known: Held-out realisations of what training did see; empty where those of ``test`` are.
        what: What only ``test`` holds, such as ``values of day``; ``""`` where that is nothing.
        hole: The condition whose range only ``test`` holds, or ``""``.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    group: str = ""
    known: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    what: str = ""
    hole: str = ""


def split(
    dataset: ChannelDataset,
    group: str = "",
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    how: str = "",
    known: float = 0.05,
) -> Split:
    """Part a set for fitting and judging.

    Args:
        dataset: The set.
        group: A name in ``dataset.groups`` by which the parts are kept apart; ``""`` takes the
            first there is, ``"random"`` none.
        validation: Share of the realisations, at least.
        test: Share of the realisations, at least.
        seed: Seed of the shuffle.
        how: ``group:NAME``; ``hole:delay_spread=80ns..120ns``, which holds a range of a condition
            out; ``time:0.8``, which trains on the earliest share; ``random``. By group, and at
            random only without groups, if not given.
        known: Share of the realisations that is held out of what training sees, where ``test`` is
            of something else.

    Raises:
        DataError: The split cannot be made; the message says why.
    """
    kind, _, rest = how.partition(":")
    rng = np.random.default_rng(seed)
    if kind == "hole" and rest:
        return _hole(dataset, rest, group, validation, known, rng)
    if kind == "time" and rest:
        return _time(dataset, rest, validation, known, rng)
    if kind == "group" and rest:
        group = rest
    elif how == "random":
        group = "random"
    elif how:
        raise DataError(f"split {how!r} is not known; write {FORMS}")
    name, labels = _labels(dataset, group)
    if len(np.unique(labels)) < 3:
        raise DataError(
            f"group {name!r} has {len(np.unique(labels))} value(s); a split into training, "
            "validation and test needs 3; use --group random"
        )
    parts = _parted(labels, (validation, test), rng)
    if not name:
        return Split(*parts)
    train, held = _held_out(parts[0], known * len(dataset), rng)
    return Split(train, *parts[1:], group=name, known=held, what=f"values of {name}")


def _labels(dataset: ChannelDataset, group: str) -> tuple[str, np.ndarray]:
    """Name of the group, ``""`` for none, and the group of each realisation."""
    name = group or next(iter(dataset.groups), "random")
    if name == "random":
        return "", np.arange(len(dataset))
    if name in dataset.groups:
        return name, np.unique(dataset.groups[name], return_inverse=True)[1]
    known = ", ".join(dataset.groups) or "none"
    raise DataError(f"group {name!r} is not in the data; it has: {known}")


def _parted(
    labels: np.ndarray, shares: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training, validation and test rows with whole groups in each.

    Where fewer groups than :data:`CHOOSING` would validate, realisations of all groups but the
    test's do, drawn at random.
    """
    validation, test = shares
    sizes = np.bincount(labels)
    order = rng.permutation(len(sizes))
    filled = np.cumsum(sizes[order]) - sizes[order]
    part = np.full(len(sizes), 2)
    part[order[filled < (validation + test) * len(labels)]] = 1
    part[order[filled < test * len(labels)]] = 0
    part[order[-1]] = 2
    if not (part == 1).any():
        part[order[(part[order] == 0).sum()]] = 1
    of = part[labels]
    if (part == 1).sum() < CHOOSING:
        rest = rng.permutation(np.flatnonzero(of))
        of[rest] = 2
        of[rest[: max(round(validation * len(labels)), 1)]] = 1
    train, chosen, judged = (np.flatnonzero(of == k) for k in (2, 1, 0))
    return train, chosen, judged


def _held_out(
    rows: np.ndarray, count: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """``rows`` without some of them drawn at random, and those; at most a fifth."""
    order = rng.permutation(len(rows))
    n = min(round(count), len(rows) // 5)
    return np.sort(rows[order[n:]]), np.sort(rows[order[:n]])


def _hole(
    dataset: ChannelDataset,
    text: str,
    group: str,
    validation: float,
    known: float,
    rng: np.random.Generator,
) -> Split:
    """The test part is a range of a condition; the rest trains and chooses, apart by group."""
    match = re.fullmatch(r"(\w+)=(.+?)\.\.(.+)", text)
    if match is None:
        raise DataError(
            f"split hole:{text} is not understood; write hole:delay_spread=80ns..120ns"
        )
    name, *edges = match.groups()
    if name not in dataset.conditions:
        has = ", ".join(dataset.conditions) or "none"
        raise DataError(f"split hole:{text}: condition {name!r} is not in the data; it has: {has}")
    unit = dataset.condition_units.get(name, "1")
    low, high = (parse(edge, unit, f"split hole:{name}") for edge in edges)
    values = np.asarray(dataset.conditions[name], dtype=np.float64)
    inside = (values >= low) & (values <= high)
    if not 20 <= inside.sum() <= len(values) - 40:
        raise DataError(
            f"split hole:{text}: {int(inside.sum())} of {len(values)} realisations are in it; "
            "choose a range that holds at least 20 and leaves at least 40"
        )
    outside = np.flatnonzero(~inside)
    label, labels = _labels(dataset, group)
    own = np.unique(labels[outside], return_inverse=True)[1]
    if own.max() == 0:
        label, own = "", np.arange(len(outside))
    train, chosen, _ = (outside[r] for r in _parted(own, (validation, 0.0), rng))
    train, held = _held_out(train, known * len(values), rng)
    what = f"{name} from {show(low, unit)} to {show(high, unit)}"
    return Split(train, chosen, np.flatnonzero(inside), label, held, what, hole=name)


def _time(
    dataset: ChannelDataset,
    text: str,
    validation: float,
    known: float,
    rng: np.random.Generator,
) -> Split:
    """The test part is the latest; validation comes right before it."""
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0.1 <= share <= 0.99:
        raise DataError(
            f"split time:{text}: write the share that trains, 0.1 to 0.99, as time:0.8"
        )
    name = next((n for n in TIMES if n in dataset.conditions), "")
    n = len(dataset)
    order = np.argsort(dataset.conditions[name], kind="stable") if name else np.arange(n)
    cut = round(share * n)
    chosen = max(1, round(validation * n))
    if min(cut - chosen, n - cut) < 1:
        raise DataError(f"split time:{text}: {n} realisations are too few for it")
    train, held = _held_out(order[: cut - chosen], known * n, rng)
    latest = np.sort(order[cut:])
    return Split(
        np.sort(train), np.sort(order[cut - chosen : cut]), latest, "", held, "the latest times"
    )
