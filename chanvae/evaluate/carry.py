"""Does it carry: generated channels against groups or conditions that training never saw."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chanvae.catalogue.statistic import Statistic
from chanvae.evaluate.distances import Distance, distance, is_constant
from chanvae.evaluate.twosample import TwoSample, statistics_test

FEWEST_GROUPS = 10
"""Held-out groups below which the second question cannot be answered."""


@dataclass(frozen=True)
class CarryRow:
    """One statistic of channels that training never saw.

    Args:
        name: The statistic.
        label: The same for people.
        generated: Generated to new measured channels, with 95 % bootstrap intervals that draw
            whole groups.
        training: Training channels, drawn at random, to the same.
        as_near: The generated channels are as near as the training channels.
    """

    name: str
    label: str
    generated: Distance
    training: Distance
    as_near: bool


@dataclass(frozen=True)
class Carry:
    """Whether a model carries to what its training never saw.

    Args:
        what: What was held out.
        n: New measured channels.
        groups: Held-out groups; 0 where the data name none.
        enough: There are enough groups to answer.
        rows: One a statistic.
        generated: Classifier on statistics: generated against new measured channels.
        training: The same of training channels against new measured ones.
        sentence: The answer in words.
    """

    what: str
    n: int
    groups: int
    enough: bool
    rows: tuple[CarryRow, ...]
    generated: TwoSample
    training: TwoSample
    sentence: str


def carry(
    what: str,
    known: tuple[Statistic, ...],
    new: Mapping[str, np.ndarray],
    generated: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    tables: tuple[np.ndarray, np.ndarray, np.ndarray],
    labels: np.ndarray | None,
    seed: int = 0,
) -> Carry:
    """Judge generated channels by new ones, beside training channels.

    Args:
        what: What was held out, such as ``groups of day``.
        known: The statistics.
        new: Statistic -> values of the new measured channels.
        generated: The same of generated channels.
        training: The same of training channels.
        tables: The three as tables for the classifier.
        labels: Group of each new channel, ``0 .. groups - 1``.
        seed: Seed of every draw.
    """
    rows = []
    for s in known:
        one, other, trained = (
            v[s.name][np.isfinite(v[s.name])] for v in (new, generated, training)
        )
        if min(map(len, (one, other, trained))) < 2 or is_constant(one, s.resolution, s.circular):
            continue
        group = None
        if labels is not None:
            group = np.unique(labels[np.isfinite(new[s.name])], return_inverse=True)[1]
        far, near = (
            distance(one, x, seed, labels=group, circular=s.circular) for x in (other, trained)
        )
        as_near = far.w1_sigma.value <= near.w1_sigma.high
        rows.append(CarryRow(s.name, s.label, far, near, as_near))
    ours, theirs = (statistics_test(tables[0], t, seed) for t in tables[1:])
    groups = 0 if labels is None else int(labels.max()) + 1
    enough = labels is None or groups >= FEWEST_GROUPS
    count = sum(r.as_near for r in rows)
    sentence = (
        f"on {what} that training never saw, generated channels are as near as the training "
        f"channels in {count} of {len(rows)} statistics (AUC {ours.auc:.2f} against "
        f"{theirs.auc:.2f})"
    )
    if not enough:
        sentence += (
            f"; {groups} held-out groups are too few to say whether it carries, which needs "
            f"{FEWEST_GROUPS}"
        )
    return Carry(what, len(tables[0]), groups, enough, tuple(rows), ours, theirs, sentence)
