"""The likelihood of paths: against a dense Gaussian, against channels with known paths."""

import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import MultivariateNormal

from chanvae.arrays import ArrayGeometry
from chanvae.config import PathLikelihood
from chanvae.models.context import Context
from chanvae.models.meeting import stretched
from chanvae.models.path_planes import PathsFromPlanes
from chanvae.stats.delay import phase_step
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose, peak_bin, unregister
from chanvae.transforms.traits import TRAITS

GRIDS = [
    AngleDelay(ArrayGeometry(1, 4), ArrayGeometry(), 1, 8),
    AngleDelay(ArrayGeometry(), ArrayGeometry(), 1, 15),
    AngleDelay(ArrayGeometry(1, 3, polarizations=2), ArrayGeometry(1, 2), 2, 5),
]


def likelihood(grid, **changes):
    return PathsFromPlanes(grid, PathLikelihood(**{"paths": 6, "quiet_db": -45, **changes}))


def planes_for(found, grid, n=3, dtype=torch.float32):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, found.planes, *grid.shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("mean", ["peak", "everywhere"])
def test_the_density_is_that_of_a_dense_gaussian(grid, mean):
    found = likelihood(grid, mean=mean)
    p = found(planes_for(found, grid))
    x = p.sample(torch.Generator().manual_seed(2))
    bins = math.prod(grid.shape)
    covariance = p.patterns.mT.double() @ p.patterns.double()
    covariance += torch.diag_embed(p.log_variance.double().exp())
    zero = torch.zeros(len(x), bins, dtype=torch.float64)
    dense = MultivariateNormal(zero, covariance / 2)  # real and imaginary parts, half each
    residual = (x * found.turn).flatten(1) - p.mean
    expected = dense.log_prob(residual.real.double()) + dense.log_prob(residual.imag.double())
    assert torch.allclose(p.log_prob(x).double(), expected, rtol=1e-4, atol=1e-3)


def test_the_gradient_is_right():
    grid = GRIDS[0]
    found = likelihood(grid)
    x = found(planes_for(found, grid)).sample(torch.Generator().manual_seed(2))
    planes = planes_for(found, grid).requires_grad_()
    found(planes).log_prob(x).sum().backward()
    direction = torch.randn(planes.shape, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():  # central difference in float32
        step = 2e-3
        high = found(planes + step * direction).log_prob(x).sum()
        low = found(planes - step * direction).log_prob(x).sum()
    slope = float((planes.grad * direction).sum())
    assert float(high - low) / (2 * step) == pytest.approx(slope, rel=0.02)


def test_weights_that_are_lost_are_seen_in_the_density():
    """Not as an error of the factorisation: a fit takes such weights back."""
    found = likelihood(GRIDS[0])
    planes = planes_for(found, GRIDS[0])
    x = found(planes).sample(torch.Generator().manual_seed(2))
    planes[1] = torch.nan
    said = found(planes).log_prob(x)
    assert said.isfinite().tolist() == [True, False, True]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_a_pattern_is_the_map_of_a_path_between_the_bins(grid):
    found = likelihood(grid, paths=1, reach=0.4)
    planes = torch.zeros(1, found.planes, *grid.shape)
    at = tuple(n // 3 for n in grid.shape)
    planes[(0, 3, *at)] = 3.0  # log power 0 there, -6 elsewhere
    planes[:, 4:] = math.atanh(0.5)  # half of the reach
    pattern = found(planes).patterns[0, 0].reshape(grid.shape)
    pattern = pattern / pattern.norm()
    h = torch.ones(grid.shape, dtype=torch.complex128)
    for axis, size in enumerate(grid.shape):
        shape = [-1 if a == axis else 1 for a in range(len(grid.shape))]
        if axis not in found.moving:
            here = (torch.arange(size) == at[axis]).to(h.dtype)
        else:
            place = (at[axis] + 0.2) / size
            delay = axis == len(grid.shape) - 1
            index = (size // 2 - torch.arange(size)) if delay else torch.arange(size)
            here = torch.exp(2j * math.pi * place * index.double()) / math.sqrt(size)
        h = h * here.reshape(shape)
    expected = grid.forward(h[None])[0] * found.turn
    expected = expected / (expected[at] / expected[at].abs()) * pattern[at].sign()
    assert torch.allclose(pattern.to(expected.dtype), expected, atol=1e-5)


def test_draws_have_the_covariance_that_is_said():
    grid = GRIDS[0]
    found = likelihood(grid)
    p = found(planes_for(found, grid, n=1).expand(40000, -1, -1, -1))
    x = (p.sample(torch.Generator().manual_seed(4)) * found.turn).flatten(1) - p.mean
    measured = (x.mT @ x.conj() / len(x)).real
    expected = p.patterns[0].mT @ p.patterns[0] + torch.diag(p.log_variance[0].exp() - found.quiet)
    # 40,000 draws: an entry's standard error is 1/200 of the geometric mean of its variances
    scale = expected.diagonal().sqrt()
    assert ((measured - expected).abs() / scale / scale[:, None]).max() < 6 / 200


def test_only_training_tries_other_paths():
    grid = GRIDS[0]
    found = likelihood(grid, paths=16)
    planes = planes_for(found, grid)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        assert torch.equal(found(planes, generator).patterns, found(planes).patterns)
    assert not torch.equal(found(planes, generator).patterns, found(planes).patterns)


def test_a_floor_45_db_down_is_met_in_float32():
    """Strong paths over a variance 45 dB below them: the factorisation must not break."""
    grid = AngleDelay(ArrayGeometry(1, 16), ArrayGeometry(), 1, 64)
    found = likelihood(grid, paths=64)
    planes = planes_for(found, grid)
    planes[:, 0] = -20.0
    p = found(planes)
    x = p.sample(torch.Generator().manual_seed(6))
    x = x + math.sqrt(found.floor) * torch.randn(
        x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(7)
    )
    covariance = p.patterns.mT.double() @ p.patterns.double()
    covariance += torch.diag_embed(p.log_variance.double().exp())
    factor = torch.linalg.cholesky(covariance).to(torch.complex128)
    residual = (x.to(torch.complex128) * found.turn).flatten(1) - p.mean
    solved = torch.linalg.solve_triangular(factor, residual[..., None], upper=False)
    expected = -solved.abs().square().sum((1, 2)) - 1024 * math.log(math.pi)
    expected = expected - 2 * factor.diagonal(dim1=1, dim2=2).real.log().sum(1)
    assert torch.allclose(p.log_prob(x).double(), expected, rtol=3e-3)


def test_paths_of_one_delay_bin_come_at_one_time():
    """Whatever the decoder says bin by bin: patterns of all angles are the same along delay."""
    grid = GRIDS[0]
    found = likelihood(grid, paths=16)
    planes = planes_for(found, grid)
    said = found(planes)
    for delayed, bins in zip(said.delayed, said.bins, strict=True):
        for delay in range(8):
            here = delayed[bins % 8 == delay]
            assert torch.allclose(here, here[:1].expand_as(here), atol=1e-6)
    planes[:, 3] = -9.0
    planes[:, 3, 2, 5] = 3.0  # the only angle with power says when
    late = found.reach * torch.tanh(planes[:, 5, 2, 5])
    alone = found(planes).delayed[:, 0]
    place = (5 + late[:, None] - torch.arange(8)) / 8
    kernel = sum(torch.cos(math.pi * place * k) for k in (1, 3, 5, 7)) / 4
    assert torch.allclose(alone, kernel, atol=1e-5)


def pose_at(delay, grid):
    """Poses of maps that were moved along delay by so many bins."""
    position = torch.zeros(len(delay), len(grid.shape), dtype=torch.float64)
    position[:, -1] = delay.double() / grid.shape[-1] % 1
    one = torch.ones(len(delay))
    return Pose(one, 0 * one, position, torch.zeros(len(one), TRAITS))


def map_of(found, delay, sure):
    """Channels of one path, said to stand .2 of the reach late, of maps moved by ``delay``."""
    grid = found.grid
    with torch.no_grad():
        found.sure.fill_(sure)
    pose = pose_at(delay, grid)
    context = Context(grid, 0)(torch.zeros(len(delay), 0), pose)
    planes = torch.zeros(len(delay), found.planes, *grid.shape)
    planes[:, -1] = math.atanh(0.2)
    first = (peak_bin(grid)[-1] - delay).round().long() % grid.shape[-1]
    planes[torch.arange(len(delay)), 3, 1, first] = 6.0
    said = found(planes, None, context)
    said = replace(said, mean=0 * said.mean, rest=0.0)
    return grid.fold(unregister(said.sample(torch.Generator().manual_seed(1)), pose, grid))


def test_the_first_path_is_at_delay_0_wherever_registration_moved_the_map():
    grid = AngleDelay(ArrayGeometry(1, 4), ArrayGeometry(), 1, 32)
    found = likelihood(grid, paths=1, reach=0.5)
    delay = torch.tensor([0.0, 0.3, 2.4, 2.7, -0.2])
    known, said = (phase_step(map_of(found, delay, sure)) for sure in (20.0, -20.0))
    assert known.abs().max() < 1e-4  # rad from one frequency to the next
    late = delay - delay.round() + 0.1
    assert torch.allclose(said.float(), -2 * math.pi / 32 * late, atol=1e-4)


@pytest.mark.parametrize("only", ["peak", "another"])
def test_stretched_delays_of_a_path_are_longer_by_that_factor(only):
    """Counted from delay 0 of the channel, and not from the peak of the map."""
    grid = AngleDelay(ArrayGeometry(1, 4), ArrayGeometry(), 1, 32)
    found = likelihood(grid, paths=1, reach=0.5)
    planes = planes_for(found, grid, 5)
    planes[:, 3, :, 6] += 20  # two bins after the peak
    said = found(planes)
    assert said.peak is not None and (said.late.round() == 2).all()
    without = {"peak": {"angular": 0 * said.angular}, "another": {"mean": 0 * said.mean}}[only]
    peak = replace(said.peak, angular=said.peak.angular * (only == "peak"))
    draw = replace(said, rest=0.0, peak=peak, **without).drawing(torch.Generator())
    factor = torch.tensor([0.5, 0.9, 1.0, 1.3, 2.0])
    pose = pose_at(torch.tensor([0.0, 0.3, 2.4, 2.7, -0.2]), grid)
    once = phase_step(grid.fold(unregister(draw(), pose, grid)))
    more = phase_step(grid.fold(unregister(draw(None, factor), stretched(pose, factor), grid)))
    assert torch.allclose(more, once * factor, atol=1e-4)


def test_the_mean_at_the_peak_is_a_path_that_no_weight_moves():
    grid = GRIDS[0]
    found = likelihood(grid, paths=1)
    planes = torch.zeros(1, found.planes, *grid.shape)
    planes[:, 4:] = 0.5
    said = found(planes)
    everywhere = replace(said, rest=0.0, angular=0 * said.angular).drawing(torch.Generator())
    assert said.mean.abs().min() > 1e-3 * said.mean.abs().max()
    assert torch.linalg.matrix_rank(said.mean.reshape(4, 8), rtol=1e-5) == 1
    weights = torch.rand(1, *grid.shape, generator=torch.Generator().manual_seed(2))
    assert torch.equal(everywhere(weights), everywhere(None))
