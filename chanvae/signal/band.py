"""The part of the frequencies that a sounder filled, and cutting a set to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.lazy import blocks, noted, power, sample
from chanvae.signal.subcarriers import keep_frequencies
from chanvae.units import show

EDGE_DB = 10.0
"""A frequency is occupied if its mean power is within this of the occupied level [dB]."""
EMPTY_DB = 20.0
"""A frequency is empty if it is below the occupied level by more than this [dB]."""
EMPTY_SHARE = 0.25
"""A share of empty frequencies above which a set should be cut."""
RULE = (
    "mean power over realisations, each scaled to unit power; the occupied level is its mean "
    f"weighted by itself; frequencies within {EDGE_DB:g} dB of it are occupied; gaps up to 1/16 "
    "of the frequencies are bridged; of several runs the one with most power counts"
)
_MOST = 20_000


def spectrum(dataset: ChannelDataset, most: int = _MOST) -> np.ndarray:
    """Mean power at each frequency over the occupied level, linear ``[freq]``.

    Every realisation counts alike, whatever its gain. The occupied level is the mean of the power
    weighted by the power itself, which empty frequencies do not lower.

    Args:
        dataset: The set; at most ``most`` realisations of it, evenly spaced, are read.
        most: How many.
    """
    total = np.zeros(len(dataset.freq))
    for h in blocks(dataset, sample(dataset, most)):
        found = power(h).mean((1, 2, 3))
        gain = found.mean(-1, keepdims=True)
        total += np.divide(found, gain, out=np.zeros_like(found), where=gain > 0).sum(0)
    return total / ((total**2).sum() / total.sum())


def occupied(level: np.ndarray) -> slice:
    """The occupied frequencies of a spectrum, as :data:`RULE` says.

    Args:
        level: Of :func:`spectrum` ``[freq]``.
    """
    inside = np.flatnonzero(level >= 10 ** (-EDGE_DB / 10))
    far = np.flatnonzero(np.diff(inside) - 1 > max(len(level) // 16, 1))
    runs = np.split(inside, far + 1)
    best = max(runs, key=lambda run: level[run[0] : run[-1] + 1].sum())
    return slice(int(best[0]), int(best[-1]) + 1)


def cut(dataset: ChannelDataset, band: str | Sequence[float]) -> ChannelDataset:
    """The set within a band.

    The delay window 1/Δf keeps its length; it has fewer, wider bins.

    Args:
        dataset: The set.
        band: ``auto`` for the occupied band, or the lowest and highest baseband frequency [Hz].

    Raises:
        DataError: Fewer than two frequencies lie in the band.
    """
    freq = dataset.freq
    size = len(freq)
    if size < 2:
        raise DataError("--band: there is a single frequency; leave it out")
    found = band == "auto"
    if isinstance(band, str):
        if not found:
            raise DataError(f"--band {band}: say auto, or two frequencies as in -100MHz..100MHz")
        level = spectrum(dataset)
        kept = occupied(level)
        if _split(level):
            raise DataError(
                "--band auto: the power lies at both ends of the band and not in its middle, as "
                "in FFT order; add --fftshift, or say the band as in --band -100MHz..100MHz"
            )
        keep = np.arange(size)[kept]
    else:
        low, high = (float(f) for f in band)
        room = 1e-6 * (freq[-1] - freq[0])
        keep = np.flatnonzero((freq >= low - room) & (freq <= high + room))
        if len(keep) < 2:
            raise DataError(
                f"--band {show(low, 'Hz')}..{show(high, 'Hz')}: {len(keep)} of the frequencies "
                f"{show(freq[0], 'Hz')} to {show(freq[-1], 'Hz')} lie in it; say a wider band"
            )
    out = keep_frequencies(dataset, keep) if len(keep) < size else dataset
    ends = float(freq[keep[0]]), float(freq[keep[-1]])
    word = "occupied band found" if found else "band cut"
    said = (
        f"{word}: {show(ends[0], 'Hz', 4)} to {show(ends[1], 'Hz', 4)}, {len(keep)} of {size} "
        "frequencies stay"
    )
    details = {"low_hz": ends[0], "high_hz": ends[1], "frequencies": len(keep), "before": size}
    return noted(out, "band", said, **details, rule=RULE if found else "as asked")


def empty_hint(level: np.ndarray) -> str:
    """A line where much of the band is empty; else ``""``.

    Args:
        level: Of :func:`spectrum` ``[freq]``.
    """
    share = float((level < 10 ** (-EMPTY_DB / 10)).mean())
    if share <= EMPTY_SHARE:
        return ""
    if _split(level):
        return (
            "the power lies at both ends of the band and not in its middle, as in FFT order: "
            "--fftshift puts it into ascending order"
        )
    return (
        f"{100 * share:.0f} % of the frequencies are empty ({EMPTY_DB:g} dB below the occupied "
        "level): --band auto cuts them off"
    )


def _split(level: np.ndarray) -> bool:
    """Whether both ends are occupied and a quarter or more of the band in the middle is not."""
    inside = level >= 10 ** (-EDGE_DB / 10)
    return bool(
        inside[0] and inside[-1] and np.diff(np.flatnonzero(inside)).max() > len(level) / 4
    )
