"""The context vector of the networks: conditions and pose."""

import math

import torch
from torch import Tensor, nn

from chanvae.nn.whereabouts import harmonics
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose
from chanvae.transforms.traits import TRAITS


def labels(grid: AngleDelay, width: int) -> slice:
    """Where the conditions stand in a context vector of that length; empty if it has none."""
    first = 2 * sum(map(len, harmonics(grid).values()))
    return slice(first, max(width - 1 - TRAITS, first))


class Context(nn.Module):
    """Cosines and sines of the pose's place, conditions, log gain and traits, both standardised.

    Those of one axis stand together, cosines first:
    :class:`~chanvae.nn.whereabouts.Whereabouts` takes them so.

    Args:
        grid: Axes of the maps.
        conditions: Length of the condition vector.
    """

    gain: Tensor
    usual: Tensor

    def __init__(self, grid: AngleDelay, conditions: int) -> None:
        super().__init__()
        self.harmonics = harmonics(grid)
        self.conditions = conditions
        self.register_buffer("gain", torch.tensor([0.0, 1.0]))
        self.register_buffer("usual", torch.tensor([[0.0, 1.0]]).repeat(TRAITS, 1))

    @property
    def width(self) -> int:
        """Length of the context vector."""
        return 2 * sum(map(len, self.harmonics.values())) + self.conditions + 1 + TRAITS

    def fit(self, pose: Pose) -> None:
        """Learn mean and scale of log gain and traits; what is constant becomes zero."""
        level = pose.gain.log()
        scale = level.std().clamp(min=1e-9)
        deviation = pose.traits.std(0)
        deviation = deviation.where(deviation > 1e-4, 1e9)
        self.usual = torch.stack([pose.traits.mean(0), deviation], 1)
        self.gain = torch.stack([level.mean(), scale if scale > 1e-4 else scale.new_tensor(1e9)])

    def forward(self, c: Tensor, pose: Pose) -> Tensor:
        """Condition vectors ``[n, conditions]`` and poses to ``[n, width]``."""
        waves = []
        for axis, cycles in self.harmonics.items():
            turns = 2 * math.pi * pose.position[:, axis, None] * cycles.to(pose.position)
            waves += [torch.cos(turns).to(c.dtype), torch.sin(turns).to(c.dtype)]
        level = (pose.gain.to(c.dtype).log() - self.gain[0]) / self.gain[1]
        whole = (pose.traits.to(c.dtype) - self.usual[:, 0]) / self.usual[:, 1]
        return torch.cat([*waves, c, level[:, None], whole], dim=1)
