"""Networks from a registered map to the mean and log variance of its latent."""

from math import prod

import torch
from torch import Tensor, nn

from chanvae.config import MapNetwork, VectorNetwork
from chanvae.nn.blocks import convolution, Modulated, Patches, log_planes, perceptron


class MapEncoder(nn.Module):
    """Patches, residual blocks, a latent vector at each place: ``[n, latent, *coarse]``."""

    def __init__(self, shape: tuple[int, ...], context: int, config: MapNetwork) -> None:
        super().__init__()
        self.patches = Patches(shape, config.patch)
        axes = len(self.patches.coarse)
        self.first = convolution(axes, self.patches.features(3), config.width)
        self.blocks = nn.ModuleList(
            Modulated(axes, config.width, context) for _ in range(config.encoder_blocks)
        )
        self.last = convolution(axes, config.width, 2 * config.latent)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Registered maps, complex ``[n, *shape]``, and context ``[n, context]``."""
        y = self.first(self.patches.cut(log_planes(x)))
        for block in self.blocks:
            y = block(y, context)
        mean, log_variance = self.last(y).chunk(2, dim=1)
        return mean, log_variance


class VectorEncoder(nn.Module):
    """A perceptron on the whole map: ``[n, latent]``."""

    def __init__(self, shape: tuple[int, ...], context: int, config: VectorNetwork) -> None:
        super().__init__()
        self.net = perceptron(
            3 * prod(shape) + context, config.width, config.layers, 2 * config.latent
        )

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Registered maps, complex ``[n, *shape]``, and context ``[n, context]``."""
        y = self.net(torch.cat([log_planes(x).flatten(1), context], dim=1))
        mean, log_variance = y.chunk(2, dim=1)
        return mean, log_variance
