"""The textbook's likelihoods: squared error of coefficients, and those of powers in 0 to 1."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from chanvae.config import CrossEntropyLikelihood, GaussianLikelihood, SquaredErrorLikelihood
from chanvae.models.likelihoods import Bins
from chanvae.transforms.pack import unpack

RANGE_DB = 60.0
"""What 0 is below 1, and 1 is all the power of a map in one bin."""


class SquaredError:
    """Squared error of complex coefficients: independent bins of one known variance.

    Args:
        config: The variance, which draws leave out: they are the mean.
    """

    planes = 2

    def __init__(self, config: SquaredErrorLikelihood) -> None:
        self.variance = 10 ** (config.noise_db / 10)

    def __call__(
        self,
        planes: Tensor,
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> Bins:
        """``[n, 2, *shape]`` to a distribution over complex ``[n, *shape]``; nothing else."""
        mean = unpack(planes)
        log_variance = torch.full_like(mean.real, math.log(self.variance))
        return Bins(mean, log_variance, mean[:, None][:, :0], (), self.variance)


@dataclass(frozen=True)
class Powers:
    """A map whose powers, as decibels scaled to 0 to 1, are independent; its phases are uniform.

    Args:
        kind: Which likelihood: ``gaussian``, ``mse``, ``bce`` or ``bce_logits``.
        stated: Mean, probability or logit ``[n, *shape]``.
        variance: Of a Gaussian or of the squared error ``[n, *shape]``.
        floor: The part of the variance that draws leave out.
    """

    kind: str
    stated: Tensor
    variance: Tensor
    floor: float

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density (cross-entropy: log probability) in nats: complex ``[n, *shape]``."""
        u = to_unit(x)
        if self.kind == "bce":
            nats = -nn.functional.binary_cross_entropy(self.stated, u, reduction="none")
        elif self.kind == "bce_logits":
            nats = -nn.functional.binary_cross_entropy_with_logits(
                self.stated, u, reduction="none"
            )
        else:
            normal = torch.distributions.Normal(self.stated, self.variance.sqrt())
            nats = normal.log_prob(u)
        return nats.flatten(1).sum(1)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        u = torch.sigmoid(self.stated) if self.kind == "bce_logits" else self.stated
        if self.kind == "gaussian":
            scale = (self.variance - self.floor).clamp(min=1e-10).sqrt()
            u = u + scale * torch.randn(u.shape, device=u.device, generator=generator)
        lot = torch.rand(u.shape, device=u.device, generator=generator)
        return from_unit(u.clamp(0, 1), 2 * math.pi * lot)


class PowerLikelihood:
    """Turns the planes of a decoder into :class:`Powers`.

    Args:
        config: Which likelihood.
    """

    def __init__(
        self, config: GaussianLikelihood | SquaredErrorLikelihood | CrossEntropyLikelihood
    ) -> None:
        self.kind = config.kind
        self.planes = 2 if config.kind == "gaussian" else 1
        below = {"gaussian": "floor_db", "mse": "noise_db"}.get(config.kind)
        self.floor = 10 ** (getattr(config, below) / 10) if below else 0.0

    def __call__(
        self,
        planes: Tensor,
        generator: torch.Generator | None = None,
        context: Tensor | None = None,
    ) -> Powers:
        """``[n, planes, *shape]`` to a distribution over complex ``[n, *shape]``; nothing else."""
        stated = torch.sigmoid(planes[:, 0]) if self.kind == "bce" else planes[:, 0]
        variance = torch.full_like(stated, self.floor)
        if self.kind == "gaussian":
            variance = variance + torch.exp((planes[:, 1] - 3).clamp(-20, 10))
        return Powers(self.kind, stated, variance, self.floor)


def to_unit(x: Tensor) -> Tensor:
    """Powers of registered maps, complex ``[n, *shape]``, as decibels scaled to 0 to 1."""
    share = x.abs().square() / math.prod(x.shape[1:])
    return (1 + 10 / RANGE_DB * share.clamp(min=1e-30).log10()).clamp(0, 1)


def from_unit(u: Tensor, phase: Tensor) -> Tensor:
    """The inverse of :func:`to_unit` for given phases [rad]."""
    share = 10 ** (RANGE_DB / 10 * (u - 1))
    return torch.polar((share * math.prod(u.shape[1:])).sqrt(), phase)
