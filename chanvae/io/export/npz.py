"""numpy's ``.npz``, written in bounded memory and readable by ``numpy.load`` without pickle."""

from __future__ import annotations

import os
import zipfile

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import whole
from chanvae.io.export.streamed import Progress, blocks
from chanvae.io.header import header, units


def write(
    dataset: ChannelDataset,
    path: str | os.PathLike[str],
    overwrite: bool = False,
    compress: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write a set as arrays named as in the file format, version 1, a batch at a time.

    ``h`` complex64 ``[n, rx, tx, time, freq]``, ``freq``, ``time``, ``conditions/<name>``,
    ``groups/<name>``, and each root attribute as an array without axes.

    Args:
        dataset: The set, in memory or in another file.
        path: The file to write.
        overwrite: Replace a file that exists.
        compress: Has no effect: nothing is compressed, so that all of it can be mapped.
        progress: Called with the number of realisations written, and of all.

    Raises:
        DataError: The file exists or cannot be written.
    """
    small = {"freq": np.asarray(dataset.freq), "time": np.asarray(dataset.time)}
    small |= {f"conditions/{name}": v for name, v in dataset.conditions.items()}
    small |= {f"groups/{name}": v for name, v in dataset.groups.items()}
    said = {**header(dataset), "condition_units": units(dataset)}
    small |= {name: np.asarray(value) for name, value in said.items()}
    with (
        whole(path, overwrite) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as file,
    ):
        with file.open("h.npy", "w", force_zip64=True) as h:
            shape = {"descr": "<c8", "fortran_order": False, "shape": dataset.shape}
            np.lib.format.write_array_header_2_0(h, shape)
            for _, _, block in blocks(dataset, progress):
                h.write(np.ascontiguousarray(block, "<c8").data.cast("B"))
        for name, values in small.items():
            with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _plain(path, name, values), allow_pickle=False)


def _plain(path: str | os.PathLike[str], name: str, values: np.ndarray) -> np.ndarray:
    """An array that needs no pickle: objects become text if they are text."""
    if values.dtype.kind not in "OT":
        return values
    if all(isinstance(value, str) for value in values.tolist()):
        return values.astype(str)
    raise DataError(f"{os.fspath(path)}: {name}: conditions and groups are numbers or text")
