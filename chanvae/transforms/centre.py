"""The phases that refer a registered map to the middle of every axis of the channel."""

import math

import torch
from torch import Tensor

from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import peak_bin


def to_centre(grid: AngleDelay) -> tuple[Tensor, tuple[complex, ...]]:
    """Phases, 1 at the peak, by which the leakage of one path becomes real.

    Args:
        grid: Axes of the maps.

    Returns:
        The phases, complex ``[*shape]``, and by how much they turn from a bin to the next along
        each axis.
    """
    turn, steps = torch.ones(grid.shape, dtype=torch.complex128), []
    for axis, (size, fourier, peak) in enumerate(
        zip(grid.shape, grid.is_fourier, peak_bin(grid), strict=True)
    ):
        delay = axis == len(grid.shape) - 1
        middle = (size % 2 - 1) / 2 if delay else (size - 1) / 2
        cycles = (-middle if delay else middle) / size if fourier else 0.0
        bins = torch.arange(size, dtype=torch.float64) - peak
        shape = [-1 if a == axis else 1 for a in range(len(grid.shape))]
        turn = turn * torch.exp(2j * math.pi * cycles * bins).reshape(shape)
        angle = 2 * math.pi * cycles
        steps.append(complex(math.cos(angle), math.sin(angle)))
    return turn.to(torch.complex64), tuple(steps)
