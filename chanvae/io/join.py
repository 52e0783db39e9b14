"""Shards joined to one set: a small file that says where its parts lie."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import h5py
import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import refuse
from chanvae.io.export.streamed import streamed
from chanvae.io.hdf5 import columns, read
from chanvae.io.header import header

_SAID = ("shard", "first", "realisations")
"""What a shard says of itself in its provenance."""


def join(
    paths: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    overwrite: bool = False,
) -> int:
    """Write a file of HDF5 virtual datasets over the shards of one set, in any order.

    It holds no channels, and is read as the one file that no shard would have been, as long as
    the shards stay where they are from it: ``chanvae.load(output, trusted=True)``.

    Args:
        paths: Files that ``--shard`` made, all of one set.
        output: The file to write.
        overwrite: Replace a file that exists.

    Returns:
        Realisations in all.

    Raises:
        DataError: A file is no shard, one is missing, or they are not of one set.
    """
    refuse(output, overwrite)
    found = sorted(((_first(read(path), path), path) for path in paths), key=lambda f: f[0][0])
    shards = [shard for (_, shard), _ in found]
    names = [os.fspath(path) for _, path in found]
    template, total = shards[0], shards[0].meta.provenance["realisations"]
    starts = [0, *accumulate(map(len, shards))]
    for (first, shard), path, start in zip([f for f, _ in found], names, starts):
        if first != start:
            raise DataError(
                f"{path}: begins with realisation {first}, and the shards before it end with "
                f"{start - 1}; name every shard, each once"
            )
        _same(shard, path, template, names[0])
    if starts[-1] != total:
        raise DataError(
            f"{names[-1]}: is the last shard named and ends at {starts[-1]} of {total} "
            "realisations; name every shard"
        )
    folder = Path(os.path.realpath(output)).parent
    places = [os.path.relpath(os.path.realpath(name), folder) for name in names]
    with streamed(output, overwrite, libver="latest") as (file, _):
        for name, unit in (("freq", "Hz"), ("time", "s")):
            file[name] = np.asarray(getattr(template, name), np.float64)
            file[name].attrs["unit"] = unit
        _virtual(file, "h", np.dtype(np.complex64), template.shape[1:], places, starts)
        for name, values in columns(template):
            if values.dtype.kind in "biuf":
                _virtual(file, name, values.dtype, (), places, starts)
            else:
                each = [dict(columns(shard))[name] for shard in shards]
                file.create_dataset(
                    name, data=np.concatenate(each).astype(object), dtype=h5py.string_dtype()
                )
            if name.startswith("conditions/"):
                unit = template.condition_units.get(name.split("/", 1)[1], "1")
                file[name].attrs["unit"] = unit
        file.attrs.update(header(_without_shard(template)))
    return total


def _first(shard: ChannelDataset, path: str | os.PathLike[str]) -> tuple[int, ChannelDataset]:
    """Where a shard begins."""
    said = shard.meta.provenance
    if not all(name in said for name in _SAID):
        raise DataError(
            f"{os.fspath(path)}: is not a shard; only files made with --shard are joined"
        )
    return int(said["first"]), shard


def _same(one: ChannelDataset, path: str, other: ChannelDataset, first: str) -> None:
    """Refuse a shard of another set."""
    kinds = [{name: values.dtype.kind for name, values in columns(s)} for s in (one, other)]
    said = [json.dumps(header(_without_shard(s))) for s in (one, other)]  # in which NaN is NaN
    axes = all(np.array_equal(getattr(one, a), getattr(other, a)) for a in ("freq", "time"))
    if not axes or one.shape[1:] != other.shape[1:] or kinds[0] != kinds[1] or said[0] != said[1]:
        raise DataError(f"{path}: is a shard of another set than {first}; join those of one")


def _without_shard(dataset: ChannelDataset) -> ChannelDataset:
    """The set as it would be in one file."""
    kept = {k: v for k, v in dataset.meta.provenance.items() if k not in _SAID}
    return replace(dataset, meta=replace(dataset.meta, provenance=kept))


def _virtual(
    file: h5py.File,
    name: str,
    dtype: np.dtype,
    shape: tuple[int, ...],
    places: list[str],
    starts: list[int],
) -> None:
    """One array ``[n, *shape]`` whose parts lie in the shards."""
    layout = h5py.VirtualLayout((starts[-1], *shape), dtype)
    for place, start, stop in zip(places, starts, starts[1:]):
        layout[start:stop] = h5py.VirtualSource(place, name, (stop - start, *shape), dtype)
    file.create_virtual_dataset(name, layout)
