"""Registration: take the strongest path's delay, angles, phase and the gain out of a channel.

What is left, the shape, has its strongest path exactly on a grid point with phase 0 and unit mean
power, so that a model need not learn where in the map a cluster happens to stand.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.traits import TRAITS, traits


@dataclass(frozen=True)
class Pose:
    """What registration took out of each realisation, and what is left like.

    Args:
        gain: Mean power, linear ``[n]``.
        phase: Phase of the strongest path [rad] ``[n]``.
        position: Its place along each axis of the map, in cycles of that axis, in [0, 1):
            spatial frequency, Doppler over the sampling rate, delay over the longest delay.
            0 for axes that are not Fourier transformed. ``[n, axes]``
        traits: What is left as a whole, as :func:`~chanvae.transforms.traits.traits` says it;
            nothing is taken out for them. ``[n, traits]``
    """

    gain: Float[Tensor, " n"]
    phase: Float[Tensor, " n"]
    position: Float[Tensor, "n axes"]
    traits: Float[Tensor, "n traits"]

    def __getitem__(self, index) -> "Pose":
        return Pose(*(value[index] for value in vars(self).values()))

    def cpu(self) -> "Pose":
        """The same in the memory of the processor."""
        return Pose(*(value.cpu() for value in vars(self).values()))


def peak_bin(grid: AngleDelay) -> tuple[int, ...]:
    """The bin a registered map has its strongest path in: middle angles, early delay."""
    middle = [n // 2 if fourier else 0 for n, fourier in zip(grid.shape, grid.is_fourier)]
    return *middle[:-1], grid.shape[-1] // 8


def register(h: Tensor, grid: AngleDelay) -> tuple[Tensor, Pose]:
    """Part channels into shape and pose.

    The strongest path is the maximum of the angle-delay power, sought on a grid twice as fine as
    the bins and refined by parabolas along each axis in turn.

    Args:
        h: Unfolded channels, complex ``[n, *grid.shape]``; none all zero.
        grid: The axes.

    Returns:
        Registered angle-delay maps of unit mean power, complex ``[n, *grid.shape]``, and the pose.
    """
    axes = range(1, h.ndim)
    gain = h.abs().square().double().mean(dim=tuple(axes))
    unit = h / gain.sqrt().to(h.real.dtype).reshape(-1, *[1] * len(axes))
    position = _coarse(unit, grid)
    for step in (0.25, 0.06):
        for axis, fourier in enumerate(grid.is_fourier):
            if fourier and grid.shape[axis] > 1:
                position = _refine(unit, grid, position, axis, step / grid.shape[axis])
    peak = _contract(unit, grid, position)
    phase = peak.angle()
    pose = Pose(gain.to(phase.dtype), phase, position, gain.new_zeros(len(h), TRAITS))
    x = align(h, pose, grid)
    return x, replace(pose, traits=traits(x))


def align(h: Tensor, pose: Pose, grid: AngleDelay) -> Tensor:
    """Take a known pose out of channels.

    Args:
        h: Unfolded channels, complex ``[n, *grid.shape]``.
        pose: What :func:`register` found for them.
        grid: The axes.

    Returns:
        Registered angle-delay maps, complex ``[n, *grid.shape]``.
    """
    amplitude = torch.polar(pose.gain.rsqrt(), -pose.phase)
    shift = _target(grid).to(pose.position) - pose.position
    return grid.forward(_steer(h, grid, shift, amplitude))


def unregister(maps: Tensor, pose: Pose, grid: AngleDelay) -> Tensor:
    """Put a pose back: registered maps to unfolded channels, the inverse of :func:`register`."""
    amplitude = torch.polar(pose.gain.sqrt(), pose.phase)
    shift = pose.position - _target(grid).to(pose.position)
    return _steer(grid.inverse(maps), grid, shift, amplitude)


def _target(grid: AngleDelay) -> Tensor:
    return torch.tensor([b / n for b, n in zip(peak_bin(grid), grid.shape)], dtype=torch.float64)


def _ramp(grid: AngleDelay, axis: int, cycles: Tensor) -> Tensor:
    """Response along one axis of a path at ``cycles`` ``[n]``: complex ``[n, length]``."""
    length, delay = grid.shape[axis], axis == len(grid.shape) - 1
    index = torch.arange(length, device=cycles.device, dtype=cycles.dtype)
    index = (length // 2 - index) if delay else index
    turn = (cycles[:, None] * index) % 1.0
    return torch.polar(torch.ones_like(turn), 2 * math.pi * turn)


def _steer(h: Tensor, grid: AngleDelay, cycles: Tensor, amplitude: Tensor) -> Tensor:
    """Move channels along every axis by ``cycles`` ``[n, axes]`` and multiply by ``[n]``."""
    factor = amplitude
    for axis in range(len(grid.shape) - 1):
        ramp = _ramp(grid, axis, cycles[:, axis])
        factor = factor[..., None] * ramp.reshape(len(h), *[1] * axis, -1)
    delay = _ramp(grid, len(grid.shape) - 1, cycles[:, -1]).to(h.dtype)
    # Two passes over the channels: one by all other axes together, one by delay.
    return h * factor.to(h.dtype)[..., None] * delay.reshape(len(h), *[1] * factor[0].ndim, -1)


def _contract(h: Tensor, grid: AngleDelay, position: Tensor, keep: int = -1) -> Tensor:
    """Match channels to a path at ``position`` along every axis but ``keep``."""
    for axis in reversed(range(len(grid.shape))):
        if axis == keep:
            h = h.movedim(axis + 1, 1)
        elif grid.is_fourier[axis]:
            ramp = _ramp(grid, axis, position[:, axis]).conj().to(h.dtype)
            h = torch.einsum("n...a,na->n...", h.movedim(_at(axis, keep, h), -1), ramp)
        else:
            bin_ = (position[:, axis] * grid.shape[axis]).round().long()
            h = torch.take_along_dim(
                h, bin_.reshape(-1, *[1] * (h.ndim - 1)), dim=_at(axis, keep, h)
            ).squeeze(_at(axis, keep, h))
    return h


def _at(axis: int, keep: int, h: Tensor) -> int:
    """Where ``axis`` is now: axes after it are gone, a kept one moved to the front."""
    return axis + 1 + (1 if keep > axis else 0)


def _coarse(h: Tensor, grid: AngleDelay) -> Tensor:
    """Place of the strongest bin on a grid of half bins, in cycles: float64 ``[n, axes]``."""
    sizes = [n * 2 if fourier and n > 1 else n for n, fourier in zip(grid.shape, grid.is_fourier)]
    power = torch.fft.ifft(h, n=sizes[-1], dim=-1)
    dims = [a + 1 for a, fourier in enumerate(grid.is_fourier[:-1]) if fourier]
    if dims:
        power = torch.fft.fftn(power, s=[sizes[d - 1] for d in dims], dim=dims)
    best = power.abs().square().flatten(1).argmax(1)
    places = torch.unravel_index(best, sizes)
    return torch.stack([p.double() / n for p, n in zip(places, sizes)], dim=1)


def _refine(h: Tensor, grid: AngleDelay, position: Tensor, axis: int, step: float) -> Tensor:
    """Move along one axis to the top of the parabola through three points ``step`` apart."""
    line = _contract(h, grid, position, keep=axis)
    offsets = torch.tensor([-step, 0.0, step], dtype=position.dtype, device=position.device)
    low, mid, high = (
        (line * _ramp(grid, axis, position[:, axis] + o).conj().to(line.dtype))
        .sum(1)
        .abs()
        .square()
        for o in offsets
    )
    bend = (low - 2 * mid + high).clamp(max=-1e-12 * mid.max())
    move = (step * 0.5 * (low - high) / bend).clamp(-2 * step, 2 * step)
    moved = position.clone()
    moved[:, axis] = (position[:, axis] + move) % 1.0
    return moved
