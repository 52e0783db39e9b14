"""The VAE on plain images: the ELBO against torch.distributions on scikit-learn's digits."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from chanvae.arrays import ArrayGeometry
from chanvae.config import (
    CrossEntropyLikelihood,
    GaussianLikelihood,
    Optimisation,
    SquaredErrorLikelihood,
    StandardPrior,
    VaeConfig,
    VectorNetwork,
)
from chanvae.models.cvae import draw
from chanvae.models.plain import from_unit, to_unit
from chanvae.models.vae import VAE
from chanvae.training.loop import Stage
from chanvae.transforms.angle_delay import AngleDelay

GRID = AngleDelay(ArrayGeometry(columns=8), ArrayGeometry(), 1, 8)
NETWORK = VectorNetwork(width=8, latent=6, blocks=1, hidden=32, patch=2)
LIKELIHOODS = {
    "gaussian": GaussianLikelihood(mean="everywhere"),
    "mse": SquaredErrorLikelihood(),
    "bce": CrossEntropyLikelihood(kind="bce"),
    "bce_logits": CrossEntropyLikelihood(kind="bce_logits"),
}


def digits() -> torch.Tensor:
    """Images in 0 to 1 ``[1797, 8, 8]``."""
    return torch.as_tensor(load_digits().images / 16).float()


def vae(likelihood, quantity: str) -> VAE:
    config = VaeConfig(
        network=NETWORK, likelihood=likelihood, quantity=quantity, prior=StandardPrior()
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAE(GRID, 1, config)


def reference(model: VAE, x: torch.Tensor, u: torch.Tensor, kind: str, quantity: str):
    """Reconstruction and KL ``[n]``, written anew with torch.distributions."""
    nothing = torch.ones(len(x), 1)
    mean, log_variance = model.encode(x, nothing)
    posterior = Normal(mean, (0.5 * log_variance).exp())
    divergence = kl_divergence(Independent(posterior, 1), Independent(Normal(0.0 * mean, 1.0), 1))
    z = draw(mean, log_variance, torch.Generator().manual_seed(1))
    planes = model.decoder(z, nothing)
    if kind.startswith("bce"):
        told = {"probs": planes[:, 0].sigmoid()} if kind == "bce" else {"logits": planes[:, 0]}
        return Bernoulli(**told, validate_args=False).log_prob(u).sum((1, 2)), divergence
    if quantity == "power":
        floor = 10**-4.5 if kind == "gaussian" else 0.01
        variance = floor + (planes[:, 1] - 3).exp() if kind == "gaussian" else torch.tensor(floor)
        return Normal(planes[:, 0], variance.sqrt()).log_prob(u).sum((1, 2)), divergence
    real, imaginary = (planes[:, 1], planes[:, 2]) if kind == "gaussian" else planes.unbind(1)
    variance = 10**-4.5 + planes[:, 0].exp() if kind == "gaussian" else torch.tensor(0.01)
    half = (variance / 2).sqrt()  # of each of the two parts
    nats = Normal(real, half).log_prob(x.real) + Normal(imaginary, half).log_prob(x.imag)
    return nats.sum((1, 2)), divergence


@pytest.mark.parametrize("quantity", ["complex", "power"])
@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_the_elbo_of_the_vae_is_that_of_torch_distributions(kind, quantity):
    if kind.startswith("bce") and quantity == "complex":
        pytest.skip("cross-entropy cannot take complex coefficients")
    u = digits()[:200]
    x = u.to(torch.complex64) if quantity == "complex" else from_unit(u, torch.zeros_like(u))
    model = vae(LIKELIHOODS[kind], quantity)
    terms = model.elbo(x, torch.zeros(len(x), 1), torch.Generator().manual_seed(1))
    nats, divergence = reference(
        model, x, to_unit(x) if quantity == "power" else u, kind, quantity
    )
    # 1e-4 a sample, or float32's seven digits where the likelihood runs to thousands of nats.
    torch.testing.assert_close(terms.reconstruction, nats, rtol=2e-7, atol=1e-4)
    torch.testing.assert_close(terms.kl, divergence, rtol=0, atol=1e-4)
    torch.testing.assert_close(terms.elbo, nats - divergence, rtol=2e-7, atol=1e-4)


def test_digits_are_learned():
    u = digits()
    x = from_unit(u, torch.zeros_like(u))
    model = vae(LIKELIHOODS["bce_logits"], "power")
    nothing = torch.ones(len(x), 1)

    @torch.no_grad()
    def look():
        return model.validate(x[1600:], nothing[1600:], torch.Generator().manual_seed(0))

    before = look()
    stage = Stage(
        "autoencoder",
        model,
        Optimisation(steps=120, batch=64, learning_rate=5e-3),
        1600,
        lambda rows, step, g: model.loss(x[rows], nothing[rows], g, step),
        lambda g: look(),
        0,
    )
    stage.run(lambda figures, validated: None)
    after = look()
    entropy = float(-Bernoulli(u.mean(0)).log_prob(u).sum((1, 2)).mean())
    assert after["loss"] < entropy < before["loss"]  # better than the mean image, which has no z
    assert after["active_latents"] > 0
