"""An HDF5 file that is written in pieces, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import h5py
import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import whole
from chanvae.io.sink import Sink, Stopped
from chanvae.stopping import held

CHUNK = 1 << 20
"""Bytes in one chunk, about."""
BATCH = 1 << 24
"""Bytes of ``h`` copied at a time."""

Progress = Callable[[int, int], None]
"""Called with the number of realisations written, and of all."""


@contextmanager
def streamed(
    path: str | os.PathLike[str], overwrite: bool, userblock: bytes = b"", libver: str = "earliest"
) -> Iterator[tuple[h5py.File, Sink]]:
    """A new HDF5 file that takes its name when the block ends well.

    Ctrl-C and SIGTERM wait for the next ``check`` of the sink: HDF5 compresses for long, and an
    exception that comes up as it then calls the sink leaves a file that it cannot close.

    Args:
        path: The file to write.
        overwrite: Replace a file that exists.
        userblock: Bytes before the HDF5 signature: none, 512, 1024, ...
        libver: Oldest HDF5 that is to read it: ``earliest``, which is 1.8, or ``latest``.

    Yields:
        The file, and what it is written to, whose ``check`` raises what
        the disk said.

    Raises:
        DataError: The file exists, the disk refuses, or HDF5 cannot hold what is to be written.
    """
    with whole(path, overwrite) as temporary:
        try:
            with (
                held() as asked_to_stop,
                suppress(Stopped),
                Sink(temporary, asked_to_stop) as sink,
            ):
                try:
                    with h5py.File(
                        sink,
                        "w",
                        libver=libver,
                        userblock_size=len(userblock),
                        rdcc_nbytes=16 * CHUNK,
                    ) as file:
                        yield file, sink
                finally:
                    sink.check()
        except (TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"{os.fspath(path)}: cannot be stored: {error}") from error
        if userblock:
            with temporary.open("r+b") as file:
                file.write(userblock)


def blocks(
    dataset: ChannelDataset, progress: Progress | None
) -> Iterator[tuple[int, int, np.ndarray]]:
    """The channels of a set in order: start, stop and complex64 ``[stop − start, ...]``."""
    size = max(BATCH // row_bytes(dataset), 1)
    for start in range(0, len(dataset), size):
        stop = min(start + size, len(dataset))
        yield start, stop, np.asarray(dataset.h[start:stop], np.complex64)
        if progress is not None:
            progress(stop, len(dataset))


def rows_a_chunk(dataset: ChannelDataset) -> int:
    """Realisations in one chunk."""
    return min(max(CHUNK // row_bytes(dataset), 1), max(len(dataset), 1))


def row_bytes(dataset: ChannelDataset) -> int:
    """Bytes of one realisation in complex64."""
    return int(np.prod(dataset.shape[1:])) * np.dtype(np.complex64).itemsize
