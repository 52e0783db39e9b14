"""The variational autoencoder that is told nothing, and with a larger KL the β-VAE."""

import torch
from torch import Tensor

from chanvae.config import BetaVaeConfig, VaeConfig
from chanvae.models.cvae import CVAE
from chanvae.transforms.angle_delay import AngleDelay


class VAE(CVAE):
    """q(z | x) and p(x | z): conditions enter by the prior only, if it has any.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector, which the networks are not shown.
        config: Network, likelihood and, for a β-VAE, the weight of the KL.

    References:
        Kingma and Welling 2014, arXiv:1312.6114; Higgins et al. 2017 (β-VAE).
    """

    def __init__(self, grid: AngleDelay, context: int, config: VaeConfig | BetaVaeConfig) -> None:
        super().__init__(grid, 1, config)

    def told(self, context: Tensor) -> Tensor:
        """A one for each realisation ``[n, 1]``."""
        return torch.ones(len(context), 1, dtype=context.dtype, device=context.device)
