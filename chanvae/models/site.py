"""All that a fitted model needs to turn conditions into channels."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from chanvae.config import AnyModel
from chanvae.models.context import Context
from chanvae.models.cvae import draw
from chanvae.models.densities import prior_of
from chanvae.models.family import model_of
from chanvae.models.priors import TOGETHER, PosePrior
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose, register, unregister

KNOTS = 21
"""Knots of the map from conditions held to conditions told."""


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

    The calibration sets what is left: ``tilt`` weights drawn maps by delay ``[delays]``; where
    the data hold conditions ``held``, the networks are told ``told``, ``[conditions, knots]``.
    """

    tilt: Tensor
    held: Tensor
    told: Tensor

    def __init__(
        self, grid: AngleDelay, conditions: int, config: AnyModel, varying: int | None = None
    ) -> None:
        super().__init__()
        self.grid = grid
        self.context = Context(grid, conditions)
        self.cvae = model_of(grid, self.context.width, config)
        self.pose_prior = PosePrior(len(grid.shape), conditions, varying)
        self.latent_prior = prior_of(self.cvae, self.context.width, getattr(config, "prior", None))
        self.register_buffer("tilt", torch.ones(grid.shape[-1]))
        knots = torch.linspace(-4, 4, KNOTS, dtype=torch.float64)
        self.register_buffer("held", knots.expand(conditions, -1).clone())
        self.register_buffer("told", knots.expand(conditions, -1).clone())

    def register(self, h: Tensor) -> tuple[Tensor, Pose]:
        """Channels ``[n, rx, tx, time, freq]`` to registered maps and poses."""
        return register(self.grid.unfold(h), self.grid)

    @torch.no_grad()
    def posterior(self, data: Registered, generator: torch.Generator | None = None) -> Tensor:
        """A draw of the latent of each realisation ``[n, *latent_shape]``."""
        mean, log_variance = self.cvae.encode(data.x, self.context(data.c, data.pose))
        return draw(mean, log_variance, generator)

    @torch.no_grad()
    def draw(
        self, c: Tensor, generator: torch.Generator | None = None, asked: Tensor | None = None
    ) -> Tensor:
        """Channels for condition vectors: ``[n, conditions]`` to ``[n, rx, tx, time, freq]``.

        Args:
            c: Condition vectors.
            generator: What is drawn from.
            asked: Entries of the vectors that somebody asked for, ``[conditions]``: they are to
                be right on average. The others stand for the data, and are to be distributed
                as in the data once they are drawn.
        """
        x, pose = self.draw_maps(c, generator, asked)
        return torch.cat([self.restore(x[rows], pose[rows]) for rows in _parts(len(c))])

    @torch.no_grad()
    def draw_maps(
        self, c: Tensor, generator: torch.Generator | None = None, asked: Tensor | None = None
    ) -> tuple[Tensor, Pose]:
        """Registered maps ``[n, *grid.shape]`` and poses; arguments as for :meth:`draw`."""
        pose = self.pose_prior.sample(c, generator)
        context = self.context(self.tell(c, asked), pose)
        z = self.latent_prior.sample(context, generator)
        maps = [
            self.cvae.decode(z[rows], context[rows]).sample(generator) for rows in _parts(len(c))
        ]
        return torch.cat(maps) * self.tilt, pose

    def tell(self, c: Tensor, asked: Tensor | None = None) -> Tensor:
        """What the networks are told for condition vectors ``[n, conditions]``."""
        values = c.T.contiguous().double()
        right = torch.searchsorted(self.held, values).clamp(1, self.held.shape[1] - 1)
        left = right - 1
        low, high = self.held.gather(1, left), self.held.gather(1, right)
        share = ((values - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        start, end = self.told.gather(1, left), self.told.gather(1, right)
        beyond = values - values.clamp(self.held[:, :1], self.held[:, -1:])
        mapped = (start + share * (end - start) + beyond).T.to(c.dtype)
        if asked is None:
            return mapped
        return torch.where(asked, c + (self.told - self.held).mean(1).to(c.dtype), mapped)

    def restore(self, x: Tensor, pose: Pose) -> Tensor:
        """Drawn maps and poses to channels whose gain is the pose's exactly."""
        power = torch.view_as_real(x).square().flatten(1).mean(1) * 2
        pose = replace(pose, gain=pose.gain / power)
        return self.grid.fold(unregister(x, pose, self.grid))


def _parts(n: int) -> list[slice]:
    return [slice(start, start + TOGETHER) for start in range(0, n, TOGETHER)]
