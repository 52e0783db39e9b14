"""Channels over time: measured ones between their instants, still ones by a model of motion."""

import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.interpolate import CubicSpline
from torch import Tensor

from chanvae.errors import DataError
from chanvae.transforms.angle_delay import AngleDelay

LIGHT = 299_792_458.0
"""Speed of light [m/s]."""


def moved(
    taps: Complex[Tensor, "n rx tx 1 delay"],
    grid: AngleDelay,
    doppler: float,
    times: Float[Tensor, " step"],
    generator: torch.Generator,
) -> Complex[Tensor, "n rx tx step delay"]:
    r"""Taps of a user who begins to move at time 0, by Clarke's model path by path.

    A path is a hill of the angle-delay power: every bin belongs to the peak that the steepest way
    up leads to, so that a path between bins keeps its leakage. Path p comes from a direction
    :math:`\theta_p` that is uniform about the moving user, and turns as

    .. math:: e^{j 2\pi f_D t \cos\theta_p}

    Power in angle and delay stays as it is; over realisations the correlation in time is
    :math:`J_0(2\pi f_D \Delta t)`.

    Args:
        taps: Taps at time 0.
        grid: Axes of the angle-delay map.
        doppler: Largest Doppler shift f_D = speed · carrier / c [Hz].
        times: When [s].
        generator: Draws the directions.

    References:
        R. H. Clarke, "A statistical theory of mobile-radio reception", Bell System Technical
        Journal 47(6), 1968.
    """
    axes = [a + 1 for a, fourier in enumerate(grid.is_fourier[:-1]) if fourier]
    maps = taps.reshape(len(taps), *grid.shape)
    maps = torch.fft.fftn(maps, dim=axes, norm="ortho") if axes else maps
    flat = [a + 1 for a, fourier in enumerate(grid.is_fourier) if not fourier]
    power = maps.abs().square()
    power = power.sum(flat, keepdim=True) if flat else power
    direction = torch.rand(power[0].numel() * len(power), generator=generator).to(power)
    shift = doppler * torch.cos(2 * math.pi * direction.reshape(len(power), -1))
    shift = shift.gather(1, _peaks(power)).reshape(power.shape)
    turns = (shift[:, None].double() * times.reshape(-1, *[1] * len(grid.shape))) % 1.0
    turn = torch.polar(torch.ones_like(turns), 2 * math.pi * turns).to(taps.dtype)
    maps = maps[:, None] * turn
    axes = [a + 1 for a in axes]
    maps = torch.fft.ifftn(maps, dim=axes, norm="ortho") if axes else maps
    n, rx, tx, _, delay = taps.shape
    return maps.reshape(n, len(times), rx, tx, delay).movedim(1, 3)


def _peaks(power: Float[Tensor, "n ..."]) -> Tensor:
    """For every bin the flat index of the peak above it ``[n, bins]``; axes are circles."""
    index = torch.arange(power[0].numel(), device=power.device).reshape(power.shape[1:])
    levels, where = [power], [index]
    for axis in range(1, power.ndim):
        for step in (1, -1) if power.shape[axis] > 1 else ():
            levels.append(power.roll(step, axis))
            where.append(index.roll(step, axis - 1))
    best = torch.stack(levels).argmax(0)
    around = torch.stack([w.expand(power.shape) for w in where])
    above = around.gather(0, best[None])[0].flatten(1)
    for _ in range(max(index.numel() - 1, 1).bit_length()):
        above = above.gather(1, above)
    return above


def between(h: np.ndarray, measured: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Measured channels at other times, by cubic splines.

    Args:
        h: Channels ``[n, rx, tx, time, freq]``.
        measured: When they were measured [s], ascending.
        times: When they are wanted, from the first one on [s].

    Raises:
        DataError: Later than what was measured.
    """
    since = measured - measured[0]
    step = since[-1] / (len(since) - 1)
    if times[-1] > since[-1] + 1e-6 * step:
        raise DataError(
            f"{1e3 * times[-1]:.4g} ms of each channel are asked for and {1e3 * since[-1]:.4g} ms "
            "were measured; ask for fewer time steps or a higher sampling frequency"
        )
    if len(times) == len(since) and np.allclose(times, since, rtol=0, atol=1e-6 * step):
        return h
    return CubicSpline(since, h, axis=3)(times).astype(np.complex64)
