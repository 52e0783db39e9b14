"""Flow matching of the registered maps themselves."""

import torch
from torch import Tensor

from chanvae.config import FlowMatchingConfig, FlowMatchingPrior
from chanvae.models.maps import Drawn, MapModel, Terms
from chanvae.models.priors import LatentPrior
from chanvae.nn.blocks import Patches
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.pack import pack, unpack


class FlowMatching(MapModel):
    """Noise led to maps along straight paths, by the network of the default's prior.

    Maps are cut into patches, whose bins are the channels of the network, each at unit scale.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: How large, and in how many steps.

    References:
        Lipman et al. 2023, arXiv:2210.02747.
    """

    def __init__(self, grid: AngleDelay, context: int, config: FlowMatchingConfig) -> None:
        super().__init__()
        self.patches = Patches(grid.shape, config.patch)
        size = FlowMatchingPrior(
            width=config.width, blocks=config.blocks, midpoint_steps=config.midpoint_steps
        )
        shape = (self.patches.features(2), *self.patches.coarse)
        self.flow = LatentPrior(shape, context, size, grid, self.patches)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the noise, which is that of the patches."""
        return self.flow.latent_shape

    @property
    def prepared(self) -> bool:
        """Always."""
        return True

    def prepare(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Learn mean and scale of each bin of a patch."""
        self.flow.fit_scale(self.patches.cut(pack(x)))

    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Drawn:
        """Where the paths end that start at the noise ``z``."""
        patches = self.flow.center + self.flow.scale * self.flow.end(z, context)
        return Drawn(unpack(self.patches.join(patches, 2)))

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """Squared error of the velocity, mean over a map ``[n]``."""
        return {"loss": self.flow.loss(self.patches.cut(pack(x)), context, generator)}
