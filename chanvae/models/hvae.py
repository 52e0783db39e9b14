"""The hierarchical VAE: two levels of latents, inferred and drawn from the top down."""

from dataclasses import dataclass

import torch
from torch import Tensor

from chanvae.config import HvaeConfig, VectorNetwork
from chanvae.models.cvae import CVAE, Elbo, draw
from chanvae.models.maps import MapDistribution
from chanvae.nn.decoder import VectorDecoder
from chanvae.nn.encoder import VectorEncoder
from chanvae.transforms.angle_delay import AngleDelay


@dataclass(frozen=True)
class Level:
    """p(x | z2, c): draws pass through the lower latent, whose density is not integrated.

    Args:
        model: The networks.
        top: Upper latents ``[n, top]``.
        context: What the networks are told ``[n, width]``.
    """

    model: "HVAE"
    top: Tensor
    context: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        mean, log_variance = self.model.below(self.top, self.context)
        z = draw(mean, log_variance, generator)
        return self.model.maps(z, self.top, self.context, None).sample(generator)


class HVAE(CVAE):
    r"""p(z2) p(z1 | z2, c) p(x | z1, z2, c), with q(z2 | x, c) q(z1 | x, z2, c).

    The lower posterior is told relative to the lower prior: mean :math:`\mu + \sigma\,\Delta` and
    variance :math:`\sigma^2 e^\delta`, so that a latent that says nothing costs nothing.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network of the lower level, likelihood, length of the upper latent.

    References:
        Sønderby et al. 2016, arXiv:1602.02282; Vahdat and Kautz 2020, arXiv:2007.03898 (equation
        3: the relative posterior).
    """

    def __init__(self, grid: AngleDelay, context: int, config: HvaeConfig) -> None:
        super().__init__(grid, context + config.top, config)
        network = config.network
        self.lower_shape = self.decoder.latent_shape
        channels, *coarse = self.lower_shape
        upper = VectorNetwork(latent=config.top, width=network.width, patch=network.patch)
        self.top = VectorEncoder(grid, context, upper)
        whole = upper.model_copy(update={"patch": 1})
        self.prior = VectorDecoder(tuple(coarse) or (1,), 2 * channels, context, whole)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of an upper latent."""
        return self.prior.latent_shape

    def encode(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z2 | x, c), ``[n, top]`` each."""
        mean, log_variance = self.top(x.abs().to(x.dtype) if self.power else x, context)
        return mean, log_variance.clamp(-12, 6)

    def below(self, top: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of p(z1 | z2, c), ``[n, *lower_shape]`` each."""
        planes = self.prior(top, context).reshape(len(top), 2, *self.lower_shape)
        return planes[:, 0], planes[:, 1].clamp(-6, 3)

    def maps(
        self, z: Tensor, top: Tensor, context: Tensor, generator: torch.Generator | None
    ) -> MapDistribution:
        """p(x | z1, z2, c)."""
        told = torch.cat([context, top], dim=1)
        return self.likelihood(self.decoder(z, told), generator, told)

    def decode(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Level:
        """p(x | z2, c), to be drawn from; its density is an integral over the lower latent."""
        return Level(self, z, context)

    def elbo(self, x: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Elbo:
        """One-sample estimate of the bound; both divergences in closed form, given z2."""
        mean, log_variance = self.encode(x, context)
        top = draw(mean, log_variance, generator)
        upper = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        told = torch.cat([context, top], dim=1)
        center, spread = self.below(top, context)
        moved, widened = self.encoder(x.abs().to(x.dtype) if self.power else x, told)
        widened = widened.clamp(-12, 6)
        lower = 0.5 * (moved.square() + widened.exp() - 1 - widened)
        z = draw(center + torch.exp(0.5 * spread) * moved, spread + widened, generator)
        kl = torch.cat([upper, lower.flatten(1)], dim=1)
        return Elbo(
            reconstruction=self.maps(z, top, context, generator).log_prob(x),
            kl=kl.sum(1),
            kl_places=kl.mean(0),
        )
