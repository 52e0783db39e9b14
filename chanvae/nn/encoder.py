"""Networks from a registered map to the mean and log variance of its latent."""

from math import prod

import torch
from torch import Tensor, nn

from chanvae.config import MapNetwork, VectorNetwork
from chanvae.nn.blocks import Patches, Trunk, convolution
from chanvae.nn.sight import Sight
from chanvae.transforms.angle_delay import AngleDelay


class MapEncoder(nn.Module):
    """Patches, residual blocks, a latent vector at each place: ``[n, latent, *coarse]``."""

    def __init__(self, grid: AngleDelay, context: int, config: MapNetwork) -> None:
        super().__init__()
        self.sight = Sight(grid)
        self.patches = Patches(grid.shape, config.patch)
        axes = len(self.patches.coarse)
        self.first = convolution(axes, self.patches.features(self.sight.planes), config.width)
        self.trunk = Trunk(axes, config.width, context, config.encoder_blocks)
        self.last = convolution(axes, config.width, 2 * config.latent)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Registered maps, complex ``[n, *shape]``, and context ``[n, context]``."""
        y = self.trunk(self.first(self.patches.cut(self.sight(x))), context)
        mean, log_variance = self.last(y).chunk(2, dim=1)
        return mean, log_variance


class VectorEncoder(nn.Module):
    """Patches, residual blocks, one latent vector for the whole map: ``[n, latent]``."""

    def __init__(self, grid: AngleDelay, context: int, config: VectorNetwork) -> None:
        super().__init__()
        self.sight = Sight(grid)
        self.patches = Patches(grid.shape, config.patch)
        axes = len(self.patches.coarse)
        self.first = convolution(axes, self.patches.features(self.sight.planes), config.width)
        self.trunk = Trunk(axes, config.width, context, config.blocks)
        places = config.width * prod(self.patches.coarse)
        self.last = nn.Linear(places + context, 2 * config.latent)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Registered maps, complex ``[n, *shape]``, and context ``[n, context]``."""
        y = self.trunk(self.first(self.patches.cut(self.sight(x))), context)
        flat = torch.cat([nn.functional.silu(y).flatten(1), context], dim=1)
        mean, log_variance = self.last(flat).chunk(2, dim=1)
        return mean, log_variance
