"""How an array lies in a file, and how it becomes ``[n, rx, tx, time, freq]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.axes import AXES
from chanvae.io.combine import Combine, single

_STANDS_FOR = {"delay": "freq", "rx_angle": "rx", "tx_angle": "tx"}
"""Axes of another domain, and what a Fourier transform makes of them."""


@dataclass(frozen=True)
class Label:
    """One number or text a realisation: ``role`` is ``condition``, ``group`` or nothing."""

    name: str
    dtype: str
    role: str = ""


@dataclass(frozen=True, eq=False)
class Reading:
    """How a file is read.

    Args:
        layout: Name of the layout.
        array: Path of the array in the file.
        file_shape: Its shape there (after ``--reshape``, where that is said).
        axes: What its axes are there, in that order.
        spacing: Of the taps [s] or subcarriers [Hz]; NaN for a single one or an uneven grid.
        freq: Baseband frequency [Hz], ascending.
        time: Time [s].
        carrier: Carrier [Hz], or NaN where unknown.
        stated_bandwidth: Bandwidth that the file or the options say [Hz], or NaN.
        rx_array: Receive array.
        tx_array: Transmit array.
        labels: The labels of the file and what is made of them.
        assumptions: What was assumed, a sentence each, with the option that says otherwise.
        options: Command-line options that say all of it.
        order: Where each of ``freq`` stands along the axis in the file; ``()`` in place.
        attributes: Licence, source and other attributes of the file.
        numbers: How its numbers become complex, in words.
        files: The files of a set that lies in several.
    """

    layout: str
    array: str
    file_shape: tuple[int, ...]
    axes: tuple[str, ...]
    spacing: float
    freq: np.ndarray
    time: np.ndarray
    carrier: float = float("nan")
    stated_bandwidth: float = float("nan")
    rx_array: ArrayGeometry = field(default_factory=ArrayGeometry)
    tx_array: ArrayGeometry = field(default_factory=ArrayGeometry)
    labels: tuple[Label, ...] = ()
    assumptions: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    order: tuple[int, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    numbers: str = "complex numbers"
    files: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """``delay`` or ``frequency``, as it is in the file."""
        return "delay" if "delay" in self.axes else "frequency"

    @property
    def shape(self) -> tuple[int, ...]:
        """``(n, rx, tx, time, freq)`` of what is read."""
        return canonical_shape(self.axes, self.file_shape)

    def named(self, role: str) -> tuple[str, ...]:
        """The names of the labels of one role."""
        return tuple(label.name for label in self.labels if label.role == role)


@dataclass(frozen=True)
class Arrange:
    """From blocks as they lie in the file to complex64 ``[n, rx, tx, time, freq]``.

    A delay axis becomes frequency by the unitary FFT, ascending: the inverse of
    ``ifft(ifftshift(h))``. An angle axis becomes antennas by the unitary inverse FFT.

    Args:
        axes: What the axes of the block are, in order.
        combine: How its numbers become complex.
        order: Where each frequency stands along the axis; ``()`` leaves it as it is.
    """

    axes: tuple[str, ...]
    combine: Combine = field(default_factory=Combine)
    order: tuple[int, ...] = ()

    def __call__(self, *blocks: np.ndarray) -> np.ndarray:
        """Put the axes in order, in frequency and antennas."""
        axes = tuple(axis for axis in self.axes if axis != "iq")
        h = self.combine(axes.index("n"), *blocks)
        for end in ("rx_angle", "tx_angle"):
            if end in axes:
                h = np.fft.ifft(h, axis=axes.index(end), norm="ortho")
        shape = canonical_shape(axes, h.shape)
        names = canonical_names(axes)
        kept = [k for k, name in enumerate(names) if name != "1"]
        single_ones = [k for k, name in enumerate(names) if name == "1"]
        order = [*sorted(kept, key=lambda k: AXES.index(names[k])), *single_ones]
        h = h.transpose(order).reshape(shape)
        if "delay" in axes:
            h = np.fft.fftshift(np.fft.fft(h, norm="ortho"), axes=-1)
        elif self.order:
            h = h[..., list(self.order)]
        return single(h, self.combine.where)


def canonical_names(axes: tuple[str, ...]) -> list[str]:
    """The axes once delay has become frequency and angles antennas."""
    return [_STANDS_FOR.get(axis, axis) for axis in axes]


def canonical_shape(axes: tuple[str, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """``(n, rx, tx, time, freq)`` of an array with these axes."""
    lengths = dict(zip(canonical_names(axes), shape, strict=True))
    return tuple(lengths.get(axis, 1) for axis in AXES)
