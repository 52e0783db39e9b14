"""A task: channel estimation from noisy pilots by the covariance of training channels."""

from collections.abc import Callable

import torch
from torch import Tensor

from chanvae.catalogue.grid import Grid

COMB = 4
"""Every how many frequencies there is a pilot."""
SNR_DB = 10.0
"""Mean pilot power over noise power [dB]."""
JOINT = 1024
"""Bins of a channel up to which antennas, times and frequencies are estimated together."""


def estimator(h: Tensor, grid: Grid, seed: int = 0) -> Callable[[Tensor], Tensor]:
    r"""LMMSE interpolation of channels from pilots on a comb of frequencies.

    .. math:: \hat h = R_{\cdot P} (R_{PP} + \sigma^2 I)^{-1} (h_P + n)

    with the covariance R of the training channels: of antennas, times and frequencies together
    where they are at most :data:`JOINT`, else of frequencies alone.

    Args:
        h: Training channels of unit power, complex64 ``[n, rx, tx, time, freq]``.
        grid: Their axes.
        seed: Seed of the noise.

    Returns:
        Channels to what is estimated of them; the noise is the same for every estimator.
    """
    del grid
    noise = 10 ** (-SNR_DB / 10)
    size = h[0].numel()
    freqs = h.shape[-1]
    rows = h.flatten(1) if size <= JOINT else h.reshape(-1, freqs)
    covariance = rows.mT @ rows.conj() / len(rows)
    is_pilot = (torch.arange(rows.shape[1]) % freqs) % COMB == 0
    pilots = torch.nonzero(is_pilot).squeeze(1)
    across = covariance[:, pilots].to(torch.complex128)
    inner = covariance[pilots][:, pilots].to(torch.complex128)
    inner = inner + noise * torch.eye(len(pilots))
    weights = torch.linalg.solve(inner, across.mH).mH.to(torch.complex64)

    def estimate(x: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        flat = x.reshape(-1, rows.shape[1])
        parts = torch.randn(len(flat), len(pilots), 2, generator=generator)
        seen = flat[:, pilots] + torch.view_as_complex(parts) * (noise / 2) ** 0.5
        return (seen @ weights.mT).reshape(x.shape)

    return estimate
