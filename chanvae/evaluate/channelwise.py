"""Distances between two sets of whole channels: sliced Wasserstein, MMD, precision and recall."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances_chunked

from chanvae.evaluate.distances import Estimate, Pooled, floor_size
from chanvae.evaluate.effort import FULL, Effort

NEIGHBOURS = 5


@dataclass(frozen=True)
class ChannelDistances:
    """How far two sets of embedded channels are apart.

    Args:
        embedding: What the channels are embedded by.
        sliced: Sliced W1 over the measured standard deviation of each direction, the mean over
            random directions.
        sliced_floor: The same measured against measured: median and 95 % interval.
        mmd: Unbiased squared maximum mean discrepancy; below 0 by chance where sets are equal.
            Like the others with its 95 % interval.
        mmd_p: Share of random partings of both sets with an MMD as large.
        precision: Share of generated channels inside the manifold of the measured ones.
        recall: Share of measured channels inside the manifold of the generated ones.
        density: How densely generated channels lie in measured neighbourhoods; 1 if equal.
        coverage: Share of measured channels with a generated one in their neighbourhood.
        manifold_floor: The same four, measured against measured.
    """

    embedding: str
    sliced: Estimate
    sliced_floor: Estimate
    mmd: Estimate
    mmd_p: float
    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    manifold_floor: dict[str, Estimate]


def channel_distances(
    measured: Float[np.ndarray, "n k"],
    generated: Float[np.ndarray, "m k"],
    embedding: str,
    seed: int = 0,
    effort: Effort = FULL,
) -> ChannelDistances:
    """All of them.

    Args:
        measured: Embedded measured channels.
        generated: Embedded generated channels.
        embedding: How they were embedded.
        seed: Seed of every draw.
        effort: How many channels are looked at.
    """
    rng = np.random.default_rng(seed)
    sliced, floor = sliced_wasserstein(measured, generated, rng)
    few = [_draw(x, effort.kernel, rng) for x in (measured, generated)]
    mmd, p = mmd_test(few[0], few[1], rng)
    n = min(len(measured) // 2, len(generated), effort.manifold)
    one, other = np.split(_draw(measured, 2 * n, rng), 2)
    return ChannelDistances(
        embedding,
        sliced,
        floor,
        mmd,
        p,
        **manifolds(one, _draw(generated, n, rng), rng),
        manifold_floor=manifolds(one, other, rng),
    )


def sliced_wasserstein(
    measured: Float[np.ndarray, "n k"],
    generated: Float[np.ndarray, "m k"],
    rng: np.random.Generator,
    directions: int = 64,
    repeats: int = 50,
) -> tuple[Estimate, Estimate]:
    r"""Mean over directions of the W1/σ of projections, with its interval, and its floor.

    Args:
        measured: Embedded channels.
        generated: Embedded channels.
        rng: Draws directions, bootstrap and partings.
        directions: Random directions.
        repeats: Bootstrap draws and partings.

    References:
        Bonneel, Rabin, Peyré and Pfister, "Sliced and Radon Wasserstein barycenters of
        measures", Journal of Mathematical Imaging and Vision 51, 2015.
    """
    n, m = len(measured), len(generated)
    size = floor_size(n, m)
    axes = rng.normal(size=(measured.shape[1], directions)) / measured.std(0)[:, None].clip(1e-12)
    a, b = measured @ axes, generated @ axes
    plain = np.repeat([1 / n, -1 / m], [n, m])
    draws = _resampled(n, m, repeats, rng)
    signs = np.zeros((repeats, n))
    signs[:, :size], signs[:, size : 2 * size] = 1 / size, -1 / size
    signs = rng.permuted(signs, axis=1)
    found, spread, floors = 0.0, np.zeros(repeats), np.zeros(repeats)
    for k in range(directions):
        sigma = a[:, k].std() * directions
        both, alone = Pooled(np.concatenate([a[:, k], b[:, k]])), Pooled(a[:, k])
        found += both.distances(plain)[0] / sigma
        spread += both.many(draws) / sigma
        floors += alone.many(signs) / sigma
    floors *= ((1 / n + 1 / m) / (2 / size)) ** 0.5
    return (
        Estimate.around(float(found), spread, least=0.0),
        Estimate(*(float(q) for q in np.quantile(floors, [0.5, 0.025, 0.975]))),
    )


def mmd_test(
    measured: Float[np.ndarray, "n k"],
    generated: Float[np.ndarray, "m k"],
    rng: np.random.Generator,
    permutations: int = 200,
) -> tuple[Estimate, float]:
    r"""Squared maximum mean discrepancy and the p-value of a permutation test.

    The kernel is :math:`\exp(-d^2 / 2 s^2)` with s the median distance d of the pooled sample.

    Args:
        measured: Embedded channels.
        generated: Embedded channels.
        rng: Draws the partings and the bootstrap.
        permutations: Number of partings, and of bootstrap draws.

    Returns:
        The unbiased estimate with its 95 % interval, and the p-value, at least
        ``1 / (1 + permutations)``.

    References:
        Gretton, Borgwardt, Rasch, Schölkopf and Smola, "A kernel two-sample test", Journal of
        Machine Learning Research 13, 2012.
    """
    n, m = len(measured), len(generated)
    both = np.concatenate([measured, generated])
    squared = cdist(both, both, "sqeuclidean")
    middle = float(np.median(squared[: min(n, 500)]))
    kernel = np.exp(-squared / max(middle, 1e-300))
    np.fill_diagonal(kernel, 0.0)
    total = kernel.sum()
    first = np.zeros((n + m, 1 + permutations))
    first[:n, 0] = 1
    for r in range(permutations):
        first[rng.permutation(n + m)[:n], 1 + r] = 1
    rows = kernel @ first
    within = (first * rows).sum(0)
    across = rows.sum(0) - within
    rest = total - within - 2 * across
    values = within / (n * (n - 1)) + rest / (m * (m - 1)) - 2 * across / (n * m)
    draws = _resampled(n, m, permutations, rng).T
    found = Estimate.around(float(values[0]), (draws * (kernel @ draws)).sum(0))
    return found, float((1 + (values[1:] >= values[0]).sum()) / (1 + permutations))


def manifolds(
    measured: Float[np.ndarray, "n k"],
    generated: Float[np.ndarray, "m k"],
    rng: np.random.Generator,
) -> dict[str, Estimate]:
    """Precision, recall, density and coverage from balls that reach to the fifth neighbour.

    Each is a mean over realisations; its interval is that of the mean for the balls as they are.

    Args:
        measured: Embedded channels.
        generated: Embedded channels.
        rng: Draws the bootstrap.

    References:
        Kynkäänniemi et al., "Improved precision and recall metric for assessing generative
        models", NeurIPS 2019; Naeem et al., "Reliable fidelity and diversity metrics for
        generative models", ICML 2020.
    """
    k = min(NEIGHBOURS, len(measured) - 1, len(generated) - 1)
    reach, other = _reach(measured, k), _reach(generated, k)
    count, recalled, covered = np.zeros(len(generated)), [], []
    start = 0
    for part in pairwise_distances_chunked(measured, generated, working_memory=128):
        balls = part <= reach[start : start + len(part), None]
        count += balls.sum(0)
        covered.append(balls.any(1))
        recalled.append((part <= other).any(1))
        start += len(part)
    found = {
        "precision": count > 0,
        "recall": np.concatenate(recalled),
        "density": count / k,
        "coverage": np.concatenate(covered),
    }
    return {name: _mean(values.astype(float), rng) for name, values in found.items()}


def _reach(x: np.ndarray, k: int) -> np.ndarray:
    """Distance of every point to its ``k``-th neighbour."""
    parts = pairwise_distances_chunked(
        x, working_memory=128, reduce_func=lambda d, _: np.partition(d, k, axis=1)[:, k]
    )
    return np.concatenate(list(parts))


def _draw(x: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    return x[rng.permutation(len(x))[:n]]


def _resampled(n: int, m: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Bootstrap weights of two sets, those of the second negative: ``[repeats, n + m]``."""
    one, other = (rng.multinomial(k, np.full(k, 1 / k), repeats) / k for k in (n, m))
    return np.concatenate([one, -other], 1)


def _mean(values: np.ndarray, rng: np.random.Generator, repeats: int = 200) -> Estimate:
    """Mean of ``[n]`` with its bootstrap interval."""
    n = len(values)
    draws = rng.multinomial(n, np.full(n, 1 / n), repeats) @ values / n
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))
