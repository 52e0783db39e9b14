"""MATLAB's ``.mat`` of version 7.3, as its ``load`` takes it."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping

import h5py
import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.export.streamed import Progress, blocks, rows_a_chunk, streamed
from chanvae.io.header import header, units

NAME = "chanvae_name"
"""Attribute of a field whose name MATLAB would not take: the name it had."""
_LONGEST = 63
"""Characters of a MATLAB name."""
_CLASSES = {"f8": "double", "f4": "single"} | {
    f"{kind}{size}": f"{'u' * (kind == 'u')}int{8 * size}"
    for kind in "iu"
    for size in (1, 2, 4, 8)
}
_COMPLEX = np.dtype([("real", "<f4"), ("imag", "<f4")])


def write(
    dataset: ChannelDataset,
    path: str | os.PathLike[str],
    overwrite: bool = False,
    compress: bool = True,
    progress: Progress | None = None,
) -> None:
    """Write a set as MATLAB variables, a batch at a time.

    ``h`` is complex single ``n x rx x tx x time x freq``; ``freq`` [Hz] and ``time`` [s] are
    columns; ``conditions`` and ``groups`` are structs of columns, text as char matrices; ``meta``
    is a struct of what the format's root attributes say, JSON where they are.

    Args:
        dataset: The set, in memory or in another file.
        path: The file to write.
        overwrite: Replace a file that exists.
        compress: gzip, as MATLAB does.
        progress: Called with the number of realisations written, and of all.

    Raises:
        DataError: The file exists, cannot be written, or the set holds no realisation.

    References:
        MathWorks, "MAT-File Versions"; HDF5 with a 512-byte user block, axes in reverse order,
        complex numbers as {real, imag}.
    """
    if not len(dataset):
        raise DataError(f"{os.fspath(path)}: the set holds no realisation to write")
    n, *rest = dataset.shape
    with streamed(path, overwrite, _preface()) as (file, sink):
        h = file.create_dataset(
            "h",
            (*rest[::-1], n),
            _COMPLEX,
            chunks=(*rest[::-1], rows_a_chunk(dataset)),
            compression="gzip" if compress else None,
        )
        h.attrs["MATLAB_class"] = np.bytes_("single")
        _matrix(file, "freq", np.asarray(dataset.freq, np.float64))
        _matrix(file, "time", np.asarray(dataset.time, np.float64))
        _struct(file, "conditions", dataset.conditions)
        _struct(file, "groups", dataset.groups)
        _struct(file, "meta", {**header(dataset), "condition_units": units(dataset)})
        for start, stop, block in blocks(dataset, progress):
            h[..., start:stop] = np.ascontiguousarray(block.transpose()).view(_COMPLEX)
            sink.check()


def _preface() -> bytes:
    """The user block: 116 bytes of text, no subsystem data, version 2.0, little-endian."""
    made = "Thu Jan 01 00:00:00 1970"  # not when: the same set gives the same bytes
    text = f"MATLAB 7.3 MAT-file, Platform: chanvae, Created on: {made} HDF5 schema 1.00 ."
    head = text.encode("ascii").ljust(116) + bytes(8) + struct.pack("<H", 0x0200) + b"IM"
    return head.ljust(512, b"\0")


def _struct(file: h5py.File, name: str, fields: Mapping[str, object]) -> None:
    """A scalar struct; none where there are no fields."""
    if not fields:
        return
    group, names = file.create_group(name), dict(zip(fields, _valid(fields), strict=True))
    group.attrs["MATLAB_class"] = np.bytes_("struct")
    letters = np.empty(len(names), object)
    letters[:] = [np.frombuffer(field.encode("ascii"), "S1") for field in names.values()]
    group.attrs.create("MATLAB_fields", letters, dtype=h5py.vlen_dtype("S1"))
    for given, field in names.items():
        made = _matrix(group, field, np.atleast_1d(np.asarray(fields[given])))
        made.attrs["H5PATH"] = np.bytes_(f"/{name}")
        if given != field:
            made.attrs[NAME] = given


def _matrix(where: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """A column of numbers, or a char matrix with a text a row."""
    if values.dtype.kind in "USTO":
        made = where.create_dataset(name, data=_letters(values))
        said, decode = "char", 2
    elif values.dtype.kind == "b":
        made = where.create_dataset(name, data=values.astype(np.uint8)[None])
        said, decode = "logical", 1
    else:
        double = values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8)
        values = values.astype(np.float64) if double else values
        said = _CLASSES.get(values.dtype.str[1:])
        if said is None:
            raise DataError(f"{name}: conditions and groups are numbers or text; {values.dtype}")
        made, decode = where.create_dataset(name, data=values[None]), 0
    made.attrs["MATLAB_class"] = np.bytes_(said)
    if decode:
        made.attrs["MATLAB_int_decode"] = np.int32(decode)
    return made


def _letters(texts: np.ndarray) -> np.ndarray:
    """UTF-16 units ``[width, n]``, padded with blanks; no text is less than one blank wide."""
    words = np.char.encode(texts.astype(str), "utf-16-le")
    words = words.astype(f"S{max(words.itemsize + words.itemsize % 2, 2)}")
    letters = words.reshape(-1, 1).view(np.uint16)
    return np.where(letters == 0, np.uint16(ord(" ")), letters).T


def _valid(names: Mapping[str, object]) -> Iterator[str]:
    """Names that MATLAB takes, each once: letters, digits and underscores, a letter first."""
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^0-9A-Za-z_]", "_", name)
        plain = (plain if plain[:1].isalpha() else f"x{plain}")[:_LONGEST]
        number = 1
        while plain in taken:
            number += 1
            plain = f"{plain[: _LONGEST - 1 - len(str(number))]}_{number}"
        taken.add(plain)
        yield plain
