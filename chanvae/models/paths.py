"""The distribution of paths that stand between the bins, over bins that are independent."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from chanvae.models.likelihoods import LEAST
from chanvae.models.maps import Draw


@dataclass(frozen=True)
class Peak:
    """The strongest path of a registered map.

    Args:
        angular: Its pattern along all axes but delay, with its amplitude, complex ``[n, angles]``.
        late: Where it stands along delay, in bins after the peak ``[n]``.
        bin: The bin of the peak along delay.
    """

    angular: Tensor
    late: Tensor
    bin: int

    def delayed(self, late: Tensor, size: int) -> Tensor:
        """Patterns ``[..., size]`` of paths that stand ``late`` bins after the peak ``[...]``."""
        return pattern(self.bin + late, size)


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
        peak: The path that m is, if it is one; no weight moves it.
        log_variance: log v, ``[n, bins]``.
        angular: w along all axes but delay, real ``[n, paths, angles]``.
        delayed: w along delay, real ``[n, paths, delays]``; bins = angles * delays.
        turn: Phases that make the patterns real, complex ``[*shape]``.
        bins: The bin nearest to each path ``[n, paths]``.
        late: Where each path stands along delay, in bins after the peak ``[n, paths]``.
        quiet: The part of v that a draw leaves out.
        rest: Amplitude that what is left of e keeps in a draw.
    """

    mean: Tensor
    peak: "Peak | None"
    log_variance: Tensor
    angular: Tensor
    delayed: Tensor
    turn: Tensor
    bins: Tensor
    late: Tensor
    quiet: float = 0.0
    rest: float = 1.0

    @property
    def patterns(self) -> Tensor:
        """w, real ``[n, paths, bins]``."""
        return crossed(self.angular, self.delayed)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density in nats: complex ``[n, *shape]`` to ``[n]``."""
        scale = torch.exp(-0.5 * self.log_variance)
        residual = ((x * self.turn).flatten(1) - self.mean) * scale
        r = torch.view_as_real(residual)
        explained = _Crossed.apply(r, scale, self.angular, self.delayed)
        bins = scale.shape[1]
        return explained - self.log_variance.sum(1) - bins * math.log(math.pi)  # pyright: ignore[reportOperatorIssue]

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        return self.drawing(generator)()

    def drawing(self, generator: torch.Generator | None = None) -> Draw:
        """One draw, to be had as it is or changed.

        A path is weighted as a whole, leakage included, by the weight where it stands: by one, at
        the peak. What is left of e is weighted, too, and stays where it is.
        """
        kind, device = self.mean.dtype, self.mean.device
        n, paths = self.angular.shape[:2]
        amplitude = torch.randn(n, paths, 1, dtype=kind, device=device, generator=generator)
        scale = (torch.exp(self.log_variance) - self.quiet).clamp(min=LEAST).sqrt()
        scale = self.rest * scale
        noise = scale * torch.randn(scale.shape, dtype=kind, device=device, generator=generator)

        def draw(weights: Tensor | None = None, stretch: Tensor | None = None) -> Tensor:
            gain, mean, rest, delayed = amplitude, self.mean, noise, self.delayed
            if weights is not None:
                weights = weights.flatten(1)
                gain, rest = gain * weights.gather(1, self.bins)[..., None], rest * weights
                mean = mean if self.peak else mean * weights
            if stretch is not None and self.peak:
                size = delayed.shape[-1]
                delayed = self.peak.delayed(self.late * stretch[:, None], size)
                there = self.peak.delayed(self.peak.late * stretch, size)
                mean = crossed(self.peak.angular, there)
            weighted = torch.view_as_real(self.angular * gain).permute(0, 2, 3, 1)
            parts = (weighted.flatten(1, 2) @ delayed).unflatten(1, (-1, 2))
            leaked = torch.view_as_complex(parts.transpose(2, 3).contiguous()).flatten(1)
            return (mean + rest + leaked).unflatten(1, self.turn.shape) * self.turn.conj()

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
        w = crossed(angular, delayed).mul_(scale[:, None])
        projected = (w @ r).double()
        matrix = (w @ w.mT).double()
        matrix.diagonal(dim1=1, dim2=2).add_(1.0)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if failed.any():  # so strong a path that float32 products hide the one
            matrix = w.double() @ w.double().mT
            matrix.diagonal(dim1=1, dim2=2).add_(1.0)
            factor, failed = torch.linalg.cholesky_ex(matrix)
            factor[failed > 0] = torch.nan  # weights that are lost: the fit takes them back
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


def crossed(angular: Tensor, delayed: Tensor) -> Tensor:
    """Outer products ``[..., bins]`` of patterns along the angles and along delay."""
    return (angular[..., None] * delayed[..., None, :]).flatten(-2)


def pattern(place: Tensor, size: int) -> Tensor:
    """The pattern along an axis of ``size`` bins of unit paths at ``place`` in bins.

    The unitary transform of a path, with the phase of its middle: the Dirichlet kernel.
    ``[...]`` to ``[..., size]``.
    """
    here = torch.arange(size, device=place.device, dtype=place.dtype)
    return _waves(place, size) @ _waves(here, size).mT


def _waves(place: Tensor, size: int) -> Tensor:
    """Features whose inner products are the pattern of a path along an axis.

    Of paths at u and v, both in bins, it is the Dirichlet kernel of n terms. ``[..., n or n + 1]``
    """
    order = torch.arange(size // 2, device=place.device, dtype=place.dtype) + (size % 2 + 1) / 2
    angle = 2 * math.pi / size * place[..., None] * order
    waves = torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1) * math.sqrt(2 / size)
    if size % 2 == 0:
        return waves
    return torch.cat([waves, torch.full_like(place, size**-0.5)[..., None]], dim=-1)
