"""Baselines of complex Gaussian channels: one covariance, and a mixture of several."""

import numpy as np
import torch
from jaxtyping import Complex
from torch import Tensor

from chanvae.catalogue.grid import Grid
from chanvae.channels import ChannelDataset
from chanvae.evaluate.baselines.resample import made
from chanvae.models.components import components

FULL = 2048
"""Bins of a channel up to which its covariance is a full matrix."""
MIXTURE_FULL = 64
"""The same of a mixture."""
MIXTURE_FIT = 3_000
"""Training channels that a mixture is fitted on, at most."""
COMPONENTS = 32
"""Components of a mixture, at most."""


def covariance(training: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    """Zero-mean complex Gaussian channels with the covariance of the training set.

    The covariance is a full matrix up to :data:`FULL` bins and half as many bins as channels;
    beyond it is diagonal in angle and delay, that is block-circulant.

    Args:
        training: The training set.
        n: Channels to make.
        rng: Draws.
    """
    transform = Grid.of(training).angle_delay
    noise = _noise((n, *transform.shape), rng)
    size = int(np.prod(transform.shape))
    total = torch.zeros(size, size if _is_full(size, len(training)) else 1, dtype=torch.complex128)
    for part in training.batches(2048):
        x = transform.forward(transform.unfold(part.tensor())).flatten(1)
        if total.shape[1] > 1:
            total += x.mT @ x.conj()
        else:
            total += x.abs().square().sum(0)[:, None]
    total /= len(training)
    if total.shape[1] > 1:
        root = _root(total)
        x = (noise.flatten(1) @ root.mT.to(torch.complex64)).reshape(noise.shape)
    else:
        x = noise * total.real.sqrt().float().reshape(transform.shape)
    return made(training, transform.fold(transform.inverse(x)))


def mixture(training: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    """Channels from a zero-mean complex Gaussian mixture fitted by ``cplx-gmm``.

    Covariances are full up to :data:`MIXTURE_FULL` bins, else diagonal in angle and delay, that is
    block-circulant.

    Args:
        training: The training set.
        n: Channels to make.
        rng: Draws.

    Raises:
        ImportError: The extra ``benchmark`` is not installed.
    """
    transform = Grid.of(training).angle_delay
    rows = np.sort(rng.permutation(len(training))[:MIXTURE_FIT])
    x = transform.forward(transform.unfold(training[rows].tensor())).flatten(1)
    scale = float(x.abs().square().mean().sqrt().clamp(min=1e-30))
    full = x.shape[1] <= MIXTURE_FULL
    count, start = max(1, min(COMPONENTS, len(x) // 50)), int(rng.integers(2**31))
    weights, _, spreads = components((x / scale).numpy(), count, full, True, start)
    # Its own draws come from a generator without a seed, so the components are drawn from here.
    counts = rng.multinomial(n, weights / weights.sum())
    drawn = []
    for count, spread in zip(counts, spreads, strict=True):
        noise = _noise((int(count), x.shape[1]), rng)
        if full:
            drawn.append(noise @ _root(torch.as_tensor(spread)).mT.to(torch.complex64))
        else:
            drawn.append(noise * torch.as_tensor(np.real(spread)).sqrt().float())
    maps = scale * torch.cat(drawn)[torch.as_tensor(rng.permutation(n))]
    return made(training, transform.fold(transform.inverse(maps.reshape(n, *transform.shape))))


def _is_full(size: int, n: int) -> bool:
    return size <= FULL and n >= 2 * size


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> Complex[Tensor, "..."]:
    parts = rng.standard_normal((2, *shape), dtype=np.float32) * np.float32(0.5**0.5)
    return torch.complex(*torch.as_tensor(parts))


def _root(matrix: Complex[Tensor, "k k"]) -> Complex[Tensor, "k k"]:
    """A factor L with L Lᴴ = matrix, to 1e-9 of the mean variance: the matrix may be singular."""
    mean = matrix.diagonal().real.mean().clamp(min=1e-300)
    factor, failed = torch.linalg.cholesky_ex(matrix + 1e-9 * mean * torch.eye(len(matrix)))
    if not failed:
        return factor
    values, vectors = torch.linalg.eigh(matrix)  # rounded below zero: few paths, always the same
    return vectors * values.clamp(min=0).sqrt()
