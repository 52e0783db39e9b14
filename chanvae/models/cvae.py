"""The conditional variational autoencoder of registered channel maps."""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from chanvae.config import (
    CrossEntropyLikelihood,
    LatentModel,
    MapNetwork,
    PathLikelihood,
    SquaredErrorLikelihood,
    VampPrior,
)
from chanvae.models.context import labels
from chanvae.models.likelihoods import BinLikelihood
from chanvae.models.maps import MapDistribution, MapModel, Terms
from chanvae.models.path_planes import PathsFromPlanes
from chanvae.models.plain import PowerLikelihood, SquaredError
from chanvae.models.vamp import Vamp
from chanvae.nn.decoder import MapDecoder, VectorDecoder
from chanvae.nn.encoder import MapEncoder, VectorEncoder
from chanvae.seeds import parted
from chanvae.together import in_turns, of_first, overall
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import peak_bin

ACTIVE = 0.01
"""A latent whose divergence is above this many nats is active (Burda et al. 2016)."""
_BATCH = 256

Likelihood = BinLikelihood | PathsFromPlanes | SquaredError | PowerLikelihood


@dataclass(frozen=True)
class Elbo:
    """The terms of the evidence lower bound, in nats per realisation.

    Args:
        reconstruction: Expected log likelihood ``[n]``.
        kl: Divergence of the posterior from the prior of the bound ``[n]``: from N(0, I) in
            closed form, else of the draw.
        kl_places: The same for each latent dimension, mean over the batch; empty for a code of
            no width.
        mean: Mean of the posterior ``[n, *latent_shape]``, where conditions are read from it.
    """

    reconstruction: Tensor
    kl: Tensor
    kl_places: Tensor
    mean: Tensor | None = None

    @property
    def elbo(self) -> Tensor:
        """Reconstruction less divergence ``[n]``."""
        return self.reconstruction - self.kl


class CVAE(MapModel):
    """q(z | x, c) and p(x | z, c) over registered maps x; c holds conditions and pose.

    With ``config.reading``, q is told the pose only, and what a linear layer misses of the
    conditions in its mean is added to the loss: so latents say what a channel without labels is
    like, and lie where the conditions say.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network and likelihood.

    References:
        Kingma and Welling 2014, arXiv:1312.6114; Sohn, Lee and Yan 2015 (conditional).
    """

    parts = 2
    """What the encoder says of each latent."""

    def __init__(self, grid: AngleDelay, context: int, config: LatentModel) -> None:
        super().__init__()
        self.likelihood: Likelihood = likelihood_of(grid, config)
        self.power = config.quantity == "power"
        self.beta: float = getattr(config, "beta", 1.0)
        network, planes = config.network, self.likelihood.planes
        if isinstance(network, MapNetwork):
            self.encoder: MapEncoder | VectorEncoder = MapEncoder(
                grid, context, network, self.parts
            )
            self.decoder: MapDecoder | VectorDecoder = MapDecoder(grid, planes, context, network)
        else:
            self.encoder = VectorEncoder(grid, context, network, self.parts)
            self.decoder = VectorDecoder(grid.shape, planes, context, network, grid)
        self.dimensions = (1 if self.power else 2) * prod(grid.shape)
        self.labels = labels(grid, context)
        self.reading: float = getattr(config, "reading", 0.0)
        read = self.labels.stop - self.labels.start if self.reading else 0
        self.reader = nn.Linear(prod(self.latent_shape), read) if read else None
        prior = getattr(config, "prior", None)
        self.vamp = None
        if isinstance(prior, VampPrior):
            self.vamp = Vamp(grid.shape, context, prior.pseudo_inputs)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self.decoder.latent_shape

    def told(self, context: Tensor) -> Tensor:
        """What the networks are told of a context."""
        return context

    def encode(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x, c), ``[n, *latent_shape]`` each.

        Where conditions are to be read from latents, the encoder is told the pose only.
        """
        seen = x.abs().to(x.dtype) if self.power else x
        told = self.told(context)
        if self.reader is not None:
            told = told.clone()
            told[:, self.labels] = 0.0
        mean, log_variance = self.encoder(seen, told)
        return mean, log_variance.clamp(-12, 6)

    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> MapDistribution:
        """p(x | z, c), a distribution over complex maps ``[n, *grid.shape]``."""
        told = self.told(context)
        return self.likelihood(self.decoder(z, told), generator, told)

    def elbo(self, x: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Elbo:
        """One-sample estimate of the bound, with the divergence in closed form where there is."""
        mean, log_variance = self.encode(x, context)
        z = draw(mean, log_variance, generator)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        reconstruction = self.decode(z, context, generator).log_prob(x)
        if self.vamp is None:
            return Elbo(reconstruction, kl.flatten(1).sum(1), kl.mean(0), mean)
        posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
        evidence = posterior.log_prob(z).flatten(1).sum(1)
        against = evidence - self.vamp.log_prob(z, self.told(context), self.encode)
        return Elbo(reconstruction, against, self.vamp.held(mean, log_variance), mean)

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """The negative bound per real dimension of a map; arguments as in the interface."""
        terms = self.elbo(x, context, generator)
        penalty = overall(terms.kl_places).clamp(min=free).sum() if free else terms.kl
        total = (weight * self.beta * penalty - terms.reconstruction) / self.dimensions
        found = {"loss": total, "reconstruction": terms.reconstruction, "kl": terms.kl}
        if self.reader is None or terms.mean is None:
            return found
        missed = self.reader(terms.mean.flatten(1)) - context[:, self.labels]
        found["unread"] = missed.square().mean(1)
        return found | {"loss": total + self.reading * found["unread"]}

    def validate(self, x: Tensor, context: Tensor, generator: torch.Generator) -> dict[str, Any]:
        """The bound, its terms, and how much each latent holds, in nats."""
        maps, told = x.split(_BATCH), context.split(_BATCH)
        chances, shape = parted(generator, len(maps)), []

        def look(k: int) -> Tensor:
            found = self.elbo(maps[k], told[k], chances[k])
            shape[:] = found.kl_places.shape
            places = found.kl_places.flatten().expand(len(maps[k]), -1)
            terms = torch.stack([found.reconstruction, found.kl], 1)
            return torch.cat([terms, places], 1).double()

        seen = in_turns([len(part) for part in maps], look, x.device).mean(0)
        reconstruction, kl = seen[:2].tolist()
        places = seen[2:].reshape(of_first(lambda: shape))
        figures = {"loss": kl - reconstruction, "reconstruction": reconstruction, "kl": kl}
        if not places.numel():
            return figures
        held = places.flatten(1).sum(1) if places.ndim > 1 else places
        return figures | {
            "active_latents": float((places > ACTIVE).sum()),
            "latents": float(places.numel()),
            "kl_latents": [round(float(nats), 4) for nats in held],
        }

    @property
    def prepared(self) -> bool:
        """Where pseudo-inputs are to start at training maps."""
        return self.vamp is not None

    def prepare(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Start pseudo-inputs at training maps."""
        if self.vamp is not None:
            self.vamp.start(x, self.told(context), seed)


def likelihood_of(grid: AngleDelay, config: LatentModel) -> Likelihood:
    """The likelihood that a configuration means, for maps of a grid."""
    likelihood = config.likelihood
    if isinstance(likelihood, PathLikelihood):
        return PathsFromPlanes(grid, likelihood)
    if isinstance(likelihood, CrossEntropyLikelihood):
        return PowerLikelihood(likelihood)
    if config.quantity == "power" and likelihood.kind != "neighbours":
        return PowerLikelihood(likelihood)
    if isinstance(likelihood, SquaredErrorLikelihood):
        return SquaredError(likelihood)
    axes = tuple(a for a, f in enumerate(grid.is_fourier) if f and grid.shape[a] > 1)
    return BinLikelihood(grid.shape, peak_bin(grid), axes, likelihood)


def draw(mean: Tensor, log_variance: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A reparameterised draw from a diagonal Gaussian."""
    noise = torch.randn(mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
    return mean + torch.exp(0.5 * log_variance) * noise
