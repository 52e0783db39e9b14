"""Indexing along ``n`` as numpy does it, for channels that are read when they are asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np


class Rows(ABC):
    """Complex64 ``[n, rx, tx, time, freq]`` that is read slice by slice along ``n``.

    It takes what numpy arrays take along ``n``: slices, integers, masks and arrays of indices in
    any order, and gives numpy arrays. A kind of it says how rows are read, and which are left
    when some are taken.
    """

    shape: tuple[int, ...]
    dtype = np.dtype(np.complex64)

    @abstractmethod
    def read(self, rows: np.ndarray) -> np.ndarray:
        """The realisations at ascending, distinct positions, in memory."""

    @abstractmethod
    def take(self, rows: np.ndarray) -> Self:
        """The realisations asked for (ascending indices), still to be read."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes it would take in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index: Any, /) -> np.ndarray:
        if isinstance(index, tuple):
            return self._inner(index)
        if isinstance(index, (int, np.integer)):
            return self[np.array([index])][0]
        wanted = positions(index, len(self))
        rows, inverse = np.unique(wanted, return_inverse=True)
        found = self.read(rows)
        return found if np.array_equal(rows, wanted) else found[inverse]

    def _inner(self, index: tuple[Any, ...]) -> np.ndarray:
        """An index on several axes: ``n`` from the file, the others in memory."""
        first, *rest = index or (slice(None),)
        if first is Ellipsis:  # how many axes it stands for depends on the rest
            return self[:][index]
        if isinstance(first, (int, np.integer)):
            return self[first][tuple(rest)]
        if isinstance(first, slice) or all(isinstance(r, slice) for r in rest):
            return self[first][(slice(None), *rest)]
        return self[:][index]


def positions(index: Any, n: int) -> np.ndarray:
    """Indices from 0 to n − 1 for whatever numpy would accept on one axis of length n."""
    if index is Ellipsis:
        index = slice(None)
    if isinstance(index, slice):
        return np.arange(*index.indices(n))
    index = np.asarray(index)
    if index.dtype == bool:
        if index.shape != (n,):
            raise IndexError(f"a mask of shape {index.shape} on an axis of length {n}")
        return np.flatnonzero(index)
    if index.ndim != 1 or (index.size and index.dtype.kind not in "iu"):
        raise IndexError("the axis n takes slices, masks and one-dimensional arrays of integers")
    index = index.astype(np.int64)
    if index.size and (index.min() < -n or index.max() >= n):
        raise IndexError(f"index out of range for an axis of length {n}")
    return np.where(index < 0, index + n, index)
