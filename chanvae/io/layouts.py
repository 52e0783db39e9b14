"""How an array lies in a file, and how it becomes ``[n, rx, tx, time, freq]``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.axes import AXES
from chanvae.errors import DataError
from chanvae.io.filearray import as_complex


@dataclass(frozen=True)
class Options:
    """What the user says about a file; :func:`chanvae.load` explains each."""

    array: str | None = None
    axes: tuple[str, ...] | None = None
    tap_spacing: float | None = None
    subcarrier_spacing: float | None = None
    time_spacing: float | None = None
    bandwidth: float | None = None
    carrier: float | None = None
    rx_array: ArrayGeometry | None = None
    tx_array: ArrayGeometry | None = None
    groups: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("tap_spacing", "subcarrier_spacing", "time_spacing", "bandwidth", "carrier"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                option = name.replace("_", "-")
                raise DataError(f"--{option} is {value:g}; it must be positive and finite")


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
        file_shape: Its shape there.
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
    """From a block as it lies in the file to complex64 ``[n, rx, tx, time, freq]``.

    A delay axis becomes frequency by the unitary FFT, ascending: the inverse of
    ``ifft(ifftshift(h))``.

    Args:
        axes: What the axes of the block are, in order.
        parts: The two fields of a compound that is a complex number.
        order: Where each frequency stands along the axis; ``()`` leaves it as it is.
    """

    axes: tuple[str, ...]
    parts: tuple[str, ...] = ()
    order: tuple[int, ...] = ()

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Put the axes in order and in frequency."""
        if self.parts:
            real, imag = (block[name].astype(np.float64) for name in self.parts)
            block = real + 1j * imag
        names = in_frequency(self.axes)
        order = sorted(range(len(names)), key=lambda k: AXES.index(names[k]))
        h = block.transpose(order).reshape(canonical_shape(self.axes, block.shape))
        if "delay" in self.axes:
            h = np.fft.fftshift(np.fft.fft(h, norm="ortho"), axes=-1)
        elif self.order:
            h = h[..., list(self.order)]
        return as_complex(h)


def in_frequency(axes: tuple[str, ...]) -> list[str]:
    """The axes once delay has become frequency."""
    return ["freq" if axis == "delay" else axis for axis in axes]


def canonical_shape(axes: tuple[str, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """``(n, rx, tx, time, freq)`` of an array with these axes."""
    lengths = dict(zip(in_frequency(axes), shape, strict=True))
    return tuple(lengths.get(axis, 1) for axis in AXES)
