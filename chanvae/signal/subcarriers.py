"""Which frequencies a set has, in which order, and on which grid."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.lazy import blocks, mapped, noted
from chanvae.signal.timing import mean_delay
from chanvae.units import show

EVEN = 1e-3
"""A grid whose spacings differ by no more than this share of their mean is even."""


@dataclass(frozen=True)
class _Pick:
    """Takes frequencies by their positions."""

    keep: np.ndarray

    def __call__(self, h: np.ndarray, _: np.ndarray) -> np.ndarray:
        return h[..., self.keep]


@dataclass(frozen=True)
class _Spline:
    """Cubic splines over frequency, after the mean delay is taken out; it is then put back."""

    freq: np.ndarray
    onto: np.ndarray

    def __call__(self, h: np.ndarray, _: np.ndarray) -> np.ndarray:
        delay = mean_delay(h, self.freq)[:, None, None, :, None]
        still = h * np.exp(2j * np.pi * delay * self.freq)
        degree = min(3, len(self.freq) - 1)
        smooth = make_interp_spline(self.freq, still, degree, axis=-1)(self.onto)
        return (smooth * np.exp(-2j * np.pi * delay * self.onto)).astype(np.complex64)


def is_even(freq: np.ndarray) -> bool:
    """Whether frequencies are evenly spaced; two or fewer are."""
    steps = np.diff(freq)
    return len(steps) < 2 or bool(np.ptp(steps) <= EVEN * steps.mean())


def positions(text: str, size: int) -> np.ndarray:
    """Positions along the frequency axis as they are typed: ``0-5,32,59-63``.

    Args:
        text: Positions and ranges, both ends in, with commas between.
        size: Number of frequencies.

    Returns:
        Ascending, distinct.

    Raises:
        DataError: Something else, or outside the axis.
    """
    found: set[int] = set()
    for word in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", word)
        if match is None:
            raise DataError(
                f"--mask {text}: {word!r} is not a position; write --mask 0-5,32,59-63"
            )
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low or high >= size:
            raise DataError(
                f"--mask {text}: {word.strip()} is not within the positions 0-{size - 1} of the "
                "ascending frequencies; correct it"
            )
        found |= set(range(low, high + 1))
    return np.array(sorted(found))


def mask(dataset: ChannelDataset, what: str) -> ChannelDataset:
    """The set without null or guard subcarriers.

    Args:
        dataset: The set.
        what: Positions in ascending frequency from 0, such as ``0-5,32,59-63``; or ``auto`` for
            the frequencies that are zero in every realisation (the set is passed over once).

    Raises:
        DataError: The positions cannot be read, or fewer than two frequencies stay.
    """
    size = len(dataset.freq)
    if what == "auto":
        used = np.zeros(size, bool)
        for h in blocks(dataset, np.arange(len(dataset))):
            used |= h.any((0, 1, 2, 3))
        gone = np.flatnonzero(~used)
    else:
        gone = positions(what, size)
    if size - len(gone) < 2:
        raise DataError(
            f"--mask {what}: leaves {size - len(gone)} of {size} frequencies; mask less"
        )
    keep = np.setdiff1d(np.arange(size), gone)
    if len(gone):
        dataset = keep_frequencies(dataset, keep)
    said = f"{len(gone)} of {size} frequencies masked, {len(keep)} stay"
    return noted(dataset, "mask", said, option=what, masked=gone.tolist())


def keep_frequencies(dataset: ChannelDataset, keep: np.ndarray) -> ChannelDataset:
    """The set at some of its frequencies (ascending positions)."""
    shape = (*dataset.shape[1:4], len(keep))
    return mapped(dataset, _Pick(keep), shape=shape, freq=dataset.freq[keep])


def fftshift(dataset: ChannelDataset) -> ChannelDataset:
    """The set whose frequencies lay in FFT order (0 first, then up, then the negative ones).

    Raises:
        DataError: The frequencies are not evenly spaced, so their order is known.
    """
    if not is_even(dataset.freq):
        raise DataError(
            "--fftshift: the file says its frequencies one by one; leave --fftshift out"
        )
    order = np.fft.fftshift(np.arange(len(dataset.freq)))
    return noted(mapped(dataset, _Pick(order)), "fftshift", "FFT order put into ascending order")


def regrid(dataset: ChannelDataset) -> ChannelDataset:
    """The set interpolated to evenly spaced frequencies between its first and its last.

    The new spacing is the most frequent one, adjusted so that both ends are kept. Cubic splines
    of the real and imaginary parts, after the mean delay of each realisation and time was taken
    out, so that they need not follow its turning phase.

    Raises:
        DataError: There are fewer than three frequencies.
    """
    freq = dataset.freq
    if len(freq) < 3:
        raise DataError(f"--regrid: {len(freq)} frequencies have no grid; leave --regrid out")
    if is_even(freq):
        return noted(dataset, "regrid", "the grid is even already; nothing was interpolated")
    count = round(float((freq[-1] - freq[0]) / usual_spacing(freq))) + 1
    even = np.linspace(freq[0], freq[-1], count)
    out = mapped(dataset, _Spline(freq, even), shape=(*dataset.shape[1:4], count), freq=even)
    spacing = show(out.subcarrier_spacing, "Hz", 5)
    said = f"{len(freq)} uneven frequencies interpolated to {count} even ones, {spacing} apart"
    return noted(out, "regrid", said, frequencies=count, before=len(freq))


def usual_spacing(freq: np.ndarray) -> float:
    """The most frequent spacing [Hz]; the smallest of those that are equally frequent."""
    steps = np.diff(freq)
    unit = np.round(steps / steps.min(), 3)
    values, counts = np.unique(unit, return_counts=True)
    return float(values[counts.argmax()] * steps.min())


def uneven_hint(freq: np.ndarray) -> str:
    """A line where delays would be computed on a grid that is not even; else ``""``."""
    if is_even(freq):
        return ""
    steps = np.diff(freq)
    low, high = show(steps.min(), "Hz"), show(steps.max(), "Hz")
    return (
        f"the frequencies are {low} to {high} apart; delays, their statistics and the model take "
        f"them as even, {show(steps.mean(), 'Hz')} apart: --regrid interpolates them"
    )
