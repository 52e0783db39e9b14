"""Distances between samples of phases, where -π and π are the same."""

import numpy as np


def deviation(values: np.ndarray, center: float | None = None) -> np.ndarray:
    """Phases about their circular mean (or another centre), wrapped to -π to π [rad]."""
    if center is None:
        center = mean(values)
    return (values - center + np.pi) % (2 * np.pi) - np.pi


def mean(values: np.ndarray) -> float:
    """Circular mean [rad]."""
    return float(np.angle(np.exp(1j * values).mean()))


def sigma(values: np.ndarray) -> float:
    """RMS deviation about the circular mean [rad]: π/√3 for phases that are uniform."""
    return float(np.sqrt((deviation(values) ** 2).mean()))


class PooledCircle:
    r"""Phases sorted once, for the distances of many signed weightings of them.

    On a circle a CDF is known only up to a constant α, and

    .. math:: W_1 = \min_\alpha \int_0^{2\pi} |F(x) - G(x) - \alpha| \, dx

    is reached where α is the median of F − G over the circle. In the place of the
    Kolmogorov-Smirnov distance stands Kuiper's, :math:`\max(F - G) - \min(F - G)`.

    References:
        Delon, Salomon and Sobolevski, "Fast transport optimization for Monge costs on the
        circle", SIAM Journal on Applied Mathematics 70(7), 2010.
        Kuiper, "Tests concerning random points on a circle", 1960.
    """

    def __init__(self, values: np.ndarray) -> None:
        around = np.mod(values, 2 * np.pi)
        self.order = np.argsort(around, kind="stable")
        placed = around[self.order]
        self.gaps = np.diff(placed, append=placed[0] + 2 * np.pi)

    def distances(self, weights: np.ndarray) -> tuple[float, float]:
        """W1 [rad] and Kuiper's between the positive and the negative weights (sums 1, -1)."""
        difference = np.cumsum(weights[self.order])
        rank = np.argsort(difference, kind="stable")
        half = np.searchsorted(np.cumsum(self.gaps[rank]), np.pi)
        level = difference[rank[min(half, len(rank) - 1)]]
        w1 = (np.abs(difference - level) * self.gaps).sum()
        seen = difference[self.gaps > 0]
        return float(w1), float(seen.max() - seen.min())
