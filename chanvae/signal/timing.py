"""Per-packet timing: the delay and the common phase that a receiver's clock adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.lazy import blocks, mapped, noted, sample
from chanvae.units import show

_MOST = 20_000
"""The removed delays are those of this many realisations, evenly spaced."""


def mean_delay(h: np.ndarray, freq: np.ndarray) -> np.ndarray:
    r"""Power-weighted mean delay of each realisation and time, over all antennas.

    .. math:: \bar\tau = -\frac{1}{2\pi\Delta f}
        \arg \sum h(f + \Delta f)\, h^*(f)

    over the neighbours that are the smallest spacing apart; no phase is unwrapped. On a circle of
    the period 1/Δf, from −1/2 to 1/2 of it.

    Args:
        h: Channels ``[n, rx, tx, time, freq]``.
        freq: Baseband frequency [Hz], ascending.

    Returns:
        Delay [s] ``[n, time]``.
    """
    steps = np.diff(freq)
    near = steps <= steps.min() * 1.001
    turn = np.einsum("nrtkf,nrtkf->nk", h[..., 1:][..., near], h[..., :-1][..., near].conj())
    return -np.angle(turn) / (2 * np.pi * steps[near].mean())


@dataclass(frozen=True)
class _Still:
    """Turns each realisation and time so that its mean delay and its common phase are zero."""

    freq: np.ndarray

    def __call__(self, h: np.ndarray, _: np.ndarray) -> np.ndarray:
        delay = mean_delay(h, self.freq)[:, None, None, :, None]
        h = h * np.exp(2j * np.pi * delay * self.freq)
        phase = np.angle(h.sum((1, 2, 4), keepdims=True))
        return (h * np.exp(-1j * phase)).astype(np.complex64)


def remove_timing(dataset: ChannelDataset) -> ChannelDataset:
    """The set without the timing slope and common phase of each realisation and time.

    One delay and one phase are taken out of all antennas together, so what differs between
    antennas stays. The mean delay is 0 afterwards: the true time of arrival is lost with the
    clock's error.

    Raises:
        DataError: There is a single frequency.
    """
    if len(dataset.freq) < 2:
        raise DataError("--remove-timing: a single frequency has no delay; leave it out")
    rows = sample(dataset, _MOST)
    delays = np.concatenate([mean_delay(h, dataset.freq).ravel() for h in blocks(dataset, rows)])
    low, middle, high = (float(q) for q in np.quantile(delays, (0.1, 0.5, 0.9)))
    said = (
        f"removed delays: median {show(middle, 's')}, 10 % {show(low, 's')}, 90 % "
        f"{show(high, 's')} (of {len(rows):,} realisations); the phase common to all antennas too"
    )
    figures = {"median_s": middle, "p10_s": low, "p90_s": high, "realisations": len(rows)}
    return noted(mapped(dataset, _Still(dataset.freq)), "remove_timing", said, **figures)
