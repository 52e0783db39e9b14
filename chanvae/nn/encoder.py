"""Networks from a registered map to what is said of its latent, such as mean and log variance."""

from math import prod

import torch
from torch import Tensor, nn

from chanvae.config import MapNetwork, VectorNetwork
from chanvae.nn.blocks import Patches, Trunk, convolution
from chanvae.nn.sight import Sight
from chanvae.transforms.angle_delay import AngleDelay


class MapEncoder(nn.Module):
    """Patches, residual blocks, ``parts`` latents at each place: ``[n, latent, *coarse]``.

    A learned map says where each place is, and the mean over all places is told to each: so a
    latent can hold what only the whole map says, such as its spreads.
    """

    def __init__(self, grid: AngleDelay, context: int, config: MapNetwork, parts: int = 2) -> None:
        super().__init__()
        self.parts = parts
        self.sight = Sight(grid)
        self.patches = Patches(grid.shape, config.patch)
        axes = len(self.patches.coarse)
        self.first = convolution(axes, self.patches.features(self.sight.planes), config.width)
        self.place = nn.Parameter(0.02 * torch.randn(config.width, *self.patches.coarse))
        self.trunk = Trunk(axes, config.width, context, config.encoder_blocks, pooled=True)
        self.last = convolution(axes, config.width, parts * config.latent)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """Registered maps, complex ``[n, *shape]``, and context ``[n, context]``."""
        y = self.first(self.patches.cut(self.sight(x))) + self.place
        y = self.trunk(y, context)
        return self.last(y).chunk(self.parts, dim=1)


class VectorEncoder(nn.Module):
    """Patches, residual blocks, ``parts`` latent vectors for the whole map: ``[n, latent]``."""

    def __init__(
        self, grid: AngleDelay, context: int, config: VectorNetwork, parts: int = 2
    ) -> None:
        super().__init__()
        self.parts = parts
        self.sight = Sight(grid)
        self.patches = Patches(grid.shape, config.patch)
        axes = len(self.patches.coarse)
        self.first = convolution(axes, self.patches.features(self.sight.planes), config.width)
        self.trunk = Trunk(axes, config.width, context, config.encoder_blocks or config.blocks)
        places = config.width * prod(self.patches.coarse)
        self.last = nn.Linear(places + context, parts * config.latent)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, ...]:
        """Registered maps, complex ``[n, *shape]``, and context ``[n, context]``."""
        y = self.trunk(self.first(self.patches.cut(self.sight(x))), context)
        flat = torch.cat([nn.functional.silu(y).flatten(1), context], dim=1)
        return self.last(flat).chunk(self.parts, dim=1)
