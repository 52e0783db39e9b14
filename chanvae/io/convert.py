"""Any readable file, or a set, in another format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import refuse
from chanvae.io import hdf5
from chanvae.io.export import matlab, npz, sionna
from chanvae.io.export.streamed import Progress
from chanvae.io.read import load
from chanvae.io.several import Where

Format = Literal["own", "mat", "sionna", "npz"]


def _own(
    dataset: ChannelDataset,
    path: str | os.PathLike[str],
    overwrite: bool,
    compress: bool,
    progress: Progress | None,
) -> None:
    hdf5.write(dataset, path, overwrite, "gzip" if compress else None, progress)


WRITERS = {"own": _own, "mat": matlab.write, "sionna": sionna.write, "npz": npz.write}
"""Format -> what writes it."""
ENDINGS = {".h5": "own", ".hdf5": "own", ".mat": "mat", ".npz": "npz"}
"""Ending of a name -> the format it means."""


def format_of(path: str | os.PathLike[str], to: str | None = None) -> str:
    """The format to write: the one asked for, or what the ending of the name means.

    Raises:
        DataError: The ending means no format, or the format is not known.
    """
    found = ENDINGS.get(Path(path).suffix.lower()) if to is None else to
    if found in WRITERS:
        return found
    if to is not None:
        raise DataError(f"{to!r} is not a format; the formats are {', '.join(WRITERS)}")
    raise DataError(
        f"{os.fspath(path)}: its ending means no format; end it with {', '.join(ENDINGS)}, "
        f"or say --to {'|'.join(WRITERS)}"
    )


def save(
    dataset: ChannelDataset,
    path: str | os.PathLike[str],
    to: Format | None = None,
    *,
    overwrite: bool = False,
    compress: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write a set in one of the formats, a batch at a time.

    Args:
        dataset: The set, in memory or in another file.
        path: The file to write; it appears when it is complete.
        to: ``own``, ``mat`` (MATLAB v7.3), ``sionna`` (``a`` and ``tau``) or ``npz``; otherwise
            the ending says it.
        overwrite: Replace a file that exists.
        compress: gzip: smaller, and slower to write and read.
        progress: Called with the number of realisations written, and of all.

    Raises:
        DataError: The format is not known or cannot hold the set; the file exists or cannot be
            written.
    """
    write = WRITERS[format_of(path, to)]
    write(_flat(dataset), path, overwrite, compress, progress)


def convert(
    files: Where,
    path: str | os.PathLike[str],
    to: Format | None = None,
    *,
    overwrite: bool = False,
    compress: bool = True,
    progress: Progress | None = None,
    **reading: Any,
) -> ChannelDataset:
    """Read a file as :func:`chanvae.load` does and write it in another format.

    Args:
        files: The file to read, or several that are one set.
        path: The file to write; it appears when it is complete.
        to: As in :func:`save`.
        overwrite: Replace a file that exists.
        compress: As in :func:`save`.
        progress: Called with the number of realisations written, and of all.
        reading: Options of :func:`chanvae.load`.

    Returns:
        The set that was read, as it lies in ``files``.

    Raises:
        DataError: The file cannot be read, or the other cannot be written.
    """
    format_of(path, to)
    refuse(path, overwrite)
    dataset = load(files, **reading)
    save(dataset, path, to, overwrite=overwrite, compress=compress, progress=progress)
    return dataset


def _flat(dataset: ChannelDataset) -> ChannelDataset:
    """The same with ``a_b`` for conditions and groups called ``a/b``, as nested labels are."""

    def named(values: Mapping[str, Any]) -> dict[str, Any]:
        found = {name.replace("/", "_"): value for name, value in values.items()}
        if len(found) < len(values):
            raise DataError(
                f"two of {', '.join(values)} are one name once '/' is '_'; leave one out"
            )
        return found

    return replace(
        dataset,
        conditions=named(dataset.conditions),
        condition_units=named(dataset.condition_units),
        groups=named(dataset.groups),
    )
