"""Distances between two samples of one statistic, with their floor and their interval."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import ks_2samp, wasserstein_distance


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Distance:
    """How far two samples are apart: W1 over the measured standard deviation, and KS."""

    w1_sigma: Estimate
    ks: Estimate


def is_constant(measured: np.ndarray, resolution: float = 0.0) -> bool:
    """Whether a sample has no spread to scale a distance by."""
    return float(np.std(measured)) <= max(resolution, 1e-9 * abs(float(np.mean(measured))))


def wasserstein_over_sigma(measured: np.ndarray, generated: np.ndarray) -> float:
    r"""Wasserstein-1 distance over the standard deviation of the measured sample.

    .. math:: \frac{1}{\sigma} \int |F(x) - G(x)| \, dx

    Args:
        measured: The sample that sets the scale.
        generated: The other sample.

    Returns:
        Distance in standard deviations; NaN where the measured sample is constant.
    """
    if is_constant(measured):
        return float("nan")
    return float(wasserstein_distance(measured, generated) / np.std(measured))


def ks(measured: np.ndarray, generated: np.ndarray) -> float:
    """Kolmogorov-Smirnov distance: the largest gap between the two CDFs."""
    result = ks_2samp(measured, generated, method="asymp")
    return float(result.statistic)  # pyright: ignore[reportAttributeAccessIssue]


def distance(
    measured: np.ndarray,
    generated: np.ndarray,
    seed: int = 0,
    repeats: int = 200,
    labels: np.ndarray | None = None,
) -> Distance:
    """Both distances with bootstrap intervals.

    Both samples are drawn anew with replacement. A resampled distance is too large by its own
    noise, so the interval is that of its deviations, put around the estimate.

    Args:
        measured: Finite values, not constant.
        generated: Finite values.
        seed: Seed of the bootstrap.
        repeats: Bootstrap draws.
        labels: Group of every measured value, ``0 .. groups - 1``; groups are drawn whole, since
            realisations of one group are not independent.
    """
    rng = np.random.default_rng(seed)
    n, m = len(measured), len(generated)
    pooled = _Pooled(np.concatenate([measured, generated]))
    draws = np.empty((repeats, 2))
    for r in range(repeats):
        weights = _resample(rng, n) if labels is None else _resample_groups(rng, labels)
        draws[r] = pooled.distances(np.concatenate([weights, -_resample(rng, m)]))
    sigma = float(np.std(measured))
    draws[:, 0] /= sigma
    low, high = np.quantile(draws - draws.mean(0), [0.025, 0.975], axis=0)
    at = wasserstein_over_sigma(measured, generated), ks(measured, generated)
    w1, gap = (
        Estimate(x, max(0.0, float(x + a)), float(x + b))
        for x, a, b in zip(at, low, high, strict=True)
    )
    return Distance(w1, replace(gap, high=min(1.0, gap.high)))


def floor(measured: np.ndarray, generated: int, seed: int = 0, repeats: int = 200) -> Distance:
    """Real against real: what two samples of the same distribution are apart.

    The measured sample is parted at random into two of ``floor_size`` values, again and again. The
    parts are smaller than the samples compared, and distances between equal distributions go as
    the root of ``1/n + 1/m``, so they are scaled by it to the sizes compared.

    Args:
        measured: Finite values, not constant.
        generated: Size of the generated sample.
        seed: Seed of the partings.
        repeats: Number of partings.

    Returns:
        Median and 95 % interval over the partings.
    """
    rng = np.random.default_rng(seed)
    n, size = len(measured), floor_size(len(measured), generated)
    pooled = _Pooled(measured)
    signs = np.zeros(n)
    signs[:size], signs[size : 2 * size] = 1 / size, -1 / size
    draws = np.stack([pooled.distances(rng.permutation(signs)) for _ in range(repeats)])
    draws[:, 0] /= np.std(measured)
    draws *= ((1 / n + 1 / generated) / (2 / size)) ** 0.5
    low, mid, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0)
    return Distance(*(Estimate(*map(float, x)) for x in zip(mid, low, high, strict=True)))


def floor_size(measured: int, generated: int) -> int:
    """Size of each of the two parts that the floor is taken from."""
    return min(measured // 2, generated)


class _Pooled:
    """Values sorted once, for the distances of many signed weightings of them."""

    def __init__(self, values: np.ndarray) -> None:
        self.order = np.argsort(values, kind="stable")
        self.gaps = np.diff(values[self.order])

    def distances(self, weights: np.ndarray) -> tuple[float, float]:
        """W1 and KS between the positive and the negative weights, which sum to 1 and -1."""
        difference = np.abs(np.cumsum(weights[self.order])[:-1])
        # Not a dot product: BLAS starts threads for it, which costs far more than it saves.
        w1 = (difference * self.gaps).sum()
        return float(w1), float(difference[self.gaps > 0].max(initial=0.0))


def _resample(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.bincount(rng.integers(n, size=n), minlength=n) / n


def _resample_groups(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    weights = _resample(rng, int(labels.max()) + 1)[labels]
    return weights / weights.sum()
