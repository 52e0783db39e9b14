"""All that a fitted model needs to turn conditions into channels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chanvae.config import ModelConfig
from chanvae.models.context import Context
from chanvae.models.cvae import CVAE, draw
from chanvae.models.priors import LatentPrior, PosePrior
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose, register, unregister


@dataclass(frozen=True)
class Registered:
    """Training material: registered maps, the pose taken out of them, condition vectors.

    Args:
        x: Complex ``[n, *grid.shape]``.
        pose: Gain, phase and place ``[n]``.
        c: Condition vectors ``[n, conditions]``.
    """

    x: Tensor
    pose: Pose
    c: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index) -> "Registered":
        return Registered(self.x[index], self.pose[index], self.c[index])


class SiteModel(nn.Module):
    """Registration, autoencoder, context and prior of one site.

    Args:
        grid: Axes of the maps.
        conditions: Length of the condition vector.
        config: Which model.
        varying: Entries of the pose that vary; ``None`` before the pose prior is fitted.
    """

    def __init__(
        self, grid: AngleDelay, conditions: int, config: ModelConfig, varying: int | None = None
    ) -> None:
        super().__init__()
        self.grid = grid
        self.context = Context(grid, conditions)
        self.cvae = CVAE(grid, self.context.width, config)
        self.pose_prior = PosePrior(len(grid.shape), conditions, varying)
        self.latent_prior = LatentPrior(self.cvae.latent_shape, self.context.width, config.prior)

    def register(self, h: Tensor) -> tuple[Tensor, Pose]:
        """Channels ``[n, rx, tx, time, freq]`` to registered maps and poses."""
        return register(self.grid.unfold(h), self.grid)

    @torch.no_grad()
    def posterior(self, data: Registered, generator: torch.Generator | None = None) -> Tensor:
        """A draw of the latent of each realisation ``[n, *latent_shape]``."""
        mean, log_variance = self.cvae.encode(data.x, self.context(data.c, data.pose))
        return draw(mean, log_variance, generator)

    @torch.no_grad()
    def draw(self, c: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Channels for condition vectors: ``[n, conditions]`` to ``[n, rx, tx, time, freq]``."""
        pose = self.pose_prior.sample(c, generator)
        context = self.context(c, pose)
        z = self.latent_prior.sample(context, generator)
        return self.restore(self.cvae.decode(z, context).sample(generator), pose)

    def restore(self, x: Tensor, pose: Pose) -> Tensor:
        """Drawn maps and poses to channels whose gain is the pose's exactly."""
        power = x.abs().square().flatten(1).mean(1)
        x = x / power.sqrt().reshape(-1, *[1] * len(self.grid.shape))
        return self.grid.fold(unregister(x, pose, self.grid))
