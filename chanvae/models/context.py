"""The context vector of the networks: conditions and pose."""

import math

import torch
from torch import Tensor, nn

from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose

HARMONICS = (1, 2, 4)


class Context(nn.Module):
    """Conditions, then sines and cosines of the pose's place, then the standardised log gain.

    Args:
        grid: Axes of the maps.
        conditions: Length of the condition vector.
    """

    gain: Tensor

    def __init__(self, grid: AngleDelay, conditions: int) -> None:
        super().__init__()
        self.axes = tuple(a for a, f in enumerate(grid.is_fourier) if f and grid.shape[a] > 1)
        self.conditions = conditions
        self.register_buffer("gain", torch.tensor([0.0, 1.0]))

    @property
    def width(self) -> int:
        """Length of the context vector."""
        return self.conditions + 2 * len(HARMONICS) * len(self.axes) + 1

    def fit(self, pose: Pose) -> None:
        """Learn mean and scale of the log gain; a constant gain becomes zero."""
        level = pose.gain.log()
        scale = level.std().clamp(min=1e-9)
        self.gain = torch.stack([level.mean(), scale if scale > 1e-4 else torch.tensor(1e9)])

    def forward(self, c: Tensor, pose: Pose) -> Tensor:
        """Condition vectors ``[n, conditions]`` and poses to ``[n, width]``."""
        turns = 2 * math.pi * pose.position[:, list(self.axes)]
        waves = [f(k * turns).to(c.dtype) for k in HARMONICS for f in (torch.cos, torch.sin)]
        level = (pose.gain.to(c.dtype).log() - self.gain[0]) / self.gain[1]
        return torch.cat([c, *waves, level[:, None]], dim=1)
