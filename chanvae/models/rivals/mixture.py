"""A complex Gaussian mixture of the registered maps, by cplx-gmm."""

import math
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from chanvae.config import GmmConfig
from chanvae.errors import DataError
from chanvae.models.components import components
from chanvae.models.maps import MapModel, Terms
from chanvae.models.vamp import drawn_rows
from chanvae.nn.blocks import perceptron
from chanvae.transforms.angle_delay import AngleDelay

FULL = 64
"""Bins of a map up to which covariances are full matrices; beyond they are diagonal."""
LEAST = 1e-4
"""Least variance along a direction, relative to the mean bin power."""


@dataclass(frozen=True)
class Mixed:
    """Maps of a mixture whose white noise is given; the component is still to be drawn.

    Args:
        model: The mixture.
        white: Standard normal ``[n, 2, bins]``.
        logits: Of the weights ``[n, components]``.
    """

    model: "ComplexMixture"
    white: Tensor
    logits: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        chosen = drawn_rows(self.logits, generator)
        white = torch.complex(self.white[:, 0], self.white[:, 1]) * math.sqrt(0.5)
        mean, root = self.model.mean, self.model.root
        if self.model.full:
            roots = torch.view_as_complex(root)[chosen]
            spread = (roots @ white[..., None])[..., 0]
        else:
            spread = root[chosen] * white
        return (torch.view_as_complex(mean)[chosen] + spread).unflatten(1, self.model.shape)


class ComplexMixture(MapModel):
    """sum_k w_k(c) CN(m_k, C_k): components by cplx-gmm, weights learned given the context.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: How many components.

    References:
        Fesl et al. 2022, arXiv:2205.03634 (Gaussian mixtures of channels).
    """

    mean: Tensor
    root: Tensor

    def __init__(self, grid: AngleDelay, context: int, config: GmmConfig) -> None:
        super().__init__()
        self.config = config
        self.shape, bins = grid.shape, prod(grid.shape)
        self.full = bins <= FULL
        size = (config.components, bins)
        self.register_buffer("mean", torch.zeros(*size, 2))
        square = torch.eye(bins)[..., None] * torch.tensor([1.0, 0.0])
        ones = square.expand(config.components, bins, bins, 2).clone()
        self.register_buffer("root", ones if self.full else torch.ones(size))
        self.weights = perceptron(context, 64, 1, config.components)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the white noise."""
        return 2, prod(self.shape)

    @property
    def prepared(self) -> bool:
        """Always."""
        return True

    def prepare(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Fit the components.

        Raises:
            DataError: cplx-gmm is not installed, or there are fewer maps than components.
        """
        flat = x.flatten(1)[: self.config.fitted_on].cpu().numpy().astype(np.complex128)
        count = self.config.components
        if len(flat) < 2 * count:
            raise DataError(
                f"model.components = {count}: too many for the {len(flat)} training "
                f"realisations; ask for at most {len(flat) // 2}"
            )
        try:
            _, mean, covariance = components(flat, count, self.full, False, seed, LEAST)
        except ModuleNotFoundError:
            raise DataError(
                "model.kind=gmm: needs cplx-gmm; `pip install chanvae[benchmark]` brings it"
            ) from None
        except ValueError as error:  # of the decomposition of a covariance
            raise DataError(
                f"model.components = {count}: the mixture cannot be fitted "
                f"({str(error).split('.')[0]}); ask for fewer"
            ) from None
        self.mean.copy_(torch.view_as_real(torch.as_tensor(mean).to(torch.complex64)))
        if self.full:
            matrix = torch.as_tensor(covariance).to(torch.complex128)
            matrix = matrix + LEAST * torch.eye(matrix.shape[-1])
            self.root.copy_(torch.view_as_real(torch.linalg.cholesky(matrix)))
        else:
            self.root.copy_(torch.as_tensor(np.real(covariance)).clamp(min=LEAST).sqrt())

    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Mixed:
        """Maps of white noise ``z``."""
        return Mixed(self, z, self.weights(context))

    def log_prob(self, x: Tensor, context: Tensor) -> Tensor:
        """Log density in nats: complex ``[n, *shape]`` to ``[n]``."""
        apart = x.flatten(1)[:, None] - torch.view_as_complex(self.mean)
        if self.full:
            root = torch.view_as_complex(self.root)
            white = torch.linalg.solve_triangular(root, apart.permute(1, 2, 0), upper=False)
            power = white.abs().square().sum(1).T
            volume = root.diagonal(dim1=1, dim2=2).real.log().sum(1)
        else:
            power = (apart / self.root).abs().square().sum(2)
            volume = self.root.log().sum(1)
        bins = apart.shape[2]
        nats = -power - 2 * volume - bins * math.log(math.pi)
        return torch.logsumexp(self.weights(context).log_softmax(1) + nats, dim=1)

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """Negative log density in nats ``[n]``."""
        return {"loss": -self.log_prob(x, context)}
