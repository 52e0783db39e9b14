"""An array that stays in its file and is read slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from chanvae.io.opened import opened as opened
from chanvae.io.sources import open_array
from chanvae.rows import Rows

_BRIDGE = 1 << 18
"""Bytes it is cheaper to read and leave than to skip."""
_BLOCK = 1 << 25
"""Bytes read at a time."""


def as_complex(block: np.ndarray) -> np.ndarray:
    """complex64 of whatever complex numbers the file holds."""
    with np.errstate(over="ignore"):  # infinity is found by the check at load, and counted
        return block.astype(np.complex64, copy=False)


@dataclass(frozen=True)
class Part:
    """An array that lies in a file, and which of its axes is ``n``.

    Args:
        path: The file.
        name: The array in it.
        n_axis: Which of its axes is ``n``; ``None`` for one without, which is read whole.
    """

    path: str
    name: str
    n_axis: int | None = 0


@dataclass(frozen=True, eq=False)
class FileArray(Rows):
    """Complex64 ``[n, rx, tx, time, freq]`` in a file, which is opened anew for every read.

    It can be pickled, and used after a fork.

    Args:
        path: The file.
        name: The array in it.
        shape: ``(n, rx, tx, time, freq)``.
        n_axis: Which axis of the array in the file is ``n``.
        arrange: From a block as it lies in the file (and the same rows of each array of
            ``beside``) to complex64 ``[n, rx, tx, time, freq]``.
        rows: The realisations of the file that are taken, ascending; ``None`` takes all.
        beside: Further arrays that belong to it: imaginary parts, phases, a scale.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    n_axis: int = 0
    arrange: Callable[..., np.ndarray] = as_complex
    rows: np.ndarray | None = field(default=None, repr=False)
    beside: tuple[Part, ...] = ()

    def take(self, rows: np.ndarray) -> FileArray:
        """The realisations asked for (ascending indices), still in the file."""
        kept = rows if self.rows is None else self.rows[rows]
        return replace(self, rows=kept, shape=(len(kept), *self.shape[1:]))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The realisations at ascending, distinct positions, in memory."""
        rows = rows if self.rows is None else self.rows[rows]
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        size = max(found.dtype.itemsize * int(np.prod(self.shape[1:])), 1)
        far = np.diff(rows) > max(_BRIDGE // size, 1)
        block = rows // max(_BLOCK // size, 1)
        ends = [*(np.flatnonzero(far | (np.diff(block) > 0)) + 1), len(rows)]
        parts = (Part(self.path, self.name, self.n_axis), *self.beside)
        with ExitStack() as stack:
            sources = [stack.enter_context(open_array(part.path, part.name)) for part in parts]
            for start, stop in zip([0, *ends], ends, strict=False):
                if start < stop:
                    at, end = int(rows[start]), int(rows[stop - 1]) + 1
                    pieces = (
                        source.read(part.n_axis, at, end)
                        for part, source in zip(parts, sources, strict=True)
                    )
                    found[start:stop] = self.arrange(*pieces)[rows[start:stop] - at]
        return found
