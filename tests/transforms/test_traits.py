"""Traits of a map against maps whose rank and spread are known."""

import math

import pytest
import torch

from chanvae.transforms.traits import traits


def diagonal(k: int, *shape: int) -> torch.Tensor:
    """A map of ``k`` bins of one power, no two at the same angle or delay."""
    x = torch.zeros(1, *shape, dtype=torch.complex64)
    x.reshape(-1, shape[-1])[torch.arange(k), torch.arange(k)] = 3j
    return x


@pytest.mark.parametrize("shape", [(8, 16), (16, 8), (2, 4, 16), (80, 90), (8, 20, 96)])
@pytest.mark.parametrize("k", [1, 2, 8])
def test_k_bins_of_one_power_are_of_rank_k(shape, k):
    rank, beside, spread = traits(diagonal(k, *shape))[0]
    assert float(rank) == pytest.approx(math.log(k), abs=1e-5)
    assert float(spread) == pytest.approx(math.log(k), abs=1e-5)
    assert float(beside.exp()) == pytest.approx(max(1 - 1 / k, 1e-4), rel=1e-4)


def test_a_row_is_of_rank_one_however_many_bins_it_has():
    x = torch.ones(1, 4, 16, dtype=torch.complex64)
    rank, _, spread = traits(x)[0]
    assert float(rank) == pytest.approx(0, abs=1e-4)
    assert float(spread) == pytest.approx(math.log(64), abs=1e-5)


def test_level_and_phase_are_nothing_to_them():
    x = torch.randn(5, 4, 16, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(traits(x), traits(x * torch.tensor(1e-3j)), atol=1e-4)


@pytest.mark.parametrize("shape", [(1,), (7,), (1, 1), (1, 9)])
def test_maps_of_one_row_or_one_bin_have_them(shape):
    found = traits(torch.ones(2, *shape, dtype=torch.complex64))
    assert found.shape == (2, 3)
    assert found.isfinite().all()
    assert found[:, 0].abs().max() < 1e-5


def test_a_large_map_has_the_rank_it_has_by_all_its_eigenvalues():
    generator = torch.Generator().manual_seed(0)
    sides = (torch.randn(6, n, 9, dtype=torch.complex64, generator=generator) for n in (150, 200))
    decay = torch.linspace(0, 3, 6)[:, None] * torch.linspace(0, 1, 9)
    x = torch.einsum("nap,ndp,np->nad", *sides, (10**-decay).to(torch.complex64))
    power = torch.linalg.svdvals(x).square()
    whole = torch.special.entr(power / power.sum(1, keepdim=True)).sum(1)
    assert torch.allclose(traits(x)[:, 0], whole, atol=0.15)
    assert whole.std() > 0.5
