"""The arrays of .npy and .npz files, mapped to memory unless they are compressed."""

from __future__ import annotations

import tokenize
import warnings
import zipfile
import zlib
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy

from chanvae.errors import DataError
from chanvae.io.opened import DAMAGED, READING, line
from chanvae.io.sourcearray import SourceArray, in_memory

_FAILURES = (*READING, SyntaxError, tokenize.TokenError, EOFError, MemoryError, zlib.error,
             NotImplementedError, zipfile.BadZipFile,
             zipfile.LargeZipFile, OverflowError)  # fmt: skip
"""What numpy and zipfile raise for a file that is damaged or is not what it says."""
_DENSEST = 100
"""Bytes in memory that one packed byte may stand for: those of channels stand for one or two."""
_SLACK = 1 << 26
"""Bytes that any member may unpack to."""
_LOCAL = 30
"""Bytes of a zip member's own header before its name."""


def arrays(path: str, kind: str) -> tuple[dict[str, SourceArray], bool]:
    """Every array by its path, and whether they are read from the file as they are needed.

    The array of an .npy file is called ``/h``. Pickled objects are listed and never loaded.

    Raises:
        DataError: The file is truncated or damaged.
    """
    try:
        if kind == "npy":
            with open(path, "rb") as file:  # noqa: PTH123
                return {"/h": _mapped(path, "/h", file, 0)}, True
        return _members(path)
    except _FAILURES as error:
        raise DataError(f"{path}: {DAMAGED} ({line(error)})") from error


def _members(path: str) -> tuple[dict[str, SourceArray], bool]:
    found, stored = {}, True
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            name = "/" + info.filename.removesuffix(".npy")
            with archive.open(info) as member:
                if info.compress_type == zipfile.ZIP_STORED:
                    with open(path, "rb") as file:  # noqa: PTH123
                        found[name] = _mapped(path, name, file, _start(file, info))
                else:
                    stored = False
                    found[name] = _unpacked(name, member, info)
    return found, stored


def _start(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where the content of a member begins, which only its own header says."""
    file.seek(info.header_offset)
    local = file.read(_LOCAL)
    lengths = (int.from_bytes(local[k : k + 2], "little") for k in (26, 28))
    return info.header_offset + _LOCAL + sum(lengths)


def _mapped(path: str, name: str, file: BinaryIO, start: int) -> SourceArray:
    file.seek(start)
    shape, fortran, dtype = _header(file)
    if dtype.hasobject:
        return _objects(name, shape)
    if 0 in shape:
        return in_memory(name, np.empty(shape, dtype))
    order = "F" if fortran else "C"
    values = np.memmap(path, dtype, "r", file.tell(), shape or (1,), order)
    return in_memory(name, values.reshape(shape) if not shape else values)


def _unpacked(name: str, member: IO[bytes], info: zipfile.ZipInfo) -> SourceArray:
    shape, fortran, dtype = _header(member)
    if dtype.hasobject:
        return _objects(name, shape)
    need = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if need > info.file_size or need > _SLACK + _DENSEST * info.compress_size:
        raise ValueError(
            f"{name} of {shape} needs {need} bytes; {info.file_size} are there, packed in "
            f"{info.compress_size}"
        )
    values = np.frombuffer(member.read(need), dtype)
    return in_memory(name, values.reshape(shape, order="F" if fortran else "C"))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a header that is mended is one of Python 2
        return read(file)


def _objects(name: str, shape: tuple[int, ...]) -> SourceArray:
    def refuse(cut: tuple[slice, ...]) -> np.ndarray:
        raise DataError(f"{name} holds Python objects, which are not read; store numbers")

    return SourceArray(name, shape, np.dtype(object), refuse)
