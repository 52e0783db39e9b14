"""From numbers as they are stored to complex numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from chanvae.errors import DataError

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Combine:
    """How a block of one or two arrays becomes complex.

    Args:
        kind: ``complex`` numbers; ``fields`` of a compound; ``parts`` in two arrays; ``polar``:
            amplitude and phase in two arrays; ``iq``: parts along an axis of 2.
        fields: The two fields of the compound.
        iq_axis: The axis of 2, after reshaping.
        degrees: The phase is in degrees.
        offset: Taken away from real numbers first.
        lengths: Lengths of the axes after the first; ``()`` leaves them as they are.
        scale: ``/`` or ``*`` where each realisation is divided or multiplied by a number that
            comes as a last block.
        factor: What everything is multiplied by.
        where: The array, for errors.
    """

    kind: Literal["complex", "fields", "parts", "polar", "iq"] = "complex"
    fields: tuple[str, ...] = ()
    iq_axis: int = -1
    degrees: bool = False
    offset: float = 0.0
    lengths: tuple[int, ...] = ()
    scale: Literal["", "/", "*"] = ""
    factor: float = 1.0
    where: str = "h"

    def __call__(self, n_axis: int, *blocks: np.ndarray) -> np.ndarray:
        """Complex numbers of a block.

        Args:
            n_axis: The axis of the realisations in what comes out.
            blocks: The array, what belongs to it, and the scale where there is one.
        """
        numbers = self._complex([self._shaped(block) for block in blocks[: self._arrays]])
        if self.scale:
            each = np.ravel(blocks[-1]).astype(np.float64)
            if np.any(each == 0) and self.scale == "/":
                raise DataError(f"{self.where}: --scale: holds zeros to divide by; correct them")
            shape = [1] * numbers.ndim
            shape[n_axis] = -1
            numbers = numbers * (1 / each if self.scale == "/" else each).reshape(shape)
        return numbers if self.factor == 1 else numbers * self.factor

    @property
    def _arrays(self) -> int:
        return 2 if self.kind in ("parts", "polar") else 1

    def _shaped(self, block: np.ndarray) -> np.ndarray:
        return block.reshape(len(block), *self.lengths) if self.lengths else block

    def _complex(self, blocks: list[np.ndarray]) -> np.ndarray:
        if self.kind == "complex":
            return blocks[0]
        if self.kind == "polar":
            size, turn = (block.astype(np.float64) for block in blocks)
            if np.any(size < 0):
                raise DataError(
                    f"{self.where}: holds negative amplitudes, as decibels would be; store linear "
                    "amplitudes"
                )
            return size * np.exp(1j * (np.deg2rad(turn) if self.degrees else turn))
        if self.kind == "iq":
            blocks = [np.take(blocks[0], part, self.iq_axis) for part in (0, 1)]
        elif self.kind == "fields":
            blocks = [blocks[0][name] for name in self.fields]
        real, imag = (block.astype(np.float64) - self.offset for block in blocks)
        return real + 1j * imag


def single(numbers: np.ndarray, where: str) -> np.ndarray:
    """complex64 of complex numbers.

    Raises:
        DataError: A finite one is beyond float32's range.
    """
    if numbers.dtype == np.complex64:
        return numbers
    with np.errstate(over="ignore", invalid="ignore"):
        small = numbers.astype(np.complex64)
        lost = np.isfinite(numbers) & ~np.isfinite(small)
    if lost.any():
        largest = float(np.max(np.abs(numbers[lost])))
        raise DataError(
            f"{where}: holds {largest:.3g}, beyond float32's range ({LARGEST:.2g}); "
            "scale it, as in --scale 1e-30"
        )
    return small
