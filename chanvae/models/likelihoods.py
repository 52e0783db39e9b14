"""Complex Gaussian likelihoods of a registered angle-delay map."""

import math
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from torch import Tensor

from chanvae.config import GaussianLikelihood, NeighbourLikelihood
from chanvae.transforms.pack import unpack

LEAST = 1e-10
"""Least variance of a drawn bin, relative to the mean bin power: its root has a slope."""


@dataclass(frozen=True)
class Bins:
    r"""A map of complex Gaussian bins, each predicted from those one before it along each axis.

    .. math:: x_i \mid x_{<i} \sim \mathcal{CN}(m_i + \sum_a k_{a,i}\, x_{i-e_a},\; v_i)

    Without coefficients the bins are independent. The recursion is causal, so the density is a
    product and the log likelihood exact. The moduli of a bin's coefficients sum to less than one,
    which keeps the recursion stable.

    Args:
        mean: m, complex ``[n, *shape]``.
        log_variance: log v, ``[n, *shape]``.
        coefficients: k, complex ``[n, axes, *shape]``; no axes for independent bins.
        along: The axis of ``shape`` each coefficient looks back along.
        floor: The part of v that only keeps the density finite; a draw leaves it out.
    """

    mean: Tensor
    log_variance: Tensor
    coefficients: Tensor
    along: tuple[int, ...]
    floor: float = 0.0

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density in nats: complex ``[n, *shape]`` to ``[n]``."""
        residual = x - self.mean
        for k, axis in enumerate(self.along):
            residual = residual - self.coefficients[:, k] * _one_before(x, axis + 1)
        power = residual.real.square() + residual.imag.square()
        nats = -power * torch.exp(-self.log_variance) - self.log_variance - math.log(math.pi)
        return nats.flatten(1).sum(1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        scale = (torch.exp(self.log_variance) - self.floor).clamp(min=LEAST).sqrt()
        noise = torch.randn(
            scale.shape, dtype=self.mean.dtype, device=scale.device, generator=generator
        )
        drive = self.mean + scale * noise
        if not self.along:
            return drive
        shape = drive.shape[1:]
        order = antidiagonals(tuple(shape), self.along)
        bins, before = order.bins.to(drive.device), order.before.to(drive.device)
        # Bins first, sorted by antidiagonal: each step then reads and writes contiguous memory.
        x = torch.zeros(len(bins) + 1, len(drive), dtype=drive.dtype, device=drive.device)
        x[:-1] = drive.flatten(1).T[bins]
        k = self.coefficients.flatten(2).permute(1, 2, 0)[:, bins].contiguous()
        for start, stop in order.steps[1:]:
            for a in range(len(self.along)):
                x[start:stop] += k[a, start:stop] * x[before[a, start:stop]]
        out = torch.empty_like(drive).flatten(1)
        out[:, bins] = x[:-1].T
        return out.reshape(drive.shape)


@dataclass(frozen=True)
class Antidiagonals:
    """An order of the bins in which those of one step do not depend on each other.

    Args:
        bins: Flat index of each bin in drawing order.
        before: For each axis, where in that order the bin one before stands (last + 1: none).
        steps: First and past-the-last position of each step.
    """

    bins: Tensor
    before: Tensor
    steps: tuple[tuple[int, int], ...]


@cache
def antidiagonals(shape: tuple[int, ...], along: tuple[int, ...]) -> Antidiagonals:
    """Sort the bins of a map by the sum of their indices along ``along``."""
    total = math.prod(shape)
    index = torch.stack(torch.unravel_index(torch.arange(total), shape))
    level = index[list(along)].sum(0)
    bins = torch.argsort(level, stable=True)
    place = torch.empty(total, dtype=torch.long)
    place[bins] = torch.arange(total)
    strides = [math.prod(shape[a + 1 :]) for a in range(len(shape))]
    before = torch.stack(
        [
            torch.where(index[a][bins] > 0, place[(bins - strides[a]).clamp(min=0)], total)
            for a in along
        ]
    )
    ends = torch.cumsum(torch.bincount(level), 0).tolist()
    return Antidiagonals(bins, before, tuple(zip([0, *ends], ends)))


class BinLikelihood:
    """Turns the planes of a decoder into :class:`Bins`.

    Args:
        shape: Shape of a map.
        peak: The bin the strongest path stands in.
        axes: Axes whose neighbours are coherent: those that were Fourier transformed.
        config: Which likelihood.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        peak: tuple[int, ...],
        axes: tuple[int, ...],
        config: NeighbourLikelihood | GaussianLikelihood,
    ) -> None:
        self.along = axes if config.kind == "neighbours" else ()
        self.floor = 10 ** (config.floor_db / 10)
        self.peak = peak if config.mean == "peak" else None
        self.shape = shape

    @property
    def planes(self) -> int:
        """Planes a decoder must give: log variance, mean (2), coefficients (2 an axis)."""
        return 3 + 2 * len(self.along)

    @cached_property
    def _has_mean(self) -> Tensor:
        where = torch.zeros(self.shape) if self.peak else torch.ones(self.shape)
        if self.peak:
            where[self.peak] = 1.0
        return where

    def __call__(
        self,
        planes: Tensor,
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> Bins:
        """``[n, planes, *shape]`` to a distribution over complex ``[n, *shape]``; nothing else."""
        log_variance = torch.log(self.floor + torch.exp(planes[:, 0].clamp(-20, 10)))
        mean = unpack(planes[:, 1:3]) * self._has_mean.to(planes.device)
        real, imag = planes[:, 3::2], planes[:, 4::2]
        if not self.along:
            return Bins(mean, log_variance, torch.complex(real, imag), (), self.floor)
        total = (real.square() + imag.square() + 1e-12).sqrt().sum(1, keepdim=True)
        stable = torch.tanh(total) / total
        coefficients = torch.complex(real * stable, imag * stable)
        return Bins(mean, log_variance, coefficients, self.along, self.floor)


def _one_before(x: Tensor, axis: int) -> Tensor:
    """``x`` moved by one bin along ``axis``, zero at the start."""
    zero = torch.zeros_like(x.narrow(axis, 0, 1))
    return torch.cat([zero, x.narrow(axis, 0, x.shape[axis] - 1)], dim=axis)
