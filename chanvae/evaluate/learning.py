"""The learning curve: the same model on a quarter, a half and all of the data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import applicable
from chanvae.channels import ChannelDataset
from chanvae.evaluate.distances import apart, is_constant
from chanvae.evaluate.looks import compute
from chanvae.evaluate.preparation import table
from chanvae.evaluate.twosample import TwoSample, statistics_test

SHARES = (0.25, 0.5)
"""Shares of the training data that the model is fitted on anew; all of it is the run itself."""


@dataclass(frozen=True)
class LearningPoint:
    """One size of the training set.

    Args:
        share: Share of the training data.
        n: Training channels.
        test: Classifier on statistics, generated against held-out.
        worst: Largest W1/σ of a statistic.
        worst_label: Which statistic that is.
    """

    share: float
    n: int
    test: TwoSample
    worst: float
    worst_label: str


@dataclass(frozen=True)
class LearningCurve:
    """Whether more measurements would help.

    Args:
        points: By size.
        helps: From a half to all of the data the classifier's area falls by more than twice the
            standard error of the difference.
        sentence: The answer in words.
    """

    points: tuple[LearningPoint, ...]
    helps: bool
    sentence: str


def learning_curve(
    held_out: ChannelDataset,
    generated: ChannelDataset,
    training: int,
    refit: Callable[[float], ChannelDataset],
    seed: int = 0,
) -> LearningCurve:
    """Judge models of less data by the same held-out channels.

    Args:
        held_out: Measured channels that no model was fitted on.
        generated: Channels of the model that was fitted on all training data.
        training: How many those were.
        refit: Share of the training data to channels of a model fitted on it.
        seed: Seed of the classifier.
    """
    values = compute(held_out)
    points = [_point(values, refit(s), s, round(s * training), seed) for s in SHARES]
    points.append(_point(values, generated, 1.0, training, seed))
    half, whole = points[-2].test, points[-1].test
    error = float(np.hypot(half.standard_error, whole.standard_error))
    helps = half.auc - whole.auc > 2 * error
    areas = ", ".join(f"{p.test.auc:.3f} with {p.n:,}" for p in points)
    sentence = (
        f"more measurements {'would help' if helps else 'are not seen to help'}: AUC on "
        f"statistics {areas} training channels"
    )
    return LearningCurve(tuple(points), helps, sentence)


def _point(
    values: dict[str, np.ndarray], generated: ChannelDataset, share: float, n: int, seed: int
) -> LearningPoint:
    known, found = applicable(Grid.of(generated)), compute(generated)
    worst, label = 0.0, ""
    for s in known:
        one, other = (v[s.name][np.isfinite(v[s.name])] for v in (values, found))
        if min(len(one), len(other)) < 2 or is_constant(one, s.resolution, s.circular):
            continue
        far = apart(one, other, s.circular)[0]
        if far > worst:
            worst, label = far, s.label
    test = statistics_test(table(values, known), table(found, known), seed)
    return LearningPoint(share, n, test, worst, label)
