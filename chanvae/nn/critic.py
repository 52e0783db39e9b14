"""The network that tells drawn maps from measured ones while a model is refined."""

from math import prod

import torch
from torch import Tensor, nn

from chanvae.nn.blocks import Patches, convolution
from chanvae.nn.brief import brief
from chanvae.nn.sight import Sight
from chanvae.nn.whereabouts import Whereabouts
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.traits import EIGENVALUES

WIDTHS = (32, 48, 64, 96)
FEATURES = 96
_LEAST = 1e-7
"""Share of the power at which eigenvalues end: what float32 can say of them."""


class Critic(nn.Module):
    """How measured a registered map looks for its context.

    Convolutions keep the resolution first and then halve every axis down to about 4 places (2
    where there are three axes), 8 along delay. Beside them stand the eigenvalues between antennas
    and delays: few paths have low rank, which no local look can see.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
    """

    def __init__(self, grid: AngleDelay, context: int) -> None:
        super().__init__()
        self.sight = Sight(grid)
        self.axes = Patches(grid.shape, 1)
        size = self.axes.coarse
        ends = [2 if len(size) == 3 else 4] * (len(size) - 1) + [8]
        inputs = self.axes.features(self.sight.planes)
        self.first = convolution(len(size), inputs, WIDTHS[0], 3)
        self.whereabouts = Whereabouts(grid, self.axes, WIDTHS[0], context)
        layers: list[nn.Module] = [nn.SiLU()]
        for before, width in zip(WIDTHS, WIDTHS[1:]):
            stride = tuple(2 if s > end else 1 for s, end in zip(size, ends))
            layers += [convolution(len(size), before, width, 3, stride), nn.GroupNorm(8, width)]
            layers += [nn.SiLU()]
            size = tuple(-(-s // t) for s, t in zip(size, stride))
        pooled = tuple(min(s, end) for s, end in zip(size, ends))
        pool = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[len(size) - 1]
        self.body = nn.Sequential(*layers, pool(pooled))
        self.matrix = (prod(grid.shape[:-1]), grid.shape[-1])
        self.rank = min(self.matrix) if 1 < min(self.matrix) <= EIGENVALUES else 0
        flat = WIDTHS[-1] * prod(pooled) + 2 * self.rank
        self.head = nn.Sequential(nn.Linear(flat, FEATURES), nn.SiLU())
        self.score = nn.Linear(FEATURES, 1, bias=False)  # only differences of scores count
        self.context = nn.Linear(context, FEATURES)

    def see(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What is looked at, at unit power: planes ``[n, planes, *shape]``, ``[n, 2 rank]``."""
        power = x.abs().square().flatten(1).mean(1).clamp(min=1e-9)
        x = x / power.sqrt().reshape(-1, *[1] * (x.ndim - 1))
        return self.sight(x), self._eigenvalues(x)

    def forward(self, planes: Tensor, eigenvalues: Tensor, context: Tensor) -> Tensor:
        """Scores ``[n]`` of what :meth:`see` gave, for contexts ``[n, context]``."""
        where = self.whereabouts(context)
        with brief(planes):
            seen = self.first(self.axes.cut(planes))
            places = self.body(seen + where.to(seen.dtype)).flatten(1)
        places = places.to(planes.dtype)
        features = self.head(torch.cat([places, eigenvalues], dim=1))
        return (
            self.score(features)[:, 0] + (features * self.context(context)).sum(1) / FEATURES**0.5
        )

    def _eigenvalues(self, x: Tensor) -> Tensor:
        if not self.rank:
            return x.real.new_zeros(len(x), 0)
        matrix = x.reshape(len(x), *self.matrix)
        if self.matrix[0] > self.matrix[1]:
            matrix = matrix.mT
        gram = matrix @ matrix.mH / prod(self.matrix)
        least = _LEAST * torch.eye(self.rank, device=x.device, dtype=gram.dtype)
        share = torch.linalg.eigvalsh(gram + least).clamp(min=_LEAST)
        return torch.cat([(share.log() + 6) / 3, 2 * share.sqrt()], dim=1)
