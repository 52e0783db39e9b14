"""Judging two sets as wholes: weightings for floor and interval, then one figure after another."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from chanvae.evaluate.distances import Estimate, floor_size
from chanvae.evaluate.looks import Looks
from chanvae.evaluate.results import SetResult
from chanvae.evaluate.setfigures import SetFigure
from chanvae.evaluate.verdict import judge_figure

REPEATS = 200
"""Bootstrap draws, and partings for the floor."""


def measured_weights(
    n: int, generated: int, labels: np.ndarray | None, rng: np.random.Generator
) -> Float[np.ndarray, "weightings n"]:
    """Plain mean, bootstrap draws, then both halves of every parting.

    Args:
        n: Measured realisations.
        generated: Generated realisations.
        labels: Group of every realisation, drawn whole by the bootstrap.
        rng: Draws.
    """
    size = floor_size(n, generated)
    halves = np.zeros((2, REPEATS, n), np.float32)
    for r in range(REPEATS):
        order = rng.permutation(n)
        halves[0, r, order[:size]] = halves[1, r, order[size : 2 * size]] = 1 / size
    return np.concatenate([bootstrap_weights(n, labels, rng), *halves])


def bootstrap_weights(
    n: int, labels: np.ndarray | None, rng: np.random.Generator
) -> Float[np.ndarray, "weightings n"]:
    """Plain mean, then bootstrap draws."""
    groups = n if labels is None else int(labels.max()) + 1
    counts = rng.multinomial(groups, np.full(groups, 1 / groups), REPEATS).astype(np.float32)
    counts = counts if labels is None else counts[:, labels]
    counts = np.concatenate([np.ones((1, n), np.float32), counts])
    return counts / counts.sum(1, keepdims=True)


def judge_figures(
    figures: tuple[SetFigure, ...],
    measured: Looks,
    generated: Looks,
    others: Mapping[str, Looks],
    sizes: tuple[int, int],
) -> tuple[SetResult, ...]:
    """Every figure of two sets with its interval, floor, baselines and verdict.

    Args:
        figures: What to judge.
        measured: Looked at with :func:`measured_weights`.
        generated: Looked at with :func:`bootstrap_weights`.
        others: Baselines, looked at with :func:`bootstrap_weights`.
        sizes: Measured and generated realisations.
    """
    return tuple(_judge(f, measured, generated, others, sizes) for f in figures)


def _judge(
    figure: SetFigure,
    measured: Looks,
    generated: Looks,
    others: Mapping[str, Looks],
    sizes: tuple[int, int],
) -> SetResult:
    a, b = measured.means[figure.feature], generated.means[figure.feature]
    halves = a[1 + REPEATS :].reshape(2, REPEATS, -1)
    size = floor_size(*sizes)
    scale = ((1 / sizes[0] + 1 / sizes[1]) / (2 / size)) ** (figure.power / 2)
    apart = scale * figure.distance(halves[0], halves[1])
    floor = Estimate(*(float(q) for q in np.quantile(apart, [0.5, 0.025, 0.975])))
    return judge_figure(
        figure,
        _apart(figure, a, b),
        floor,
        {name: _apart(figure, a, seen.means[figure.feature]) for name, seen in others.items()},
        figure.where(a[0], b[0]),
    )


def _apart(figure: SetFigure, a: np.ndarray, b: np.ndarray) -> Estimate:
    """Distance of two plain means with the interval of the resampled ones after them."""
    value = float(figure.distance(a[:1], b[:1])[0])
    draws = figure.distance(a[1 : 1 + REPEATS], b[1 : 1 + REPEATS])
    return Estimate.around(value, draws, least=0.0)
