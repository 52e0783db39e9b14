"""The simpler priors of latents: N(0, I), a mixture, a spline flow, and the VampPrior to draw."""

import warnings
from math import prod

import torch
import zuko
from torch import Tensor, nn

from chanvae.config import (
    AnyPrior,
    CodePrior,
    FlowMatchingPrior,
    MixturePrior,
    SplinePrior,
)
from chanvae.errors import DataError
from chanvae.models.codes import Codes
from chanvae.models.cvae import CVAE
from chanvae.models.maps import MapModel
from chanvae.models.priors import LatentPrior, Prior
from chanvae.models.vamp import mixture_log_prob, mixture_sample
from chanvae.models.vqvae import VQVAE
from chanvae.nn.blocks import perceptron
from chanvae.transforms.angle_delay import AngleDelay

EM = 10_000
"""Latents that the components of a mixture are fitted on, at most."""


class Standard(Prior):
    """N(0, I): nothing to fit."""

    def fit_scale(self, z: Tensor) -> None:
        """Nothing: the bound was trained towards this prior."""

    def loss(self, z: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Negative log density in nats ``[n]``."""
        standard = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
        return -standard.log_prob(z).flatten(1).sum(1)

    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]``."""
        return torch.randn(
            len(context), *self.latent_shape, device=context.device, generator=generator
        )


class Mixture(Prior):
    """Gaussians fitted by expectation maximisation, their weights then learned given a context.

    Args:
        latent_shape: Shape of one latent.
        context: Length of the context vector.
        config: How many components.
    """

    mean: Tensor
    log_variance: Tensor

    def __init__(self, latent_shape: tuple[int, ...], context: int, config: MixturePrior) -> None:
        super().__init__(latent_shape)
        size = (config.components, *latent_shape)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("log_variance", torch.zeros(size))
        self.weights = perceptron(context, 64, 1, config.components)

    def fit_scale(self, z: Tensor) -> None:
        """Fit the components to latents ``[n, *latent_shape]``."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        super().fit_scale(z)
        rows = torch.arange(0, len(z), max(len(z) // EM, 1))
        flat = ((z - self.center) / self.scale)[rows].flatten(1).double().cpu().numpy()
        count = len(self.mean)
        if len(flat) < count:
            raise DataError(
                f"model.prior.components = {count}: more than the {len(flat)} training "
                "realisations; ask for fewer"
            )
        mixture = GaussianMixture(
            count, covariance_type="diag", reg_covar=1e-4, max_iter=30, random_state=0
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the weights are learned anew
            mixture.fit(flat)
        self.mean.copy_(torch.as_tensor(mixture.means_).reshape(self.mean.shape))
        spread = torch.as_tensor(mixture.covariances_).log()
        self.log_variance.copy_(spread.reshape(self.mean.shape))

    def loss(self, z: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Negative log density of standardised latents in nats ``[n]``."""
        z = (z - self.center) / self.scale
        return -mixture_log_prob(z, self.weights(context), self.mean, self.log_variance)

    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]``."""
        z = mixture_sample(self.weights(context), self.mean, self.log_variance, generator)
        return self.center + self.scale * z


class Spline(Prior):
    """A conditional neural spline flow over the latents, laid out as one vector.

    Args:
        latent_shape: Shape of one latent.
        context: Length of the context vector.
        config: How large.

    References:
        Durkan et al. 2019, arXiv:1906.04032.
    """

    def __init__(self, latent_shape: tuple[int, ...], context: int, config: SplinePrior) -> None:
        super().__init__(latent_shape)
        size = prod(latent_shape)
        self.flow = zuko.flows.NSF(
            size,
            context,
            transforms=config.transforms,
            passes=min(2, size),
            hidden_features=(config.hidden, config.hidden),
            activation=nn.SiLU,
        )

    def loss(self, z: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Negative log density of standardised latents in nats ``[n]``."""
        return -self.flow(context).log_prob(((z - self.center) / self.scale).flatten(1))

    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]``."""
        size = (len(context), prod(self.latent_shape))
        noise = torch.randn(size, device=context.device, generator=generator)
        z = self.flow(context).transform.inv(noise).unflatten(1, self.latent_shape)
        return self.center + self.scale * z


class FromVamp(Standard):
    """Draws from the VampPrior that a model was trained with.

    Args:
        model: The model; it keeps the weights.
    """

    def __init__(self, model: CVAE) -> None:
        super().__init__(model.latent_shape)
        self._model = (model,)  # in a tuple, so that its weights are not counted twice

    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]``."""
        (model,) = self._model
        if model.vamp is None:
            raise DataError("the model was not trained with a VampPrior")
        logits = model.vamp.weights(model.told(context))
        return mixture_sample(logits, *model.vamp.components(model.encode), generator)


def prior_of(
    grid: AngleDelay, model: MapModel, context: int, config: AnyPrior | CodePrior | None
) -> Prior:
    """The prior that a configuration means, for the latents of a model; none: N(0, I)."""
    shape = model.latent_shape
    if isinstance(config, FlowMatchingPrior):
        patches = model.decoder.patches if isinstance(model, CVAE) else None
        return LatentPrior(shape, context, config, grid, patches if len(shape) > 1 else None)
    if isinstance(config, SplinePrior):
        return Spline(shape, context, config)
    if isinstance(config, MixturePrior):
        return Mixture(shape, context, config)
    if isinstance(config, CodePrior) and isinstance(model, VQVAE):
        return Codes(model, context, config)
    if isinstance(model, CVAE) and model.vamp is not None:
        return FromVamp(model)
    return Standard(shape)
