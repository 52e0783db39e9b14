"""A likelihood of paths that stand between the bins, over bins that are independent."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chanvae.config import PathLikelihood
from chanvae.models.likelihoods import LEAST
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.centre import to_centre
from chanvae.transforms.pack import unpack
from chanvae.transforms.registration import peak_bin


@dataclass(frozen=True)
class Paths:
    r"""A map of independent complex Gaussian bins, crossed by paths of Gaussian amplitude.

    .. math:: x = m + \sum_p g_p w_p + e,\quad g_p \sim \mathcal{CN}(0, 1),\;
              e_i \sim \mathcal{CN}(0, v_i)

    A path leaks over all of the map by its pattern w, which is known once its place is. The paths'
    share of the covariance has low rank, so the log likelihood is exact and costs no more than a
    matrix of paths by paths (Woodbury's identity).

    Args:
        mean: m, complex ``[n, bins]``.
        log_variance: log v, ``[n, bins]``.
        angular: w along all axes but delay, real ``[n, paths, angles]``.
        delayed: w along delay, real ``[n, paths, delays]``; bins = angles * delays.
        turn: Phases that make the patterns real, complex ``[*shape]``.
        bins: The bin nearest to each path ``[n, paths]``.
        quiet: The part of v that a draw leaves out.
        rest: Amplitude that what is left of e keeps in a draw.
    """

    mean: Tensor
    log_variance: Tensor
    angular: Tensor
    delayed: Tensor
    turn: Tensor
    bins: Tensor
    quiet: float = 0.0
    rest: float = 1.0

    @property
    def patterns(self) -> Tensor:
        """w, real ``[n, paths, bins]``."""
        return _patterns(self.angular, self.delayed)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density in nats: complex ``[n, *shape]`` to ``[n]``."""
        scale = torch.exp(-0.5 * self.log_variance)
        residual = ((x * self.turn).flatten(1) - self.mean) * scale
        r = torch.view_as_real(residual)
        crossed = _Crossed.apply(r, scale, self.angular, self.delayed)
        bins = scale.shape[1]
        return crossed - self.log_variance.sum(1) - bins * math.log(math.pi)  # pyright: ignore[reportOperatorIssue]

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        return self.drawing(generator)(None)

    def drawing(
        self, generator: torch.Generator | None = None
    ) -> Callable[[Tensor | None], Tensor]:
        """One draw, to be had with amplitudes weighted by ``[n, *shape]`` or as it is.

        A path is weighted as a whole, leakage included, by the weight where it stands.
        """
        kind, device = self.mean.dtype, self.mean.device
        n, paths = self.angular.shape[:2]
        amplitude = torch.randn(n, paths, 1, dtype=kind, device=device, generator=generator)
        scale = (torch.exp(self.log_variance) - self.quiet).clamp(min=LEAST).sqrt()
        scale = self.rest * scale
        noise = scale * torch.randn(scale.shape, dtype=kind, device=device, generator=generator)

        def draw(weights: Tensor | None) -> Tensor:
            gain, rest = amplitude, self.mean + noise
            if weights is not None:
                weights = weights.flatten(1)
                gain, rest = gain * weights.gather(1, self.bins)[..., None], rest * weights
            weighted = torch.view_as_real(self.angular * gain).permute(0, 2, 3, 1)
            parts = (weighted.flatten(1, 2) @ self.delayed).unflatten(1, (-1, 2))
            crossed = torch.view_as_complex(parts.transpose(2, 3).contiguous()).flatten(1)
            return (rest + crossed).unflatten(1, self.turn.shape) * self.turn.conj()

        return draw


class _Crossed(torch.autograd.Function):
    """Log density of r under CN(0, I + w^T w) less its constant, w the patterns times ``scale``.

    The paths-by-paths matrix is factored in float64: with a floor of -45 dB it is too ill
    conditioned for float32. The gradient is written out, which spares a second factorisation and
    most of the passes over w, the largest tensor of a fit.
    """

    @staticmethod
    def forward(ctx: Any, r: Tensor, scale: Tensor, angular: Tensor, delayed: Tensor) -> Tensor:
        """``r`` is ``[n, bins, 2]`` (real, imaginary); the rest as in :class:`Paths`; ``[n]``."""
        w = _patterns(angular, delayed).mul_(scale[:, None])
        projected = (w @ r).double()
        matrix = (w @ w.mT).double()
        matrix.diagonal(dim1=1, dim2=2).add_(1.0)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if failed.any():  # so strong a path that float32 products hide the one
            matrix = w.double() @ w.double().mT
            matrix.diagonal(dim1=1, dim2=2).add_(1.0)
            factor = torch.linalg.cholesky(matrix)
        inverse = torch.cholesky_inverse(factor)
        solved = inverse @ projected
        constants = inverse.to(w.dtype), solved.to(w.dtype)
        ctx.save_for_backward(r, scale, angular, delayed, w, *constants)
        quadratic = r.double().square().sum((1, 2)) - (solved * projected).sum((1, 2))
        log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1)
        return (-quadratic - log_det).to(w.dtype)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Gradients with respect to all that :meth:`forward` takes."""
        r, scale, angular, delayed, w, inverse, solved = ctx.saved_tensors
        each = 2 * grad[0][:, None, None]
        to_r = -each * (r - w.mT @ solved)
        to_w = (each * (inverse + solved @ solved.mT)) @ w
        to_w.baddbmm_(each * solved, r.mT, beta=-1)
        to_scale = (to_w * w).sum(1) / scale
        maps = to_w.mul_(scale[:, None]).unflatten(2, (angular.shape[2], delayed.shape[2]))
        to_angular = (maps @ delayed[..., None])[..., 0]
        to_delayed = (angular[:, :, None] @ maps)[:, :, 0]
        return to_r, to_scale, to_angular, to_delayed


class PathsFromPlanes(nn.Module):
    """Turns the planes of a decoder into :class:`Paths`.

    Every bin offers a path near it, of a power and at an offset that the decoder says; the
    strongest are used. While training, a few others are drawn among the rest, so that each is
    tried.

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
        self.shape, bins = grid.shape, math.prod(grid.shape)
        self.paths = min(config.paths, max(bins // 2, 1))
        self.tried = self.paths // 8
        fourier = zip(grid.shape, grid.is_fourier)
        self.moving = tuple(a for a, (n, f) in enumerate(fourier) if f and n > 1)
        self.register_buffer("rest", torch.ones(()))
        self.register_buffer("turn", to_centre(grid)[0], persistent=False)
        index = torch.unravel_index(torch.arange(bins), grid.shape)
        self.register_buffer("place", torch.stack(index).float(), persistent=False)
        self.has_mean, self.start = slice(None), 0.0
        if config.mean == "peak":
            peak = int(np.ravel_multi_index(peak_bin(grid), grid.shape))
            self.has_mean, self.start = slice(peak, peak + 1), 0.6 * math.sqrt(bins)

    @property
    def planes(self) -> int:
        """Planes a decoder must give: log variance, mean (2), log power, an offset an axis."""
        return 4 + len(self.moving)

    def forward(self, planes: Tensor, generator: torch.Generator | None = None) -> Paths:
        """``[n, planes, *shape]`` to a distribution over complex ``[n, *shape]``.

        Args:
            planes: What a decoder gave.
            generator: While training, what the paths to try are drawn from.
        """
        flat = planes.flatten(2)
        log_variance = torch.log(self.floor + torch.exp((flat[:, 0] - 2).clamp(-20, 10)))
        stated = unpack(flat[:, 1:3, self.has_mean]) + self.start
        mean = stated.new_zeros(log_variance.shape)
        mean[:, self.has_mean] = stated
        chosen = self._choose(flat[:, 3].detach(), generator)
        log_power = (2 * flat[:, 3].gather(1, chosen) - 6).clamp(-14, 8)
        moved = [self.reach * torch.tanh(p.gather(1, chosen)) for p in flat[:, 4:].unbind(1)]
        along = []
        for axis, size in enumerate(self.shape):
            where = self.place[axis][chosen]
            here = torch.arange(size, device=where.device, dtype=where.dtype)
            if axis in self.moving:
                where = where + moved[self.moving.index(axis)]
                along.append(_waves(where, size) @ _waves(here, size).mT)
            else:
                along.append((where[..., None] == here).to(mean.real.dtype))
        angular = torch.exp(0.5 * log_power)[..., None]
        for pattern in along[:-1]:
            angular = (angular[..., None] * pattern[:, :, None]).flatten(2)
        rest = float(self.rest)
        return Paths(mean, log_variance, angular, along[-1], self.turn, chosen, self.quiet, rest)

    def _choose(self, log_power: Tensor, generator: torch.Generator | None) -> Tensor:
        """The bins whose paths are used: ``[n, paths]``."""
        if generator is None or not torch.is_grad_enabled():
            return log_power.topk(self.paths, dim=1).indices
        strongest = log_power.topk(self.paths - self.tried, dim=1).indices
        lot = torch.rand(log_power.shape, device=log_power.device, generator=generator)
        lot.scatter_(1, strongest, -1.0)
        return torch.cat([strongest, lot.topk(self.tried, dim=1).indices], dim=1)


def _patterns(angular: Tensor, delayed: Tensor) -> Tensor:
    """Outer products ``[n, paths, bins]`` of patterns along the angles and along delay."""
    return (angular[..., None] * delayed[:, :, None]).flatten(2)


def _waves(place: Tensor, size: int) -> Tensor:
    """Features whose inner products are the pattern of a path along an axis.

    ``_waves(u, n) @ _waves(v, n).mT`` is the unitary transform, at v, of a path at u, both in
    bins, with the phase of its middle: the Dirichlet kernel of n terms. ``[..., n or n + 1]``
    """
    order = torch.arange(size // 2, device=place.device, dtype=place.dtype) + (size % 2 + 1) / 2
    angle = 2 * math.pi / size * place[..., None] * order
    waves = torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1) * math.sqrt(2 / size)
    if size % 2 == 0:
        return waves
    return torch.cat([waves, torch.full_like(place, size**-0.5)[..., None]], dim=-1)
