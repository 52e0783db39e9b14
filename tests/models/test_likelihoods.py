"""The complex Gaussian bins against dense matrices."""

import math

import pytest
import torch

from chanvae.config import GaussianLikelihood, NeighbourLikelihood
from chanvae.models.likelihoods import BinLikelihood, Bins


def bins(shape, axes, config, n=1, seed=0) -> Bins:
    likelihood = BinLikelihood(shape, tuple(k // 2 for k in shape), axes, config)
    generator = torch.Generator().manual_seed(seed)
    planes = torch.randn(n, likelihood.planes, *shape, generator=generator, dtype=torch.float64)
    return likelihood(planes)


def dense(d: Bins) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and covariance of one map, from the recursion written as a matrix."""
    shape = d.mean.shape[1:]
    total = math.prod(shape)
    back = torch.zeros(total, total, dtype=torch.complex128)
    for flat in range(total):
        index = [int(i) for i in torch.unravel_index(torch.tensor(flat), shape)]
        for a, axis in enumerate(d.along):
            if index[axis]:
                before = [i - (b == axis) for b, i in enumerate(index)]
                place = sum(i * math.prod(shape[b + 1 :]) for b, i in enumerate(before))
                back[flat, place] = d.coefficients[(0, a, *index)]
    solve = torch.linalg.inv(torch.eye(total, dtype=torch.complex128) - back)
    variance = d.log_variance.exp().flatten().to(solve.dtype)
    mean = torch.zeros(total, dtype=torch.complex128) + d.mean.flatten()
    return solve @ mean, solve @ torch.diag(variance) @ solve.conj().T


CASES = [
    ((3, 4), (0, 1), NeighbourLikelihood(mean="everywhere")),
    ((2, 3, 3), (0, 1, 2), NeighbourLikelihood(mean="peak")),
    ((2, 3, 3), (1, 2), NeighbourLikelihood(mean="everywhere")),
    ((7,), (0,), NeighbourLikelihood()),
    ((3, 4), (0, 1), GaussianLikelihood(mean="everywhere")),
]


@pytest.mark.parametrize(("shape", "axes", "config"), CASES)
def test_log_prob_is_that_of_a_dense_complex_gaussian(shape, axes, config):
    d = bins(shape, axes, config)
    mean, covariance = dense(d)
    x = torch.randn(1, *shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(1))
    r = x.flatten() - mean
    # A complex Gaussian is a real one of twice the size with half the covariance in each part.
    real = torch.cat([r.real, r.imag])
    c = covariance / 2
    blocks = torch.cat(
        [torch.cat([c.real, -c.imag], dim=1), torch.cat([c.imag, c.real], dim=1)], dim=0
    )
    reference = torch.distributions.MultivariateNormal(torch.zeros_like(real), blocks)
    torch.testing.assert_close(d.log_prob(x)[0], reference.log_prob(real), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("shape", "axes", "config"), CASES)
def test_draws_have_the_mean_and_covariance_of_the_density(shape, axes, config):
    n = 40_000
    d = bins(shape, axes, config)
    mean, covariance = dense(d)
    many = Bins(
        d.mean.expand(n, *shape),
        d.log_variance.expand(n, *shape),
        d.coefficients.expand(n, *d.coefficients.shape[1:]),
        d.along,  # and no floor: draws leave it out, which the test below is about
    )
    x = many.sample(torch.Generator().manual_seed(2)).flatten(1)
    r = x - x.mean(0)
    level = covariance.abs().max()
    # Entries of a sample covariance deviate by at most level / sqrt(n); five of those.
    assert (x.mean(0) - mean).abs().max() < 5 * (level / n) ** 0.5
    assert (r.T @ r.conj() / n - covariance).abs().max() < 5 * level / n**0.5


def test_the_recursion_is_stable_whatever_the_network_says():
    likelihood = BinLikelihood((4, 400), (0, 0), (0, 1), NeighbourLikelihood(mean="peak"))
    planes = 100 * torch.randn(
        2, likelihood.planes, 4, 400, generator=torch.Generator().manual_seed(3)
    )
    planes[:, 0] = 0
    d = likelihood(planes)
    assert d.coefficients.abs().sum(1).max() <= 1 + 1e-6  # float32 rounding
    assert d.sample(torch.Generator().manual_seed(4)).abs().max() < 1e4


def test_the_variance_is_held_above_the_floor():
    likelihood = BinLikelihood((4,), (0,), (0,), NeighbourLikelihood(floor_db=-45))
    planes = torch.full((1, likelihood.planes, 4), -1e6)
    low = 10 * torch.log10(likelihood(planes).log_variance.exp())
    assert (low > -45.01).all()


def test_a_draw_leaves_the_floor_out():
    likelihood = BinLikelihood((4,), (0,), (0,), NeighbourLikelihood(mean="everywhere"))
    planes = torch.zeros(1, likelihood.planes, 4)
    planes[:, 0] = -1e6
    assert likelihood(planes).sample(torch.Generator().manual_seed(0)).abs().max() < 1e-3


def test_a_mean_at_the_peak_only():
    d = bins((3, 4), (0, 1), NeighbourLikelihood(mean="peak"))
    assert int((d.mean != 0).sum()) == 1
    assert d.mean[0, 1, 2] != 0
