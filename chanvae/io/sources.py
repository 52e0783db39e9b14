"""A file as named arrays, wherever they come from: HDF5, MATLAB of any age, npz, npy.

Everything that reads foreign files stands on this: :func:`open_source` gives every array of a
file by its path, :func:`open_array` one of them without looking at the others. What kind of file
it is is told from its first bytes, never from its name. The arrays can be read as long as the
block of the ``with`` lasts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from chanvae.errors import DataError
from chanvae.io import hdf5source, matlab5, numpyfiles
from chanvae.io.opened import opened, why
from chanvae.io.sourcearray import SourceArray


@dataclass(frozen=True, eq=False)
class Source:
    """A file that is open for reading.

    Args:
        path: The file.
        kind: ``HDF5``, ``MATLAB v7.3``, ``MATLAB v5``, ``npz`` or ``npy``.
        arrays: Every array by its path (``/H``, ``/meta/delta_f``).
        attributes: Attributes of the file; empty where its kind has none.
        groups: Paths that are groups or structs, not arrays.
        lazy: Slices are read from the file; ``False`` where it is read whole at every opening,
            so that what is needed of it is better kept in memory.
        file: The HDF5 file itself, where it is one.
    """

    path: str
    kind: str
    arrays: Mapping[str, SourceArray]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()
    lazy: bool = True
    file: h5py.File | None = None


@contextmanager
def open_source(path: str | os.PathLike[str]) -> Iterator[Source]:
    """Every array of a file, to be read as long as the block lasts.

    Args:
        path: The file; its first bytes say of what kind it is.

    Raises:
        DataError: The file is missing, of no kind that chanvae reads, truncated, damaged or in
            use.
    """
    path = os.fspath(path)
    kind = kind_of(path)
    if kind == "MATLAB v5":
        yield Source(path, kind, *matlab5.arrays(path), lazy=False)
    elif kind in ("npz", "npy"):
        found, lazy = numpyfiles.arrays(path, kind)
        yield Source(path, kind, found, lazy=lazy)
    else:
        with opened(path) as file:
            found, groups = hdf5source.arrays(file)
            said = hdf5source.attributes(file)
            yield Source(path, kind, found, said, groups, file=file)


@contextmanager
def open_array(path: str | os.PathLike[str], name: str) -> Iterator[SourceArray]:
    """One array of a file, without a look at the others where the file allows it.

    Args:
        path: The file.
        name: Path of the array in it, as :class:`Source` has it.

    Raises:
        DataError: As :func:`open_source`, or the array is not there.
    """
    path = os.fspath(path)
    if kind_of(path) in ("HDF5", "MATLAB v7.3"):
        with opened(path) as file:
            yield hdf5source.array(file, name)
        return
    with open_source(path) as source:
        if name not in source.arrays:
            raise DataError(f"{path}: {name} is no longer in the file; it was changed")
        yield source.arrays[name]


def kind_of(path: str | os.PathLike[str]) -> str:
    """What kind of file it is, by its first bytes.

    Raises:
        DataError: It is missing, or of no kind that chanvae reads.
    """
    path = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            head = file.read(16)
    except OSError:
        raise DataError(f"{path}: {why(Path(path), '')}") from None
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"PK\x03\x04"):
        return "npz"
    if head.startswith(b"MATLAB 5.0"):
        return "MATLAB v5"
    return "MATLAB v7.3" if head.startswith(b"MATLAB 7.3") else "HDF5"
