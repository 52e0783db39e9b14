"""16 bits steer training where the processor has them, and nothing else."""

import pytest
import torch

from chanvae.nn.blocks import Trunk
from chanvae.nn.brief import allowed, brief


@pytest.fixture
def trunk():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Trunk(2, 16, 3, 2, pooled=True)
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.1)
        return network, torch.randn(5, 16, 4, 6), torch.randn(5, 3)


def native():
    return torch.cpu._is_avx512_bf16_supported()


def test_without_gradients_nothing_changes(trunk):
    network, x, context = trunk
    with torch.no_grad():
        exact = network.double()(x.double(), context.double())
        drawn = network.float()(x, context)
    assert drawn.dtype == torch.float32
    torch.testing.assert_close(drawn.double(), exact, rtol=1e-5, atol=1e-5)


def test_with_gradients_sixteen_bits_where_there_are(trunk):
    network, x, context = trunk
    with brief(x):
        product = x[0, 0] @ x[0, 0].T
    assert product.dtype == (torch.bfloat16 if native() else torch.float32)
    y = network(x, context)
    assert y.dtype == torch.float32
    y.square().sum().backward()
    with torch.no_grad():
        exact = network(x, context)
    assert (y - exact).norm() < 0.02 * exact.norm()
    assert all(w.grad is not None and w.grad.dtype == torch.float32 for w in network.parameters())


@pytest.mark.parametrize("shape", [(7,), (4, 6), (2, 8), (2, 2, 8), (2, 2, 2)])
def test_gradients_are_those_of_32_bits_but_for_rounding(shape):
    """Over three short axes, 16 bits gave gradients of memory that nobody wrote."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Trunk(len(shape), 16, 3, 2, pooled=True)
        for weight in network.parameters():
            torch.nn.init.normal_(weight, std=0.1)
    x, context = (
        torch.randn(5, 16, *shape, generator=generator),
        torch.randn(5, 3, generator=generator),
    )
    found = []
    for sixteen in (True, False):
        with allowed(sixteen):
            loss = network(x, context).square().sum()
        found.append(torch.autograd.grad(loss, list(network.parameters())))
    for short, long in zip(*found):
        assert (short - long).norm() < 0.1 * long.norm()


def test_double_stays_double(trunk):
    network, x, context = trunk
    y = network.double()(x.double(), context.double())
    with torch.no_grad():
        exact = network(x.double(), context.double())
    assert torch.equal(y, exact)


def test_it_can_be_forbidden(trunk):
    network, x, context = trunk
    with allowed(False):
        y = network(x, context)
    with torch.no_grad():
        assert torch.equal(y, network(x, context))
