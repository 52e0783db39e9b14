"""Everything that happens when a file is read, done once for every object of it."""

from __future__ import annotations

import contextlib
import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from chanvae.io.opened import READING
from chanvae.io.probe import DAMAGED

_DENSEST = 1100
"""Bytes that one byte of a file may stand for: deflate reaches 1,032."""
_SLACK = 1 << 26
"""Bytes that any file may declare."""
_LONG = 1.0
"""Seconds after which a failure is no failure to be met twice."""
_FIRST = 1 << 20
"""Bytes of every array that are read."""
_OFTEN = 10_000
"""Chunks or texts between two signs of progress."""
_REFERENCES = 10_000
"""References followed in one array."""
_ELSEWHERE = (
    "lies in another file; copy what it refers to into this one (h5copy, h5repack), or add "
    "--trusted if you know where the file comes from"
)
_BUILT_IN = {1, 2, 3, 4, 5, 6, 32000}
"""Filters that HDF5 and h5py hold themselves: deflate, shuffle, fletcher32, szip, nbit,
scale-offset and lzf. Any other is code that HDF5 would look for and load."""


def wrong(path: str, progress: Callable[[], object], trusted: bool = False) -> str:
    """What makes a file unfit to be read, beside what h5py itself will say about it.

    Args:
        path: The file.
        progress: Called after every object.
        trusted: It may refer to other files and to filters that are loaded.

    Returns:
        What is wrong and how to mend it; ``""`` for nothing.
    """
    try:
        with Path(path).open("rb") as file:
            old = file.read(10) == b"MATLAB 5.0"
        return _matlab5(path) if old else _hdf5(path, progress, trusted)
    except MemoryError:
        return "declares more than memory holds; it is damaged: copy it again"


def _matlab5(path: str) -> str:
    """Read it all, as scipy does; what it says is for the reader to say."""
    import warnings

    import scipy.io

    from chanvae.io.matlab5 import FAILURES

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scipy.io.loadmat(path)
    except MemoryError:
        raise
    except FAILURES:
        pass
    return ""


def _hdf5(path: str, progress: Callable[[], object], trusted: bool) -> str:
    size, faults = Path(path).stat().st_size, []

    def link(name: str, found: object) -> None:
        if isinstance(found, h5py.ExternalLink) and not trusted:
            faults.append(f"/{name} {_ELSEWHERE}")

    def visit(_: str, member: h5py.HLObject) -> bool | None:
        progress()
        faults.append(_tried(lambda: _attributes(member)))
        if isinstance(member, h5py.Dataset):
            faults.append(_tried(lambda: _dataset(member, size, progress, trusted)))
        return True if any(faults) else None

    # What h5py raises here the reader meets as well, and says it.
    with contextlib.suppress(*READING), h5py.File(path, "r") as file:
        faults.append(_tried(lambda: _attributes(file)))
        file.visititems_links(link)
        file.visititems(visit)
    return next(filter(None, faults), "")


def _tried(action: Callable[[], str]) -> str:
    """What an action finds. Its failure the reader will meet as well, unless it takes long.

    Raises:
        MemoryError: HDF5 asked for more than there is here; the reader would give it.
    """
    start = time.monotonic()
    try:
        return action()
    except READING as error:
        said = " ".join(str(error).split())
        if "allocat" in said:
            raise MemoryError(said) from None
        slow = time.monotonic() - start > _LONG
        return f"{DAMAGED} ({said})" if slow else ""


def _attributes(member: h5py.HLObject) -> str:
    """Read every attribute; nothing is wrong with them if that ends."""
    list(member.attrs.items())
    return ""


def _dataset(array: h5py.Dataset, size: int, progress: Callable[[], object], trusted: bool) -> str:
    """What is wrong with an array; its text, references and chunk index are gone through."""
    if array.shape is None:
        return ""
    sources = {s.file_name for s in array.virtual_sources()} - {"."} if array.is_virtual else set()
    if (array.external or sources) and not trusted:
        return f"{array.name} {_ELSEWHERE}"
    for source in sources:
        place = Path(array.file.filename).parent / source
        if not place.is_file():
            return f"{array.name} takes part of it from {source}, which is not there; put it there"
        size += place.stat().st_size
    if not trusted and (foreign := _filters(array) - _BUILT_IN):
        return (
            f"{array.name} is packed by filter {min(foreign)} of HDF5, which is a plugin; unpack "
            "it (h5repack -f NONE), or add --trusted if you know where the file comes from"
        )
    dtype = array.dtype
    if _overlaps(dtype):
        return f"{array.name}: {DAMAGED} (its fields overlap)"
    packed = array.chunks is not None and bool(_filters(array))
    declared = math.prod(array.shape) * max(dtype.itemsize, 1)
    if declared > _SLACK + size * (_DENSEST if packed or array.is_virtual else 1):
        return (
            f"{array.name} declares {declared / 1e9:.3g} GB of shape {array.shape} in a file of "
            f"{size / 1e9:.3g} GB; it is damaged or was never filled: write it again"
        )
    if array.chunks is not None and (fault := _chunks(array, size, progress)):
        return fault
    if dtype.kind == "O" and h5py.check_ref_dtype(dtype) is None:
        for start in range(0, array.shape[0] if array.ndim else 1, _OFTEN):
            array[start : start + _OFTEN] if array.ndim else array[()]
            progress()
    elif dtype.kind == "O":
        for reference in np.ravel(array[()])[:_REFERENCES]:
            if reference:
                _attributes(array.file[reference])
    elif array.size:
        array[(0,) * array.ndim if array.ndim else ()]
        rows = _FIRST // max(declared // array.shape[0], 1) if array.ndim else 0
        array[:rows] if rows else None
    return ""


def _filters(array: h5py.Dataset) -> set[int]:
    """The numbers of the filters that an array goes through."""
    made = array.id.get_create_plist()
    return {made.get_filter(k)[0] for k in range(made.get_nfilters())}


def _overlaps(dtype: np.dtype) -> bool:
    """Whether fields of a compound lie over each other or beyond it."""
    places = sorted(
        ((place[1], place[0]) for place in (dtype.fields or {}).values()), key=lambda p: p[0]
    )
    ends = [start + inner.itemsize for start, inner in places]
    starts = [*(start for start, _ in places[1:]), dtype.itemsize]
    return any(end > start for end, start in zip(ends, starts, strict=True)) if places else False


def _chunks(array: h5py.Dataset, size: int, progress: Callable[[], object]) -> str:
    """Walk the index of the chunks, which must all lie inside the file."""
    outside, seen = [], itertools.count(1)

    def chunk(info: h5py.h5d.StoreInfo) -> None:
        if next(seen) % _OFTEN == 0:
            progress()
        if info.byte_offset is not None and info.byte_offset + info.size > size:
            outside.append(info.byte_offset)

    array.id.chunk_iter(chunk)
    return f"{array.name} is damaged: part of it is said to lie beyond the file" * bool(outside)
