"""Autoencoders whose codes have no width: plain, denoising and sparse.

They reconstruct and promise nothing about the codes, so as generators they are only as good as
the density that is fitted on the codes afterwards.
"""

from math import prod

import torch
from torch import Tensor

from chanvae.config import DenoisingConfig, SparseConfig
from chanvae.models.cvae import CVAE, Elbo
from chanvae.models.maps import Terms
from chanvae.transforms.angle_delay import AngleDelay

CERTAIN = -60.0
"""Log variance of a code that has no width."""


class Autoencoder(CVAE):
    """A code z(x, c) and p(x | z, c), trained for the likelihood of what was encoded.

    References:
        Hinton and Salakhutdinov 2006 (Science 313).
    """

    parts = 1

    def code(self, x: Tensor, context: Tensor) -> Tensor:
        """Codes ``[n, *latent_shape]``."""
        (code,) = self.encoder(x.abs().to(x.dtype) if self.power else x, self.told(context))
        return code

    def encode(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Codes and a log variance that means none, ``[n, *latent_shape]`` each."""
        code = self.code(x, context)
        return code, torch.full_like(code, CERTAIN)

    def elbo(self, x: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Elbo:
        """Log likelihood of maps given their codes; no divergence."""
        return self._rebuilt(x, self.code(x, context), context, generator)

    def _rebuilt(
        self, x: Tensor, z: Tensor, context: Tensor, generator: torch.Generator | None
    ) -> Elbo:
        reconstruction = self.decode(z, context, generator).log_prob(x)
        return Elbo(reconstruction, torch.zeros_like(reconstruction), z.new_zeros(0))


class Denoising(Autoencoder):
    """The same, shown each map with noise and asked for the map without.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network, likelihood and noise.

    References:
        Vincent et al. 2008 (ICML).
    """

    def __init__(self, grid: AngleDelay, context: int, config: DenoisingConfig) -> None:
        super().__init__(grid, context, config)
        self.noise = 10 ** (config.noise_db / 20)

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """Negative log likelihood of the map without noise, per real dimension."""
        noise = torch.randn(x.shape, dtype=x.dtype, device=x.device, generator=generator)
        z = self.code(x + self.noise * noise, context)
        terms = self._rebuilt(x, z, context, generator)
        total = -terms.reconstruction / self.dimensions
        return {"loss": total, "reconstruction": terms.reconstruction, "kl": terms.kl}


class Sparse(Autoencoder):
    """The same with codes of few entries: the largest of each code, all others 0.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network, likelihood and share of entries.

    References:
        Makhzani and Frey 2014, arXiv:1312.5663 (k-sparse autoencoders).
    """

    def __init__(self, grid: AngleDelay, context: int, config: SparseConfig) -> None:
        super().__init__(grid, context, config)
        self.kept = max(round(config.share * prod(self.latent_shape)), 1)

    def code(self, x: Tensor, context: Tensor) -> Tensor:
        """Codes ``[n, *latent_shape]`` with as many entries as are kept."""
        code = super().code(x, context)
        size = code.detach().abs().flatten(1)
        largest = torch.zeros_like(size).scatter(1, size.topk(self.kept, dim=1).indices, 1.0)
        return code * largest.reshape(code.shape)
