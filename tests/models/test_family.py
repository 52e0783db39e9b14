"""Every kind, likelihood and prior: shapes, gradients, save and load, draws."""

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.config import (
    AutoencoderConfig,
    BetaVaeConfig,
    CodePrior,
    CrossEntropyLikelihood,
    DdpmConfig,
    DenoisingConfig,
    FlowMatchingConfig,
    FlowMatchingPrior,
    GaussianLikelihood,
    GmmConfig,
    HvaeConfig,
    MapNetwork,
    MixturePrior,
    ModelConfig,
    NeighbourLikelihood,
    PathLikelihood,
    SparseConfig,
    SplinePrior,
    SquaredErrorLikelihood,
    StandardPrior,
    VaeConfig,
    VampPrior,
    VectorNetwork,
    VqvaeConfig,
    WganConfig,
)
from chanvae.errors import DataError
from chanvae.models.plain import from_unit, to_unit
from chanvae.models.site import Registered, SiteModel
from chanvae.models.vamp import drawn_rows, mixture_log_prob
from chanvae.models.vqvae import Codebook
from chanvae.nn.brief import allowed
from chanvae.presets import configure
from chanvae.transforms.angle_delay import AngleDelay
from tests.conftest import NAMELESS, template
from tests.models.test_cvae import GRIDS, some_channels

SMALL = AngleDelay(ArrayGeometry(columns=8), ArrayGeometry(), 1, 16)
VECTOR = VectorNetwork(width=8, latent=6, blocks=1, hidden=16)
MAP = MapNetwork(width=8, latent=2, encoder_blocks=1, decoder_blocks=1)
GAUSS, MSE = GaussianLikelihood(), SquaredErrorLikelihood()
FLOW = FlowMatchingPrior(width=8, blocks=1)
SPLINE, VAMP = SplinePrior(transforms=1, hidden=8), VampPrior(pseudo_inputs=3)
MIXTURE, CODES = MixturePrior(components=3), CodePrior(width=8)
BCE = CrossEntropyLikelihood(kind="bce")
LOGITS = CrossEntropyLikelihood(kind="bce_logits")
FAMILY = {
    "autoencoder": AutoencoderConfig(network=VECTOR, likelihood=MSE, prior=MIXTURE),
    "denoising": DenoisingConfig(network=MAP, likelihood=GAUSS, prior=FLOW),
    "sparse": SparseConfig(network=MAP, likelihood=NeighbourLikelihood(), prior=SPLINE),
    "vae": VaeConfig(network=VECTOR, likelihood=GAUSS, prior=StandardPrior()),
    "vae of powers": VaeConfig(network=VECTOR, quantity="power", likelihood=BCE, prior=VAMP),
    "beta_vae": BetaVaeConfig(network=MAP, likelihood=GAUSS, prior=SPLINE),
    "cvae": ModelConfig(network=MAP, likelihood=PathLikelihood(), prior=FLOW),
    "cvae with a VampPrior": ModelConfig(network=VECTOR, likelihood=GAUSS, prior=VAMP),
    "cvae of powers": ModelConfig(network=MAP, quantity="power", likelihood=LOGITS, prior=MIXTURE),
    "vqvae": VqvaeConfig(network=MAP, likelihood=GAUSS, prior=CODES, codes=16),
    "vqvae of a vector": VqvaeConfig(network=VECTOR, likelihood=GAUSS, prior=CODES, word=3),
    "hvae": HvaeConfig(network=MAP, likelihood=GAUSS, prior=FLOW, top=3),
    "hvae of vectors": HvaeConfig(
        network=VECTOR, quantity="power", likelihood=GAUSS, prior=StandardPrior(), top=3
    ),
}
SIZE = {"width": 8, "blocks": 1}
RIVALS = {
    "wgan": WganConfig(network=VECTOR),
    "ddpm": DdpmConfig(levels=20, steps=4, **SIZE),
    "ddim": DdpmConfig(levels=20, steps=4, sampler="ddim", **SIZE),
    "flow_matching": FlowMatchingConfig(midpoint_steps=1, **SIZE),
    "gmm": GmmConfig(components=2),
}
NOT_LEARNED_BY_STEPS = {"vae of powers": {"vamp.contexts"}}
"""A VAE is told no conditions, so those of its pseudo-inputs are not used."""


@pytest.fixture(autouse=True)
def in_full():
    """Gradients of networks this small vanish in 16 bits."""
    with allowed(False):
        yield


def site(grid, config) -> SiteModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SiteModel(grid, NAMELESS, config, template(grid))


def shaken(model: SiteModel) -> None:
    """Move every weight a little: blocks start as the identity, where gradients end."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=generator))


def some_material(model: SiteModel, grid, n: int) -> tuple[Registered, torch.Tensor]:
    x, pose = model.register(some_channels(grid, n))
    data = Registered(x, pose, torch.randn(n, 2, generator=torch.Generator().manual_seed(1)))
    return data, model.context(data.c, data.pose)


@pytest.mark.parametrize("grid", [SMALL, GRIDS[2]], ids=lambda g: "x".join(map(str, g.shape)))
@pytest.mark.parametrize("name", FAMILY)
def test_every_kind(name, grid):
    model = site(grid, FAMILY[name])
    shaken(model)
    data, context = some_material(model, grid, 8)
    model.cvae.prepare(data.x, context, seed=0)
    terms = model.cvae.loss(data.x, context, torch.Generator().manual_seed(2), 1)
    assert all(value.shape == (8,) and value.isfinite().all() for value in terms.values())
    terms["loss"].mean().backward()
    z = model.posterior(data, torch.Generator().manual_seed(3))
    assert z.shape == (8, *model.cvae.latent_shape)
    model.latent_prior.fit_scale(z)
    if any(p.requires_grad for p in model.latent_prior.parameters()):
        model.latent_prior.loss(z, context, torch.Generator().manual_seed(4)).sum().backward()
    without = {
        key
        for part in (model.cvae, model.latent_prior)
        for key, p in part.named_parameters()
        if p.grad is None or not p.grad.any()
    }
    assert without == NOT_LEARNED_BY_STEPS.get(name, set())
    with torch.no_grad():
        figures = model.cvae.validate(data.x, context, torch.Generator().manual_seed(5))
    assert figures["loss"] == pytest.approx(figures["kl"] - figures["reconstruction"], rel=1e-5)
    h = model.draw(data.c, torch.Generator().manual_seed(6))
    assert h.shape == some_channels(grid, 8).shape
    assert h.isfinite().all()
    again = site(grid, FAMILY[name])
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.draw(data.c, torch.Generator().manual_seed(6)), h)


@pytest.mark.parametrize("grid", [SMALL, GRIDS[2]], ids=lambda g: "x".join(map(str, g.shape)))
@pytest.mark.parametrize("name", RIVALS)
def test_every_rival(name, grid):
    model = site(grid, RIVALS[name])
    shaken(model)
    data, context = some_material(model, grid, 8)
    model.cvae.prepare(data.x, context, seed=0)
    terms = model.cvae.loss(data.x, context, torch.Generator().manual_seed(2), 0)
    assert all(value.shape == (8,) and value.isfinite().all() for value in terms.values())
    terms["loss"].mean().backward()
    learned = model.cvae.named_parameters()
    assert [key for key, p in learned if p.grad is None or not p.grad.any()] == []
    with torch.no_grad():
        again = model.cvae.validate(data.x, context, torch.Generator().manual_seed(5))
        assert again == model.cvae.validate(data.x, context, torch.Generator().manual_seed(5))
    h = model.draw(data.c, torch.Generator().manual_seed(6))
    assert h.shape == some_channels(grid, 8).shape
    assert h.isfinite().all()
    other = model.draw(data.c, torch.Generator().manual_seed(7))
    assert not torch.equal(other, h)
    loaded = site(grid, RIVALS[name])
    loaded.load_state_dict(model.state_dict())
    assert torch.equal(loaded.draw(data.c, torch.Generator().manual_seed(6)), h)
    with pytest.raises(DataError, match="no encoder"):
        model.posterior(data)


def test_a_likelihood_that_cannot_take_the_data_names_those_that_can():
    with pytest.raises(DataError, match=r"bce cannot take complex coefficients: choose .*paths"):
        configure("quick", ["model.likelihood.kind=bce"])
    with pytest.raises(DataError, match=r"paths cannot take powers in 0 to 1: .*bce_logits"):
        configure("default", ["model.quantity=power"])
    changes = ["model.quantity=power", "model.likelihood.kind=bce"]
    assert configure("quick", changes).model.likelihood.kind == "bce"


def test_more_steps_than_noise_levels_are_refused():
    with pytest.raises(DataError, match="2000 steps of 1000 levels: ask for at most"):
        configure("quick", ["model.kind=ddpm", "model.steps=2000"])


def test_another_kind_keeps_the_choices_that_it_shares_with_the_preset():
    quick = configure("quick")
    vae = configure("quick", ["model.kind=vae"]).model
    assert vae.network == quick.model.network
    assert vae.prior == quick.model.prior
    vqvae = configure("quick", ["model.kind=vqvae", "model.codes=64"]).model
    assert (vqvae.prior, vqvae.codes) == (CodePrior(), 64)
    with pytest.raises(DataError, match=r"model\.prior\.kind: Input should be 'codes'"):
        configure("quick", ["model.kind=vqvae", "model.prior.kind=spline"])
    with pytest.raises(DataError, match=r"model\.top: Extra inputs"):
        configure("quick", ["model.kind=vae", "model.top=3"])


def test_powers_in_0_to_1_come_back():
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(3, 4, 8, generator=generator)
    x = from_unit(u, 6 * torch.rand(3, 4, 8, generator=generator))
    torch.testing.assert_close(to_unit(x), u, atol=1e-5, rtol=0)


def test_probabilities_and_logits_are_the_same_likelihood():
    configs = [FAMILY["vae of powers"].model_copy(update={"likelihood": k}) for k in (BCE, LOGITS)]
    one, other = (site(GRIDS[2], config) for config in configs)
    other.load_state_dict(one.state_dict())
    data, context = some_material(one, GRIDS[2], 4)
    a, b = (m.cvae.elbo(data.x, context, torch.Generator().manual_seed(0)) for m in (one, other))
    torch.testing.assert_close(a.reconstruction, b.reconstruction, rtol=1e-4, atol=1e-3)


def test_components_are_drawn_by_their_weights():
    logits = torch.tensor([0.1, 0.2, 0.7]).log().expand(20_000, 3)
    counts = torch.bincount(drawn_rows(logits, torch.Generator().manual_seed(0)), minlength=3)
    # Standard errors: at most 65 of 20,000.
    torch.testing.assert_close(counts, torch.tensor([2000, 4000, 14000]), atol=330, rtol=0)


def test_a_mixture_has_the_density_of_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    z, mean, spread = (torch.randn(n, 2, 3, generator=generator) for n in (5, 4, 4))
    logits = torch.randn(5, 4, generator=generator)
    normal = torch.distributions.Normal(mean.flatten(1), (0.5 * spread).exp().flatten(1))
    reference = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=logits),
        torch.distributions.Independent(normal, 1).expand((5, 4)),
    ).log_prob(z.flatten(1))
    torch.testing.assert_close(mixture_log_prob(z, logits, mean, spread), reference)


def test_words_are_joined_as_they_were_cut():
    for name in ("vqvae", "vqvae of a vector"):
        model = site(SMALL, FAMILY[name]).cvae
        z = torch.randn(3, *model.latent_shape, generator=torch.Generator().manual_seed(0))
        assert model.words(z).shape[:2] == (3, model.count)
        assert torch.equal(model.joined(model.words(z)), z)


def test_a_codebook_follows_its_clusters():
    generator = torch.Generator().manual_seed(0)
    centers = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 3.0], [0.0, -3.0]])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        book = Codebook(4, 2, 0.9)
    for _ in range(60):
        which = torch.randint(4, (256,), generator=generator)
        e = centers[which] + 0.1 * torch.randn(256, 2, generator=generator)
        book.follow(e, book.nearest(e), generator)
    found = torch.cdist(centers, book.words).min(1).values
    assert float(found.max()) < 0.1
