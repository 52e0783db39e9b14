"""An HDF5 file opened for reading; whatever is wrong with it becomes one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from chanvae.errors import DataError
from chanvae.io.probe import DAMAGED, sound

READING = (OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError)
"""What h5py raises for a file that is damaged or is not what it says."""


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """An HDF5 file to read from; whatever is wrong with it becomes one line.

    Only reading belongs in the block: every error h5py raises there is blamed on the file.

    Raises:
        DataError: The file is missing, not HDF5, truncated, damaged or in use, or part of it
            lies in another file.
    """
    path = os.fspath(path)
    if not Path(path).is_file():
        raise DataError(f"{path}: {why(Path(path), '')}")
    sound(path)
    try:
        file = h5py.File(path, "r")
    except READING as error:
        raise DataError(f"{path}: {why(Path(path), line(error))}") from error
    with file:
        try:
            yield file
        except DataError:
            raise
        except READING as error:
            raise DataError(f"{path}: {DAMAGED} ({line(error)})") from error


def line(error: Exception) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split())


def why(path: Path, said: str) -> str:
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
        if not h5py.is_hdf5(path):
            return "is not an HDF5 file; chanvae reads HDF5, MATLAB's .mat, .npz and .npy"
    except OSError as refused:
        return f"cannot be opened ({refused.strerror}); check the name and its permissions"
    if "unable to lock" in said:
        return "is being written by another program; try again when that is done"
    if "truncated" in said:
        return f"is truncated ({path.stat().st_size} bytes are there); copy it again"
    return f"{DAMAGED} ({said})"
