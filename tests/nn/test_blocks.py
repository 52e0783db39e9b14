"""Convolutions over three axes are those of PyTorch."""

import pytest
import torch

from chanvae.nn.blocks import Sliced


@pytest.mark.parametrize("shape", [(2, 2, 8), (5, 4, 3), (1, 1, 1)])
@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (3, (2, 1, 2)), (3, (1, 2, 1))])
def test_slices_make_up_a_convolution(shape, size, stride):
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kinds = Sliced, torch.nn.Conv3d
        ours, theirs = (k(3, 4, size, stride, padding=size // 2).double() for k in kinds)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 3, *shape, generator=generator, dtype=torch.float64, requires_grad=True)
    found, wanted = ours(x), theirs(x)
    torch.testing.assert_close(found, wanted)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), x) for y in (found, wanted))):
        torch.testing.assert_close(a, b)
