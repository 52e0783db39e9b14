"""The conditional variational autoencoder of registered channel maps."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from chanvae.config import MapNetwork, ModelConfig, PathLikelihood
from chanvae.models.likelihoods import BinLikelihood, Bins
from chanvae.models.paths import Paths, PathsFromPlanes
from chanvae.nn.decoder import MapDecoder, VectorDecoder
from chanvae.nn.encoder import MapEncoder, VectorEncoder
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import peak_bin


@dataclass(frozen=True)
class Elbo:
    """The terms of the evidence lower bound, in nats per realisation.

    Args:
        reconstruction: Expected log likelihood ``[n]``.
        kl: Divergence of the posterior from N(0, I) in closed form ``[n]``.
        kl_places: The same for each latent dimension, mean over the batch.
    """

    reconstruction: Tensor
    kl: Tensor
    kl_places: Tensor

    @property
    def elbo(self) -> Tensor:
        """Reconstruction less divergence ``[n]``."""
        return self.reconstruction - self.kl


class CVAE(nn.Module):
    """q(z | x, c) and p(x | z, c) over registered maps x; c holds conditions and pose.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network and likelihood.

    References:
        Kingma and Welling 2014, arXiv:1312.6114; Sohn, Lee and Yan 2015 (conditional).
    """

    def __init__(self, grid: AngleDelay, context: int, config: ModelConfig) -> None:
        super().__init__()
        axes = tuple(a for a, f in enumerate(grid.is_fourier) if f and grid.shape[a] > 1)
        self.likelihood: BinLikelihood | PathsFromPlanes
        if isinstance(config.likelihood, PathLikelihood):
            self.likelihood = PathsFromPlanes(grid, config.likelihood)
        else:
            self.likelihood = BinLikelihood(grid.shape, peak_bin(grid), axes, config.likelihood)
        network, planes = config.network, self.likelihood.planes
        if isinstance(network, MapNetwork):
            self.encoder: nn.Module = MapEncoder(grid, context, network)
            self.decoder: MapDecoder | VectorDecoder = MapDecoder(
                grid.shape, planes, context, network
            )
        else:
            self.encoder = VectorEncoder(grid, context, network)
            self.decoder = VectorDecoder(grid.shape, planes, context, network)
        self.dimensions = 2 * prod(grid.shape)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""
        return self.decoder.latent_shape

    def encode(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x, c), ``[n, *latent_shape]`` each."""
        mean, log_variance = self.encoder(x, context)
        return mean, log_variance.clamp(-12, 6)

    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Bins | Paths:
        """p(x | z, c), a distribution over complex maps ``[n, *grid.shape]``."""
        return self.likelihood(self.decoder(z, context), generator)

    def elbo(self, x: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Elbo:
        """One-sample estimate of the bound, with the divergence in closed form."""
        mean, log_variance = self.encode(x, context)
        z = draw(mean, log_variance, generator)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        return Elbo(
            reconstruction=self.decode(z, context, generator).log_prob(x),
            kl=kl.flatten(1).sum(1),
            kl_places=kl.mean(0),
        )


def draw(mean: Tensor, log_variance: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A reparameterised draw from a diagonal Gaussian."""
    noise = torch.randn(mean.shape, dtype=mean.dtype, device=mean.device, generator=generator)
    return mean + torch.exp(0.5 * log_variance) * noise
