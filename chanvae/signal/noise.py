"""The noise floor of a set: given, or estimated where the delay window is emptiest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import gammaincinv

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.lazy import blocks, noted, power, sample

LEAST = 16
"""Frequencies that an estimate needs."""
ESTIMATOR = (
    "power-delay profile under a Hann window, turned so that the strongest bin stands at N // 8; "
    "per bin the median over realisations, over the median of unit-mean noise of as many antennas "
    "and times; mean over the quietest eighth of the window. An upper bound where paths fill the "
    "whole window"
)
_MOST = 4_000


def estimate(dataset: ChannelDataset) -> float:
    """Noise power per frequency of a set, as :data:`ESTIMATOR` says.

    Args:
        dataset: The set; at most 4,000 of its realisations are read.

    Returns:
        Linear power, in the units of ``|h|²``.

    Raises:
        DataError: There are fewer than 16 frequencies.
    """
    _, rx, tx, time, freq = dataset.shape
    if freq < LEAST:
        raise DataError(
            f"--noise-floor auto: {freq} frequencies are too few to see an empty part of the "
            f"delay window (at least {LEAST}); say it, as in --noise-floor -20dB"
        )
    window = np.hanning(freq + 2)[1:-1]
    window /= np.sqrt(np.mean(window**2))
    profiles = []
    for h in blocks(dataset, sample(dataset, _MOST)):
        taps = np.fft.ifft(np.fft.ifftshift(h * window, axes=-1), norm="ortho")
        found = power(taps).mean((1, 2, 3))
        turn = (np.arange(freq) + found.argmax(-1)[:, None] - freq // 8) % freq
        profiles.append(np.take_along_axis(found, turn, -1))
    looks = rx * tx * time
    profile = np.median(np.concatenate(profiles), axis=0) / (gammaincinv(looks, 0.5) / looks)
    around = np.concatenate([[0.0], np.cumsum(np.tile(profile, 2))])
    width = freq // 8
    return float(((around[width:] - around[:-width]) / width)[:freq].min())


def mean_power(dataset: ChannelDataset) -> float:
    """Mean of |h|² over the whole set, in one pass."""
    total = 0.0
    for h in blocks(dataset, np.arange(len(dataset))):
        total += float(power(h).sum())
    return total / math.prod(dataset.shape)


def with_noise_floor(dataset: ChannelDataset, floor: str | float) -> ChannelDataset:
    """The set with its noise floor known, so that delay spreads are corrected for it.

    The channels stay as they are.

    Args:
        dataset: The set.
        floor: ``auto`` to estimate it, or the noise power relative to the mean power of the set
            [dB]. Either way it is one power for every realisation, as a receiver has one.

    Raises:
        DataError: The floor is not below the mean power, or cannot be estimated.
    """
    level = mean_power(dataset)
    if isinstance(floor, str):
        if floor != "auto":
            raise DataError(f"--noise-floor {floor}: say auto, or a level as in -20dB")
        power, how, rule = estimate(dataset), "estimated", ESTIMATOR
    else:
        if not (math.isfinite(floor) and floor < 0):
            raise DataError(
                f"--noise-floor {floor:g}dB: is relative to the mean power of the set; it must be "
                "below 0dB"
            )
        power, how, rule = level * 10 ** (floor / 10), "given", "as given"
    relative = 10 * math.log10(max(power / level, 1e-30))
    said = f"{how}, {relative:.1f} dB relative to the mean power of the set"
    dataset = replace(dataset, meta=replace(dataset.meta, noise_floor=power))
    return noted(
        dataset, "noise_floor", said, relative_db=round(relative, 3), power=power, rule=rule
    )
