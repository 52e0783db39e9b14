"""One named array of a file, whatever kind of file it is in, read slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TEXT = np.dtype("U")
"""The type of an array of text, whatever its length in the file."""


@dataclass(frozen=True, eq=False)
class SourceArray:
    """An array as it lies in a file.

    Args:
        name: Its path in the file, with the first slash: ``/H``, ``/meta/delta_f``.
        shape: Its shape as Python sees the file; MATLAB shows that of a v7.3 file reversed.
        dtype: Numbers, complex numbers, a compound, ``TEXT``, or ``object`` for anything else.
        cut: Reads what a tuple of slices selects; text comes as numpy strings.
        attrs: Attributes of the array.
        reverse: MATLAB wrote it, and shows its axes in reverse.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    cut: Callable[[tuple[slice, ...]], np.ndarray] = field(repr=False)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    reverse: bool = False

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def read(self, axis: int | None = None, start: int = 0, stop: int | None = None) -> np.ndarray:
        """The array, or what lies from ``start`` to ``stop`` along one axis.

        Args:
            axis: The axis that is cut; ``None`` reads all of the array.
            start: First index along it.
            stop: Index after the last along it.
        """
        if axis is None:
            return np.asarray(self.cut((slice(None),) * self.ndim))
        return np.asarray(self.cut((slice(None),) * axis + (slice(start, stop),)))

    def column(self) -> np.ndarray:
        """All of it in one row."""
        return np.ravel(self.read())


def in_memory(name: str, values: np.ndarray) -> SourceArray:
    """An array that is in memory already, or mapped to it; bytes become text."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    dtype = TEXT if values.dtype.kind == "U" else values.dtype
    return SourceArray(name, tuple(values.shape), dtype, values.__getitem__)
