"""Every network and prior on data of any shape: shapes, gradients, save and load, sampling."""

import math

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.config import (
    FlowMatchingPrior,
    GaussianLikelihood,
    MapNetwork,
    ModelConfig,
    NeighbourLikelihood,
    VectorNetwork,
)
from chanvae.models.cvae import CVAE, draw
from chanvae.models.site import Registered, SiteModel
from chanvae.nn.blocks import Patches
from chanvae.transforms.angle_delay import AngleDelay
from tests.conftest import NAMELESS, template

GRIDS = [
    AngleDelay(ArrayGeometry(columns=16), ArrayGeometry(), 1, 64),
    AngleDelay(ArrayGeometry(), ArrayGeometry(), 1, 128),
    AngleDelay(ArrayGeometry(columns=2), ArrayGeometry(), 1, 30),
    AngleDelay(ArrayGeometry(columns=8), ArrayGeometry(columns=8), 1, 32),
    AngleDelay(ArrayGeometry(2, 4, 2), ArrayGeometry(columns=2), 3, 7),
    AngleDelay(ArrayGeometry(), ArrayGeometry(), 1, 1),
]
MODELS = {
    "map": ModelConfig(
        network=MapNetwork(width=8, latent=2, encoder_blocks=1, decoder_blocks=1),
        likelihood=NeighbourLikelihood(),
        prior=FlowMatchingPrior(width=8, blocks=1, midpoint_steps=1),
    ),
    "vector": ModelConfig(
        network=VectorNetwork(width=8, latent=5, blocks=1),
        likelihood=GaussianLikelihood(),
        prior=FlowMatchingPrior(width=8, blocks=1, midpoint_steps=1),
    ),
}


def some_channels(grid: AngleDelay, n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return grid.fold(torch.randn(n, *grid.shape, dtype=torch.complex64, generator=generator))


def site(grid: AngleDelay, config: ModelConfig) -> SiteModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SiteModel(grid, NAMELESS, config, template(grid))


def autoencoder(grid: AngleDelay) -> CVAE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CVAE(grid, 3, MODELS["map"])


@pytest.mark.parametrize("grid", GRIDS, ids=lambda g: "x".join(map(str, g.shape)))
@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS)
def test_a_model_fits_any_shape(grid, config):
    model = site(grid, config)
    x, pose = model.register(some_channels(grid, 5))
    data = Registered(x, pose, torch.randn(5, 2, generator=torch.Generator().manual_seed(1)))
    context = model.context(data.c, data.pose)
    terms = model.cvae.loss(x, context, torch.Generator().manual_seed(2), 0)
    assert all(term.shape == (5,) for term in terms.values())
    z = model.posterior(data, torch.Generator().manual_seed(3))
    assert z.shape == (5, *model.cvae.latent_shape)
    loss = model.latent_prior.loss(z, context, torch.Generator().manual_seed(4))
    (loss.sum() + terms["loss"].sum()).backward()
    lost = [
        name
        for part in (model.cvae, model.latent_prior)
        for name, p in part.named_parameters()
        if p.grad is None
    ]
    assert lost == []
    h = model.draw(data.c, torch.Generator().manual_seed(5))
    assert h.shape == some_channels(grid, 5).shape
    again = site(grid, config)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.draw(data.c, torch.Generator().manual_seed(5)), h)


def test_the_kl_is_that_of_torch_distributions():
    model = autoencoder(GRIDS[0])
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 16, 64, dtype=torch.complex64, generator=generator)
    context = torch.randn(4, 3, generator=generator)
    mean, log_variance = model.encode(x, context)
    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    reference = torch.distributions.kl_divergence(posterior, prior).flatten(1).sum(1)
    torch.testing.assert_close(model.elbo(x, context, generator).kl, reference)


def test_the_bound_holds_where_the_evidence_is_known():
    """With a decoder that ignores z, the evidence is its likelihood and the KL is the gap."""
    model = autoencoder(GRIDS[2])
    torch.nn.init.zeros_(model.decoder.first.weight)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 2, 30, dtype=torch.complex64, generator=generator)
    context = torch.zeros(4, 3)
    evidence = model.decode(torch.zeros(4, *model.latent_shape), context).log_prob(x)
    terms = model.elbo(x, context, generator)
    torch.testing.assert_close(evidence - terms.elbo, terms.kl)


def test_draws_follow_mean_and_variance():
    mean, log_variance = torch.full((100_000,), 2.0), torch.full((100_000,), math.log(9.0))
    z = draw(mean, log_variance, torch.Generator().manual_seed(0))
    # Standard errors: 3/sqrt(n) = 0.0095 for the mean, 9 sqrt(2/n) = 0.04 for the variance.
    assert abs(float(z.mean()) - 2) < 0.05
    assert abs(float(z.var()) - 9) < 0.2


@pytest.mark.parametrize(
    ("shape", "coarse"),
    [((16, 64), (4, 16)), ((128,), (32,)), ((2, 30), (8,)), ((8, 8, 32), (2, 2, 8)),
     ((2, 4, 8, 32), (2, 8)), ((3,), (1,)), ((8, 8, 8, 8, 64), (2, 2, 16))],
)  # fmt: skip
def test_patches_are_joined_as_they_were_cut(shape, coarse):
    patches = Patches(shape, 4)
    assert patches.coarse == coarse
    x = torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(patches.join(patches.cut(x), 3), x)


@pytest.mark.parametrize("reading", [0.0, 0.3])
@pytest.mark.parametrize("name", MODELS)
def test_conditions_are_read_from_latents_that_were_not_told_them(name, reading):
    """And only what the encoder sees can bring them there: labels change nothing."""
    model = site(GRIDS[0], MODELS[name].model_copy(update={"reading": reading}))
    x, pose = model.register(some_channels(GRIDS[0], 64))
    c = x.abs().flatten(1)[:, 1:3]
    c = (c - c.mean(0)) / c.std(0)
    context = model.context(c, pose)
    learner = torch.optim.Adam(model.cvae.parameters(), lr=3e-3)
    left = []
    for step in range(30):
        terms = model.cvae.loss(x, context, torch.Generator().manual_seed(step), step)
        learner.zero_grad()
        terms["loss"].mean().backward()
        learner.step()
        left += [float(terms["unread"].detach().mean())] if reading else []
    with torch.no_grad():
        latents = [model.cvae.encode(x, model.context(k * c, pose))[0] for k in (1, 2)]
    assert torch.equal(*latents) is bool(reading)
    assert not reading or left[-1] < 0.5 * left[0]
