"""The critic takes maps of any shape, whatever their power, and sees their rank."""

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.models.context import Context
from chanvae.nn.critic import Critic
from chanvae.transforms.angle_delay import AngleDelay

ONE, PLANE = ArrayGeometry(), ArrayGeometry(3, 4, polarizations=2)
GRIDS = [
    AngleDelay(ONE, ONE, 1, 40),
    AngleDelay(ArrayGeometry(1, 16), ONE, 1, 64),
    AngleDelay(ArrayGeometry(1, 2), ONE, 1, 30),
    AngleDelay(PLANE, ArrayGeometry(1, 2), 3, 9),
]


def maps(grid, n=4):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, *grid.shape, dtype=torch.complex64, generator=generator)


def width(grid):
    return Context(grid, 3).width


@pytest.fixture(params=GRIDS, ids=lambda grid: "x".join(map(str, grid.shape)))
def critic(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Critic(request.param, width(request.param)), request.param


def test_every_weight_and_every_bin_counts(critic):
    network, grid = critic
    x = maps(grid).requires_grad_()
    network(*network.see(x), torch.ones(4, width(grid))).sum().backward()
    assert all(w.grad is not None and w.grad.abs().sum() > 0 for w in network.parameters())
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert (x.grad.abs().flatten(1).sum(1) > 0).all()


def test_power_does_not_count(critic):
    network, grid = critic
    x = maps(grid)
    with torch.no_grad():  # else in 16 bits
        once, twice = (network(*network.see(k * x), torch.ones(4, width(grid))) for k in (1, 100))
    assert torch.allclose(once, twice, atol=1e-4)


def test_a_single_path_has_rank_one():
    grid = GRIDS[1]
    with torch.random.fork_rng(devices=[]):
        network = Critic(grid, width(grid))
    x = maps(grid)[:, :, :1] * maps(grid)[:, :1]
    logs, roots = network.see(x)[1].unflatten(1, (2, 16)).unbind(1)
    assert (logs[:, -1:] - logs[:, :-1] > 4).all()  # in units of three nepers
    assert torch.allclose(roots[:, -1], torch.tensor(2.0), atol=1e-3)
