"""Channel impulse responses as Sionna has them: ``a`` and ``tau`` in an HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Mapping

import h5py
import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.export.streamed import Progress, blocks, rows_a_chunk, streamed
from chanvae.io.export.taps import Taps
from chanvae.io.header import header


def write(
    dataset: ChannelDataset,
    path: str | os.PathLike[str],
    overwrite: bool = False,
    compress: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write a set as paths for Sionna, a batch at a time.

    ``a`` is complex64 ``[n, 1, rx, 1, tx, path, time]`` and ``tau`` float64 ``[n, 1, 1, path]``
    [s], one path a delay bin: ``sionna.phy.channel.cir_to_ofdm_channel`` at ``freq`` gives ``h``
    back. Everything else lies beside them as in the file format, version 1.

    Args:
        dataset: The set, in memory or in another file.
        path: The file to write.
        overwrite: Replace a file that exists.
        compress: gzip.
        progress: Called with the number of realisations written, and of all.

    Raises:
        DataError: The file exists, cannot be written, the set holds no realisation, or its
            frequencies are not evenly spaced.
    """
    shown = os.fspath(path)
    if not len(dataset):
        raise DataError(f"{shown}: the set holds no realisation to write")
    try:
        taps = Taps(np.asarray(dataset.freq, np.float64))
    except DataError as error:
        raise DataError(f"{shown}: {error}; another format keeps this one") from None
    n, rx, tx, time, freq = dataset.shape
    rows, gzip = rows_a_chunk(dataset), "gzip" if compress else None
    kept = {"compression": gzip, "shuffle": compress}
    with streamed(path, overwrite) as (file, sink):
        a = file.create_dataset(
            "a",
            (n, 1, rx, 1, tx, freq, time),
            np.complex64,
            chunks=(rows, 1, rx, 1, tx, freq, time),
            **kept,
        )
        tau = file.create_dataset(
            "tau", (n, 1, 1, freq), np.float64, chunks=(rows, 1, 1, freq), **kept
        )
        tau.attrs["unit"] = "s"
        _beside(file, dataset)
        for start, stop, block in blocks(dataset, progress):
            found = taps.amplitudes(block).swapaxes(-1, -2)
            a[start:stop] = found[:, None, :, None]
            tau[start:stop] = np.broadcast_to(taps.delay, (stop - start, 1, 1, freq))
            sink.check()


def _beside(file: h5py.File, dataset: ChannelDataset) -> None:
    """Grid, conditions, groups and attributes, named as in the file format."""
    for name, unit in (("freq", "Hz"), ("time", "s")):
        file[name] = np.asarray(getattr(dataset, name), np.float64)
        file[name].attrs["unit"] = unit
    file.attrs.update(header(dataset))
    columns: Mapping[str, Mapping[str, np.ndarray]] = {
        "conditions": dataset.conditions,
        "groups": dataset.groups,
    }
    for room, values in columns.items():
        for name, column in values.items():
            text = column.dtype.kind in "USTO"
            stored = column.astype(object) if text else column
            file.create_dataset(
                f"{room}/{name}", data=stored, dtype=h5py.string_dtype() if text else None
            )
    for name in dataset.conditions:
        file[f"conditions/{name}"].attrs["unit"] = dataset.condition_units.get(name, "1")
