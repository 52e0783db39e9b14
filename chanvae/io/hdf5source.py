"""The arrays of an HDF5 file, MATLAB's v7.3 among them.

MATLAB writes text as uint16, cells and arrays of structs as references into ``/#refs#``, and the
axes in reverse. Text is given as text here, and a cell of equal arrays as one array with the
cells along the first axis; the order of the axes is left as it lies in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

from chanvae.errors import DataError
from chanvae.io.sourcearray import TEXT, SourceArray


def arrays(file: h5py.File) -> tuple[dict[str, SourceArray], frozenset[str]]:
    """Every array of a file by its path, and the paths of its groups; MATLAB's own rooms apart."""
    found: dict[str, SourceArray] = {}
    groups: set[str] = set()

    def visit(name: str, member: h5py.HLObject) -> None:
        if name.startswith("#"):
            return
        if isinstance(member, h5py.Group):
            groups.add(f"/{name}")
        elif isinstance(member, h5py.Dataset) and (array := _array(file, member)) is not None:
            found[f"/{name}"] = array

    file.visititems(visit)
    return found, frozenset(groups)


def array(file: h5py.File, name: str) -> SourceArray:
    """One array by its path.

    Raises:
        DataError: It is not there, or is no array.
    """
    member = file.get(name)
    found = _array(file, member) if isinstance(member, h5py.Dataset) else None
    if found is None:
        raise DataError(f"{file.filename}: {name} is no longer an array there; it was changed")
    return found


def attributes(holder: h5py.HLObject) -> dict[str, Any]:
    """Attributes that can be read; MATLAB's bookkeeping apart."""
    return {
        name: value
        for name, value in holder.attrs.items()
        if not name.startswith("MATLAB_") and name != "H5PATH"
    }


def _array(file: h5py.File, member: h5py.Dataset) -> SourceArray | None:
    """An array as MATLAB or h5py means it; ``None`` where numpy has no type for it."""
    try:
        shape, dtype = member.shape, member.dtype
    except TypeError:
        return None
    if shape is None or "MATLAB_empty" in member.attrs:
        return None
    name, said = str(member.name), attributes(member)
    if h5py.check_string_dtype(dtype) is not None:
        return SourceArray(name, shape, TEXT, _text(member), said)
    if _is_char(member):
        return SourceArray(name, shape[1:] or (1,), TEXT, _chars(member), said)
    if h5py.check_ref_dtype(dtype) is not None and "#refs#" in file:
        return _cell(file, member)
    if dtype.kind == "O":
        return SourceArray(name, shape, np.dtype(object), member.__getitem__, said)
    reverse = "MATLAB_class" in member.attrs
    return SourceArray(name, shape, dtype, member.__getitem__, said, reverse)


def _text(member: h5py.Dataset) -> Callable[[tuple[slice, ...]], np.ndarray]:
    return lambda cut: np.asarray(member.asstr()[cut], dtype=str)


def _is_char(member: h5py.Dataset) -> bool:
    return member.dtype.kind in "ui" and member.attrs.get("MATLAB_class") in (b"char", "char")


def _chars(member: h5py.Dataset) -> Callable[[tuple[slice, ...]], np.ndarray]:
    """A char matrix: one text a column in the file, which is a row in MATLAB."""

    def read(cut: tuple[slice, ...]) -> np.ndarray:
        codes = np.asarray(member[()], np.uint16)
        codes = codes.reshape(len(codes), -1) if codes.ndim else codes.reshape(1, 1)
        rows = np.ascontiguousarray(codes.T)
        texts = [row.tobytes().decode("utf-16-le", "replace").rstrip() for row in rows]
        return np.array(texts, dtype=str).reshape(member.shape[1:] or (1,))[cut]

    return read


def _cell(file: h5py.File, member: h5py.Dataset) -> SourceArray:
    """A cell, or one field of an array of structs: text, numbers, or arrays along a first axis."""
    name, shape = str(member.name), tuple(member.shape)
    opaque = SourceArray(name, shape, np.dtype(object), member.__getitem__)
    first = np.ravel(member[(slice(0, 1),) * len(shape)])
    target = file[first[0]] if len(first) and first[0] else None
    inner = _array(file, target) if isinstance(target, h5py.Dataset) else None
    if inner is None or inner.dtype.kind == "O":
        return opaque
    read = _referred(file, member, inner)
    if inner.size == 1:
        return SourceArray(name, shape, inner.dtype, lambda cut: read().reshape(shape)[cut])
    count = int(np.prod(shape))

    def stacked(cut: tuple[slice, ...]) -> np.ndarray:
        return read(cut[0])[(slice(None), *cut[1:])]

    return SourceArray(name, (count, *inner.shape), inner.dtype, stacked)


def _referred(
    file: h5py.File, member: h5py.Dataset, like: SourceArray
) -> Callable[..., np.ndarray]:
    """Reads the arrays that a cell refers to, which must all be like its first."""

    def read(cut: slice = slice(None)) -> np.ndarray:
        parts = []
        for reference in np.ravel(member[()])[cut]:
            target = file[reference] if reference else None
            found = _array(file, target) if isinstance(target, h5py.Dataset) else None
            if found is None or found.dtype.kind != like.dtype.kind or found.shape != like.shape:
                raise DataError(
                    f"{file.filename}: {member.name}: its cells differ; the first is "
                    f"{like.dtype} {like.shape}: store them as one array"
                )
            parts.append(found.read())
        return np.stack(parts) if parts else np.empty((0, *like.shape), like.dtype)

    return read
