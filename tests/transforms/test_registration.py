"""Registration takes out exactly what it puts back, and finds a path where it is."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.arrays import ArrayGeometry
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import peak_bin, register, unregister

GRIDS = [
    AngleDelay(ArrayGeometry(columns=16), ArrayGeometry(), 1, 64),
    AngleDelay(ArrayGeometry(), ArrayGeometry(), 1, 128),
    AngleDelay(ArrayGeometry(columns=2), ArrayGeometry(), 1, 30),
    AngleDelay(ArrayGeometry(columns=8), ArrayGeometry(columns=8), 1, 32),
    AngleDelay(ArrayGeometry(2, 3, 2), ArrayGeometry(columns=2), 4, 9),
    AngleDelay(ArrayGeometry(), ArrayGeometry(), 1, 1),
]


def noise(grid: AngleDelay, n: int, seed: int, dtype=torch.complex128) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, *grid.shape, dtype=dtype, generator=generator)


def path(grid: AngleDelay, position: torch.Tensor) -> torch.Tensor:
    """One plane wave for each row of ``position``, from the definition of the axes."""
    h = torch.ones(len(position), *grid.shape, dtype=torch.complex128)
    for axis, length in enumerate(grid.shape):
        index = torch.arange(length, dtype=torch.float64)
        if axis == len(grid.shape) - 1:
            index = length // 2 - index
        wave = torch.exp(2j * math.pi * position[:, axis, None] * index)
        h = h * wave.reshape(-1, *[length if a == axis else 1 for a in range(len(grid.shape))])
    return h


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: "x".join(map(str, g.shape)))
def test_the_transform_is_unitary_and_inverts(grid):
    h = noise(grid, 3, 0)
    x = grid.forward(h)
    torch.testing.assert_close(x.abs().square().sum(), h.abs().square().sum())
    torch.testing.assert_close(grid.inverse(x), h)
    folded = grid.fold(h)
    assert folded.shape[1:] == (grid.rx_array.size, grid.tx_array.size, grid.time, grid.freq)
    torch.testing.assert_close(grid.unfold(folded), h)


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: "x".join(map(str, g.shape)))
def test_registration_is_undone_and_leaves_a_real_peak_of_unit_power(grid):
    h = 3e-6 * noise(grid, 20, 1)
    shape, pose = register(h, grid)
    torch.testing.assert_close(unregister(shape, pose, grid), h)
    torch.testing.assert_close(shape.abs().square().flatten(1).mean(1), torch.ones(20).double())
    peak = shape[(slice(None), *peak_bin(grid))]
    # Polarisations are not moved, so with two of them the peak may stand in the other one.
    if grid.rx_array.polarizations == 1:
        assert (peak.real > 0).all()
        assert peak.imag.abs().max() < 1e-9
        assert (peak.abs() >= 0.95 * shape.abs().flatten(1).amax(1)).all()


@pytest.mark.parametrize("grid", GRIDS[:4], ids=lambda g: "x".join(map(str, g.shape)))
def test_a_single_path_is_found_to_a_hundredth_of_a_bin(grid):
    generator = torch.Generator().manual_seed(2)
    position = torch.rand(200, len(grid.shape), generator=generator, dtype=torch.float64)
    shape, pose = register(path(grid, position), grid)
    error = (pose.position - position + 0.5) % 1.0 - 0.5
    assert (error.abs() * torch.tensor(grid.shape)).max() < 0.01
    # All of its power is then in the one bin.
    share = shape[(slice(None), *peak_bin(grid))].abs().square() / math.prod(grid.shape)
    assert share.min() > 0.999


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(-math.pi, math.pi), st.floats(1e-12, 1e12))
def test_the_shape_does_not_depend_on_the_pose(angle, delay, phase, gain):
    grid = GRIDS[0]
    strong = path(grid, torch.tensor([[0.3, 0.2]], dtype=torch.float64))
    h = strong + 0.2 * noise(grid, 1, 3)
    moved = h * path(grid, torch.tensor([[angle, delay]], dtype=torch.float64))
    moved = moved * math.sqrt(gain) * complex(math.cos(phase), math.sin(phase))
    a, pose_a = register(h, grid)
    b, pose_b = register(moved, grid)
    # The parabola is exact to a few thousandths of a bin, so shapes agree to that.
    assert (a - b).abs().max() < 0.02 * a.abs().max()
    torch.testing.assert_close(pose_b.gain, pose_a.gain * gain, rtol=1e-9, atol=0)
