"""An array that stays in its HDF5 file and is read slice by slice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from chanvae.errors import DataError

_BRIDGE = 1 << 18
"""Bytes it is cheaper to read and leave than to skip."""
_BLOCK = 1 << 25
"""Bytes read at a time."""

_READING = (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError)
"""What h5py raises for a file that is damaged or is not what it says."""
_DAMAGED = "is damaged and cannot be read; copy it again"


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """An HDF5 file to read from; whatever is wrong with it becomes one line.

    Only reading belongs in the block: every error h5py raises there is blamed on the file.

    Raises:
        DataError: The file is missing, not HDF5, truncated, damaged or in use.
    """
    path = os.fspath(path)
    if not Path(path).is_file():
        raise DataError(f"{path}: {_why(Path(path), '')}")
    try:
        file = h5py.File(path, "r")
    except _READING as error:
        raise DataError(f"{path}: {_why(Path(path), _line(error))}") from error
    with file:
        try:
            yield file
        except DataError:
            raise
        except _READING as error:
            raise DataError(f"{path}: {_DAMAGED} ({_line(error)})") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _why(path: Path, said: str) -> str:
    """Why a file could not be opened, for which HDF5 said ``said``, and what to do."""
    try:
        if path.is_dir():
            return "is a folder; name a file in it"
        if not path.exists():
            return "no such file; check the name"
        if not path.is_file():
            return "is not a regular file; copy what it holds into one"
        with path.open("rb") as file:
            head = file.read(16)
        if not head:
            return "is empty (0 bytes); copy or write it again"
        if head.startswith(b"MATLAB 5.0"):
            return "is a MATLAB file older than v7.3; save it in MATLAB with '-v7.3'"
        if not h5py.is_hdf5(path):
            return "is not an HDF5 file; chanvae reads HDF5"
    except OSError as refused:
        return f"cannot be opened ({refused.strerror}); check the name and its permissions"
    if "unable to lock" in said:
        return "is being written by another program; try again when that is done"
    if "truncated" in said:
        return f"is truncated ({path.stat().st_size} bytes are there); copy it again"
    return f"{_DAMAGED} ({said})"


def as_complex(block: np.ndarray) -> np.ndarray:
    """complex64 of whatever complex numbers the file holds."""
    with np.errstate(over="ignore"):  # infinity is found by the check at load, and counted
        return block.astype(np.complex64, copy=False)


@dataclass(frozen=True, eq=False)
class FileArray:
    """Complex64 ``[n, rx, tx, time, freq]`` in a file, which is opened anew for every read.

    It takes what numpy arrays take along ``n``: slices, integers, masks and arrays of indices in
    any order, and gives numpy arrays. It can be pickled, and used after a fork.

    Args:
        path: The file.
        name: The array in it.
        shape: ``(n, rx, tx, time, freq)``.
        n_axis: Which axis of the array in the file is ``n``.
        arrange: From a block as it lies in the file to complex64 ``[n, rx, tx, time, freq]``.
        rows: The realisations of the file that are taken, ascending; ``None`` takes all.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    n_axis: int = 0
    arrange: Callable[[np.ndarray], np.ndarray] = as_complex
    rows: np.ndarray | None = field(default=None, repr=False)

    dtype = np.dtype(np.complex64)

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
        wanted = _positions(index, len(self))
        rows, inverse = np.unique(wanted, return_inverse=True)
        found = self._read(rows if self.rows is None else self.rows[rows])
        return found if np.array_equal(rows, wanted) else found[inverse]

    def take(self, rows: np.ndarray) -> FileArray:
        """The realisations asked for (ascending indices), still in the file."""
        kept = rows if self.rows is None else self.rows[rows]
        return replace(self, rows=kept, shape=(len(kept), *self.shape[1:]))

    def _inner(self, index: tuple[Any, ...]) -> np.ndarray:
        """An index on several axes: ``n`` from the file, the others in memory."""
        first, *rest = index or (slice(None),)
        if isinstance(first, (int, np.integer)):
            return self[first][tuple(rest)]
        if isinstance(first, slice) or all(isinstance(r, slice) for r in rest):
            return self[first][(slice(None), *rest)]
        return self[:][index]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """The rows of the file at ascending, distinct positions."""
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        size = max(found.dtype.itemsize * int(np.prod(self.shape[1:])), 1)
        far = np.diff(rows) > max(_BRIDGE // size, 1)
        block = rows // max(_BLOCK // size, 1)
        ends = [*(np.flatnonzero(far | (np.diff(block) > 0)) + 1), len(rows)]
        with opened(self.path) as file:
            source = cast("h5py.Dataset", file[self.name])
            for start, stop in zip([0, *ends], ends, strict=False):
                if start < stop:
                    at, end = int(rows[start]), int(rows[stop - 1]) + 1
                    part = (slice(None),) * self.n_axis + (slice(at, end),)
                    read = self.arrange(source[part])
                    found[start:stop] = read[rows[start:stop] - at]
        return found


def _positions(index: Any, n: int) -> np.ndarray:
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
