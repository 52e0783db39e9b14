"""Phases to the middle: the leakage of a path becomes real."""

import math

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.centre import to_centre
from chanvae.transforms.registration import peak_bin, register

LINE, PLANE = ArrayGeometry(1, 8), ArrayGeometry(3, 4, polarizations=2)
GRIDS = [AngleDelay(LINE, ArrayGeometry(), 1, 16), AngleDelay(PLANE, ArrayGeometry(1, 2), 5, 9)]


def path(grid, places, n=1):
    """A channel of one path at those bins, ``[n, rx, tx, time, freq]``."""
    h = torch.ones(n, *grid.shape, dtype=torch.complex128)
    for axis, (size, place) in enumerate(zip(grid.shape, places)):
        delay = axis == len(grid.shape) - 1
        index = torch.arange(size) - (size // 2 if delay else 0)
        sign = -1 if delay else 1
        if grid.is_fourier[axis]:
            wave = torch.exp(sign * 2j * math.pi * place * index / size)
            h = h * wave.reshape([-1 if a == axis else 1 for a in range(len(grid.shape))])
    return grid.fold(h)


@pytest.mark.parametrize("grid", GRIDS, ids=["line", "plane"])
def test_one_path_leaks_with_real_weights(grid):
    places = [0.3 * (a + 1) + 1 for a in range(len(grid.shape))]
    x, _ = register(grid.unfold(path(grid, places).to(torch.complex64)), grid)
    turned = x[0] * to_centre(grid)[0]
    turned = turned / turned[peak_bin(grid)]
    assert turned.imag.abs().max() < 1e-3 * turned.abs().max()


@pytest.mark.parametrize("grid", GRIDS, ids=["line", "plane"])
def test_steps_are_those_of_the_phases(grid):
    turn, steps = to_centre(grid)
    for axis, step in enumerate(steps):
        after, before = (
            turn.narrow(axis, 1, turn.shape[axis] - 1),
            turn.narrow(axis, 0, turn.shape[axis] - 1),
        )
        assert torch.allclose(after, before * step, atol=1e-6)
