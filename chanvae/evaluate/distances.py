"""Distances between two samples of one statistic, with their floor and their interval."""

from dataclasses import dataclass, replace

import numpy as np

from chanvae.evaluate import circular as circle
from chanvae.evaluate.circular import PooledCircle

BINS = 512
"""Bins that resampled values are counted in."""


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def around(cls, value: float, draws: np.ndarray, least: float = -np.inf) -> "Estimate":
        """A distance and the interval of its resampled ones ``[r]``, from ``least`` up.

        A resampled distance is too large by its own noise, so its deviations are what counts.
        """
        low, high = np.quantile(draws - draws.mean(), [0.025, 0.975])
        return cls(value, max(least, value + float(low)), value + float(high))


@dataclass(frozen=True)
class Distance:
    """How far two samples are apart: W1 over the measured standard deviation, and KS.

    Of phases both are taken on the circle: W1 over the RMS deviation about the circular mean, and
    Kuiper's in the place of KS.
    """

    w1_sigma: Estimate
    ks: Estimate


def scale(measured: np.ndarray, circular: bool = False) -> float:
    """Standard deviation of a sample, of phases that about their circular mean."""
    return circle.sigma(measured) if circular else float(np.std(measured))


def is_constant(measured: np.ndarray, resolution: float = 0.0, circular: bool = False) -> bool:
    """Whether a sample has no spread to scale a distance by."""
    level = 0.0 if circular else 1e-9 * abs(float(np.mean(measured)))
    return scale(measured, circular) <= max(resolution, level)


def has_heavy_tails(measured: np.ndarray) -> bool:
    """Whether a few values make up the standard deviation, so that it is no scale.

    That is, whether it is more than three times that of a normal sample with the same quartiles.
    """
    low, high = np.quantile(measured, [0.25, 0.75])
    return float(np.std(measured)) > 3 * float(high - low) / 1.349


def apart(
    measured: np.ndarray, generated: np.ndarray, circular: bool = False
) -> tuple[float, float]:
    r"""W1 over the measured standard deviation, and KS (of phases Kuiper's).

    .. math:: \frac{1}{\sigma} \int |F(x) - G(x)| \, dx, \qquad \max_x |F(x) - G(x)|

    Args:
        measured: The sample that sets the scale, not constant.
        generated: The other sample.
        circular: The values are phases [rad].
    """
    n, m = len(measured), len(generated)
    pooled = _pooled(np.concatenate([measured, generated]), circular)
    w1, gap = pooled.distances(np.repeat([1 / n, -1 / m], [n, m]))
    return w1 / scale(measured, circular), gap


def distance(
    measured: np.ndarray,
    generated: np.ndarray,
    seed: int = 0,
    repeats: int = 200,
    labels: np.ndarray | None = None,
    circular: bool = False,
) -> Distance:
    """Both distances with bootstrap intervals.

    Both samples are drawn anew with replacement, sorted into :data:`BINS` of as many values each,
    which is fine enough for an interval. A resampled distance is too large by its own noise, so
    the interval is that of its deviations, put around the estimate.

    Args:
        measured: Finite values, not constant.
        generated: Finite values.
        seed: Seed of the bootstrap.
        repeats: Bootstrap draws.
        labels: Group of every measured value, ``0 .. groups - 1``; groups are drawn whole, since
            realisations of one group are not independent.
        circular: The values are phases [rad].
    """
    rng = np.random.default_rng(seed)
    places, centers = _binned(np.concatenate([measured, generated]))
    one, other = places[: len(measured)], places[len(measured) :]
    weights = _resampled(one, len(centers), labels, repeats, rng)
    weights -= _resampled(other, len(centers), None, repeats, rng)
    pooled = _pooled(centers, circular)
    draws = np.stack([pooled.distances(w) for w in weights])
    sigma = scale(measured, circular)
    draws[:, 0] /= sigma
    low, high = np.quantile(draws - draws.mean(0), [0.025, 0.975], axis=0)
    at = apart(measured, generated, circular)
    w1, gap = (
        Estimate(x, max(0.0, float(x + a)), float(x + b))
        for x, a, b in zip(at, low, high, strict=True)
    )
    return Distance(w1, replace(gap, high=min(1.0, gap.high)))


def floor(
    measured: np.ndarray,
    generated: int,
    seed: int = 0,
    repeats: int = 200,
    circular: bool = False,
) -> Distance:
    """Measured against measured: what two samples of the same distribution are apart.

    The measured sample is parted at random into two of ``floor_size`` values, again and again. The
    parts are smaller than the samples compared, and distances between equal distributions go as
    the root of ``1/n + 1/m``, so they are scaled by it to the sizes compared.

    Args:
        measured: Finite values, not constant.
        generated: Size of the generated sample.
        seed: Seed of the partings.
        repeats: Number of partings.
        circular: The values are phases [rad].

    Returns:
        Median and 95 % interval over the partings.
    """
    rng = np.random.default_rng(seed)
    n, size = len(measured), floor_size(len(measured), generated)
    pooled = _pooled(measured, circular)
    signs = np.zeros(n)
    signs[:size], signs[size : 2 * size] = 1 / size, -1 / size
    draws = np.stack([pooled.distances(rng.permutation(signs)) for _ in range(repeats)])
    draws[:, 0] /= scale(measured, circular)
    draws *= ((1 / n + 1 / generated) / (2 / size)) ** 0.5
    low, mid, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0)
    return Distance(*(Estimate(*map(float, x)) for x in zip(mid, low, high, strict=True)))


def floor_size(measured: int, generated: int) -> int:
    """Size of each of the two parts that the floor is taken from."""
    return min(measured // 2, generated)


def _pooled(values: np.ndarray, circular: bool) -> "Pooled | PooledCircle":
    return PooledCircle(values) if circular else Pooled(values)


class Pooled:
    """Values sorted once, for the distances of many signed weightings of them."""

    def __init__(self, values: np.ndarray) -> None:
        self.order = np.argsort(values, kind="stable")
        self.gaps = np.diff(values[self.order])
        self.differ = self.gaps > 0

    def distances(self, weights: np.ndarray) -> tuple[float, float]:
        """W1 and KS between the positive and the negative weights, which sum to 1 and -1."""
        difference = np.abs(np.cumsum(weights[self.order])[:-1])
        # Not a dot product: BLAS starts threads for it, which costs far more than it saves.
        w1 = (difference * self.gaps).sum()
        return float(w1), float(difference.max(where=self.differ, initial=0.0))

    def many(self, weights: np.ndarray) -> np.ndarray:
        """W1 of each of many weightings ``[r, n]``."""
        difference = np.abs(np.cumsum(weights[:, self.order], axis=1)[:, :-1])
        return (difference * self.gaps).sum(axis=1)


def _binned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bin of every value ``[n]``, and the mean of the values in every bin ``[bins]``."""
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    places = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]
    return places, np.bincount(places, values) / np.bincount(places)


def _resampled(
    places: np.ndarray,
    bins: int,
    labels: np.ndarray | None,
    repeats: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Shares of every bin in samples drawn with replacement, groups whole: ``[repeats, bins]``."""
    if labels is None:
        share = np.bincount(places, minlength=bins) / len(places)
        return rng.multinomial(len(places), share, repeats) / len(places)
    groups = int(labels.max()) + 1
    held = np.bincount(labels * bins + places, minlength=groups * bins).reshape(groups, bins)
    counts = rng.multinomial(groups, np.full(groups, 1 / groups), repeats) @ held
    return counts / counts.sum(1, keepdims=True)
