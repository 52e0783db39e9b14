"""Baselines that reuse training channels: drawn again, nearest or interpolated in condition."""

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import KDTree

from chanvae.channels import ChannelDataset
from chanvae.evaluate.fidelity import achieved_conditions


def resampled(training: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    """Training channels drawn at random, each at most once where there are enough."""
    return training[np.sort(rng.choice(len(training), n, replace=n > len(training)))]


def nearest(training: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    """For the conditions of a training channel: another one with the nearest conditions.

    Its global phase is drawn anew.

    Args:
        training: The training set.
        n: Channels to make.
        rng: Draws.
    """
    _, index, _ = _neighbours(training, n, rng)
    first = index[:, 0]
    turn = np.exp(2j * np.pi * rng.random(n)).astype(np.complex64)
    order = np.argsort(first, kind="stable")
    h = np.empty((n, *training.shape[1:]), np.complex64)
    h[order] = training[first[order]].h[:]
    return made(training, h * turn[:, None, None, None, None])


def interpolated(training: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    """For the conditions of a training channel: the mean of two others with conditions around.

    Both are scaled to unit power and turned to a common phase; the weights are those with which
    their conditions come nearest to what was asked for, and the gain is interpolated in dB.

    Args:
        training: The training set.
        n: Channels to make.
        rng: Draws.
    """
    asked, index, known = _neighbours(training, n, rng)
    a, b = known[index[:, 0]], known[index[:, 1]]
    along = b - a
    length = (along**2).sum(1)
    w = np.where(length > 0, ((asked - a) * along).sum(1) / np.maximum(length, 1e-300), 0.5)
    w = w.clip(0, 1).astype(np.float32)
    h, levels = [], []
    for side in (0, 1):
        rows = index[:, side]
        order = np.argsort(rows, kind="stable")
        x = np.empty((n, *training.shape[1:]), np.complex64)
        x[order] = training[rows[order]].h[:]
        power = _power(x)
        h.append(x / np.sqrt(np.maximum(power, 1e-30))[:, None, None, None, None])
        levels.append(np.log(np.maximum(power, 1e-30)))
    inner = (h[0] * h[1].conj()).sum((1, 2, 3, 4))
    turn = np.exp(1j * np.angle(inner)).astype(np.complex64)
    wide = (slice(None), None, None, None, None)
    mixed = (1 - w)[wide] * h[0] + w[wide] * turn[wide] * h[1]
    mixed /= np.sqrt(np.maximum(_power(mixed), 1e-30))[wide]
    level = np.exp(0.5 * ((1 - w) * levels[0] + w * levels[1])).astype(np.float32)
    phase = np.exp(2j * np.pi * rng.random(n)).astype(np.complex64)
    return made(training, mixed * (level * phase)[wide])


def nearest_to(training: ChannelDataset, asked: ChannelDataset) -> ChannelDataset:
    """For every channel of a set the training channel with the nearest conditions."""
    known, wanted = (_logarithms(d) for d in (training, asked))
    center, scale = known.mean(0), known.std(0).clip(1e-12)
    tree = KDTree((known - center) / scale)
    rows = np.asarray(tree.query((wanted - center) / scale)[1])
    return training[rows]


def made(like: ChannelDataset, h: np.ndarray | torch.Tensor) -> ChannelDataset:
    """Channels on the axes of another set, without its conditions and groups."""
    return replace(
        like, h=np.asarray(h, np.complex64), conditions={}, condition_units={}, groups={}
    )


def _neighbours(
    training: ChannelDataset, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Asked conditions ``[n, k]``, the two nearest other channels ``[n, 2]``, and all conditions.

    Conditions are logarithms of delay and angular spread, standardised; a channel without any
    has none, so that its neighbours are drawn at random.
    """
    known = _logarithms(training)
    known = (known - known.mean(0)) / known.std(0).clip(1e-12)
    rows = rng.choice(len(training), n, replace=n > len(training))
    if not known.any():
        return known[rows], rng.integers(len(training), size=(n, 2)), known
    near = np.asarray(KDTree(known).query(known[rows], k=min(3, len(training)))[1])
    # The channel itself is among the nearest, unless many have the same conditions.
    itself = near == rows[:, None]
    itself[~itself.any(1), -1] = True
    return known[rows], near[~itself].reshape(n, -1), known


def _logarithms(dataset: ChannelDataset) -> np.ndarray:
    """Logarithms of delay and angular spread ``[n, k]``; a column of zeros where there is none."""
    columns = []
    for values in achieved_conditions(dataset).values():
        log = np.log(np.maximum(values, 1e-30))
        good = np.isfinite(log)
        columns.append(np.where(good, log, np.median(log[good]) if good.any() else 0.0))
    return np.stack(columns, 1) if columns else np.zeros((len(dataset), 1))


def _power(h: np.ndarray) -> np.ndarray:
    return np.square(np.abs(h)).mean((1, 2, 3, 4))
