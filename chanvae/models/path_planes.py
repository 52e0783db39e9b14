"""What a decoder says, bin by bin, as a distribution of paths."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from chanvae.config import PathLikelihood
from chanvae.models.paths import Paths, Peak, crossed, pattern
from chanvae.nn.whereabouts import delays
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.centre import to_centre
from chanvae.transforms.pack import unpack
from chanvae.transforms.registration import peak_bin

_SURE = 4.0
"""Log odds, before anything is learned, that channels begin at delay 0."""


class PathsFromPlanes(nn.Module):
    """Turns the planes of a decoder into :class:`~chanvae.models.paths.Paths`.

    Every bin offers a path near it, of a power and at an offset that the decoder says; the
    strongest are used. While training, a few others are drawn among the rest, so that each is
    tried. The strongest path of a registered map is at the peak and has a mean, which leaks as any
    path.

    The rays of a cluster come at one time from many directions: paths of one delay bin have one
    offset along delay, as differences of a tenth of a bin between them would be a rank too many.
    Where channels begin at delay 0, the first path is there exactly, wherever registration moved
    the map; ``sure`` learns whether they do.

    Args:
        grid: Axes of the maps.
        config: How many paths, and the floor.

    ``rest`` is left to the calibration: the amplitude that bins keep beside the paths in a draw.
    """

    turn: Tensor
    place: Tensor
    rest: Tensor

    def __init__(self, grid: AngleDelay, config: PathLikelihood) -> None:
        super().__init__()
        self.floor = 10 ** (config.floor_db / 10)
        self.quiet = max(self.floor, 10 ** (config.quiet_db / 10))
        self.reach = config.reach
        self.grid, self.shape, bins = grid, grid.shape, math.prod(grid.shape)
        self.paths = min(config.paths, max(bins // 2, 1))
        self.tried = self.paths // 8
        fourier = zip(grid.shape, grid.is_fourier)
        self.moving = tuple(a for a, (n, f) in enumerate(fourier) if f and n > 1)
        self.register_buffer("rest", torch.ones(()))
        self.register_buffer("turn", to_centre(grid)[0], persistent=False)
        index = torch.unravel_index(torch.arange(bins), grid.shape)
        self.register_buffer("place", torch.stack(index).float(), persistent=False)
        self.sure = None
        if len(self.shape) - 1 in self.moving:
            self.sure = nn.Parameter(torch.tensor(_SURE))
        self.peak = None
        if config.mean == "peak":
            self.peak = int(np.ravel_multi_index(peak_bin(grid), grid.shape))

    @property
    def planes(self) -> int:
        """Planes a decoder must give: log variance, mean (2), log power, an offset an axis."""
        return 4 + len(self.moving)

    def forward(
        self,
        planes: Tensor,
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> Paths:
        """``[n, planes, *shape]`` to a distribution over complex ``[n, *shape]``.

        Args:
            planes: What a decoder gave.
            generator: While training, what the paths to try are drawn from.
            context: What the decoder was told ``[n, width]``.
        """
        flat = planes.flatten(2)
        log_variance = torch.log(self.floor + torch.exp((flat[:, 0] - 2).clamp(-20, 10)))
        log_power = (2 * flat[:, 3] - 6).clamp(-14, 8)
        offsets = self._offsets(flat[:, 4:], log_power, context)
        chosen = self._choose(flat[:, 3].detach(), generator)
        angular, delayed = self._leaking(chosen, offsets)
        angular = torch.exp(0.5 * log_power.gather(1, chosen))[..., None] * angular
        mean, peak = unpack(flat[:, 1:3]), None
        if self.peak is not None:
            at = torch.full_like(chosen[:, :1], self.peak)
            across, along = (part[:, 0] for part in self._leaking(at, offsets))
            strongest = mean[:, self.peak, None] + 0.6 * math.sqrt(flat.shape[2])
            late = self._late(at, offsets)[:, 0]
            peak = Peak(strongest * across, late, peak_bin(self.grid)[-1])
            mean = crossed(peak.angular, along)
        return Paths(
            mean=mean,
            peak=peak,
            log_variance=log_variance,
            angular=angular,
            delayed=delayed,
            turn=self.turn,
            bins=chosen,
            late=self._late(chosen, offsets),
            quiet=self.quiet,
            rest=float(self.rest),
        )

    def _offsets(self, planes: Tensor, log_power: Tensor, context: Tensor | None) -> list[Tensor]:
        """How far paths stand from their bins along each axis that moves, ``[n, bins]`` each."""
        said = list(planes.unbind(1))
        if self.sure is None:
            return [self.reach * torch.tanh(p) for p in said]
        across = (-1, self.shape[-1])
        power, own = log_power.exp().unflatten(1, across), said.pop().unflatten(1, across)
        late = self.reach * torch.tanh((power * own).sum(1) / power.sum(1))
        delay = None if context is None else delays(self.grid, context)
        if delay is not None:
            first = delay.abs() <= 0.5
            known = torch.sigmoid(self.sure) * first
            late = late + known * (-delay.where(first, 0.0) - late)
        found = [self.reach * torch.tanh(p) for p in said]
        return [*found, late[:, None].expand_as(own).flatten(1)]

    def _late(self, bins: Tensor, offsets: list[Tensor]) -> Tensor:
        """Where paths stand along delay, in bins after the peak ``[n, paths]``."""
        late = self.place[-1][bins] - peak_bin(self.grid)[-1]
        moves = len(self.shape) - 1 in self.moving
        return late + offsets[-1].gather(1, bins) if moves else late

    def _leaking(self, bins: Tensor, offsets: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Patterns of unit paths: along the angles ``[n, paths, angles]`` and along delay."""
        along = []
        for axis, size in enumerate(self.shape):
            where = self.place[axis][bins]
            if axis in self.moving:
                where = where + offsets[self.moving.index(axis)].gather(1, bins)
                along.append(pattern(where, size))
            else:
                here = torch.arange(size, device=where.device, dtype=where.dtype)
                along.append((where[..., None] == here).to(where.dtype))
        angular = torch.ones_like(along[-1][..., :1])
        for across in along[:-1]:
            angular = crossed(angular, across)
        return angular, along[-1]

    def _choose(self, log_power: Tensor, generator: torch.Generator | None) -> Tensor:
        """The bins whose paths are used: ``[n, paths]``."""
        if generator is None or not torch.is_grad_enabled():
            return log_power.topk(self.paths, dim=1).indices
        strongest = log_power.topk(self.paths - self.tried, dim=1).indices
        lot = torch.rand(log_power.shape, device=log_power.device, generator=generator)
        lot.scatter_(1, strongest, -1.0)
        return torch.cat([strongest, lot.topk(self.tried, dim=1).indices], dim=1)
