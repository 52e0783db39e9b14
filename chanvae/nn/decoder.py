"""Networks from a latent to the planes that parametrise a likelihood."""

from math import prod

import torch
from torch import Tensor, nn

from chanvae.config import MapNetwork, VectorNetwork
from chanvae.nn.blocks import Patches, Trunk, convolution, perceptron
from chanvae.nn.whereabouts import Whereabouts
from chanvae.transforms.angle_delay import AngleDelay


class MapDecoder(nn.Module):
    """The encoder mirrored, with a learned map that says where each place is."""

    def __init__(self, grid: AngleDelay, planes: int, context: int, config: MapNetwork) -> None:
        super().__init__()
        self.planes = planes
        self.patches = Patches(grid.shape, config.patch)
        coarse = self.patches.coarse
        self.latent_shape: tuple[int, ...] = (config.latent, *coarse)
        self.first = convolution(len(coarse), config.latent, config.width)
        self.place = nn.Parameter(0.02 * torch.randn(config.width, *coarse))
        self.whereabouts = Whereabouts(grid, self.patches, config.width, context)
        self.trunk = Trunk(len(coarse), config.width, context, config.decoder_blocks)
        self.last = convolution(len(coarse), config.width, self.patches.features(planes))

    def forward(self, z: Tensor, context: Tensor) -> Tensor:
        """Latents ``[n, *latent_shape]`` to planes ``[n, planes, *shape]``."""
        y = self.first(z) + self.place + self.whereabouts(context)
        y = self.trunk(y, context)
        return self.patches.join(self.last(y), self.planes)


class VectorDecoder(nn.Module):
    """A latent vector unfolded over the coarse map, then the same residual blocks."""

    def __init__(
        self,
        shape: tuple[int, ...],
        planes: int,
        context: int,
        config: VectorNetwork,
        grid: AngleDelay | None = None,
    ) -> None:
        super().__init__()
        self.planes = planes
        self.patches = Patches(shape, config.patch)
        self.whereabouts = None
        if grid is not None:
            self.whereabouts = Whereabouts(grid, self.patches, config.width, context)
        coarse = self.patches.coarse
        self.latent_shape: tuple[int, ...] = (config.latent,)
        self.coarse = (config.width, *coarse)
        self.first = perceptron(config.latent + context, config.hidden, 1, prod(self.coarse))
        self.trunk = Trunk(len(coarse), config.width, context, config.blocks)
        self.last = convolution(len(coarse), config.width, self.patches.features(planes))

    def forward(self, z: Tensor, context: Tensor) -> Tensor:
        """Latents ``[n, latent]`` to planes ``[n, planes, *shape]``."""
        y = self.first(torch.cat([z, context], dim=1)).unflatten(1, self.coarse)
        if self.whereabouts is not None:
            y = y + self.whereabouts(context)
        return self.patches.join(self.last(self.trunk(y, context)), self.planes)
