"""Networks from a latent to the planes that parametrise a likelihood."""

from math import prod

import torch
from torch import Tensor, nn

from chanvae.config import MapNetwork, VectorNetwork
from chanvae.nn.blocks import convolution, Modulated, Patches, perceptron


class MapDecoder(nn.Module):
    """The encoder mirrored, with a learned map that says where each place is."""

    def __init__(
        self, shape: tuple[int, ...], planes: int, context: int, config: MapNetwork
    ) -> None:
        super().__init__()
        self.planes = planes
        self.patches = Patches(shape, config.patch)
        coarse = self.patches.coarse
        self.latent_shape = (config.latent, *coarse)
        self.first = convolution(len(coarse), config.latent, config.width)
        self.place = nn.Parameter(0.02 * torch.randn(config.width, *coarse))
        self.blocks = nn.ModuleList(
            Modulated(len(coarse), config.width, context) for _ in range(config.decoder_blocks)
        )
        self.last = convolution(len(coarse), config.width, self.patches.features(planes))

    def forward(self, z: Tensor, context: Tensor) -> Tensor:
        """Latents ``[n, *latent_shape]`` to planes ``[n, planes, *shape]``."""
        y = self.first(z) + self.place
        for block in self.blocks:
            y = block(y, context)
        return self.patches.join(self.last(y), self.planes)


class VectorDecoder(nn.Module):
    """A perceptron to the whole map."""

    def __init__(
        self, shape: tuple[int, ...], planes: int, context: int, config: VectorNetwork
    ) -> None:
        super().__init__()
        self.shape = (planes, *shape)
        self.latent_shape = (config.latent,)
        self.net = perceptron(
            config.latent + context, config.width, config.layers, planes * prod(shape)
        )

    def forward(self, z: Tensor, context: Tensor) -> Tensor:
        """Latents ``[n, latent]`` to planes ``[n, planes, *shape]``."""
        return self.net(torch.cat([z, context], dim=1)).unflatten(1, self.shape)
