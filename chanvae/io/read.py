"""A file of channels, chanvae's own or somebody else's, as one set."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.axes import AXES
from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.io import hdf5, schema
from chanvae.io.export import readback
from chanvae.io.filearray import FileArray
from chanvae.io.find import labels
from chanvae.io.interpret import foreign
from chanvae.io.layouts import Label, Options, Reading
from chanvae.io.opened import opened
from chanvae.io.sources import open_source
from chanvae.units import UNITS

_BATCH = 1 << 24
"""Bytes of ``h`` checked at a time."""
_SAID_BY_OWN = (
    "array", "axes", "tap_spacing", "subcarrier_spacing", "time_spacing", "bandwidth"
)  # fmt: skip
_WHOLE = 1 << 30
"""Files up to this many bytes are hashed whole."""


def load(
    path: str | os.PathLike[str],
    *,
    array: str | None = None,
    axes: str | Sequence[str] | None = None,
    tap_spacing: float | None = None,
    subcarrier_spacing: float | None = None,
    time_spacing: float | None = None,
    bandwidth: float | None = None,
    carrier: float | None = None,
    rx_array: ArrayGeometry | str | None = None,
    tx_array: ArrayGeometry | str | None = None,
    groups: Sequence[str] = (),
    conditions: Sequence[str] = (),
    drop_invalid: bool = False,
) -> ChannelDataset:
    """Read a file of channels; ``h`` stays in the file.

    chanvae's own format says everything about itself. Of any other HDF5 file the one complex
    array is read; what the file's attributes do not say has to be said here. The whole file is
    passed over once to find realisations that cannot be used.

    Args:
        path: The file.
        array: Which array to read, where a file has several.
        axes: What the axes of the array are, in order: of ``n rx tx time freq delay``.
        tap_spacing: Spacing of a delay axis [s].
        subcarrier_spacing: Spacing of a frequency axis [Hz].
        time_spacing: Spacing of a time axis [s].
        bandwidth: Bandwidth that the taps or subcarriers fill [Hz]; instead of their spacing.
        carrier: Carrier [Hz].
        rx_array: Receive array, or ``"ROWSxCOLUMNS"``.
        tx_array: Transmit array, or ``"ROWSxCOLUMNS"``.
        groups: Labels that say which realisations belong together; ``("random",)`` for none.
        conditions: Labels that become conditions.
        drop_invalid: Go on without realisations that hold NaN, infinity or only zeros.

    Raises:
        DataError: The file cannot be read, or what it does not say was not said.
    """
    options = _options(locals())
    path = os.fspath(path)
    dataset = _ours(path, options)
    if dataset is None:
        with opened(path) as file:
            dataset = _foreign(file, path, options)
    else:
        dataset = dataset[1]
    origin = {"file": Path(path).name, **_digest(Path(path))}
    provenance = {**dataset.meta.provenance, **origin}
    dataset = replace(dataset, meta=replace(dataset.meta, provenance=provenance))
    return check(dataset, path, drop_invalid, options.conditions)


def reading(path: str | os.PathLike[str], **options: Any) -> Reading:
    """How :func:`load` would read a file with the same options, and what it would assume."""
    path, chosen = os.fspath(path), _options(options)
    if ours := _ours(path, chosen):
        return ours[0]
    with opened(path) as file:
        return foreign(file, path, chosen)[0]


def check(
    dataset: ChannelDataset,
    name: str = "h",
    drop_invalid: bool = False,
    conditions: Sequence[str] = (),
) -> ChannelDataset:
    """Refuse or drop realisations that hold NaN or infinity, or are zero throughout.

    Args:
        dataset: The set, read a batch at a time.
        name: What to call it in an error.
        drop_invalid: Drop them; ``meta.provenance["dropped_realisations"]`` says how many.
        conditions: Conditions that must be finite too.

    Raises:
        DataError: There are such realisations and they are not to be dropped, or nothing is left.
    """
    n = len(dataset)
    finite, zero = np.ones(n, bool), np.zeros(n, bool)
    step = max(_BATCH // (8 * int(np.prod(dataset.shape[1:]))), 1)
    for start in range(0, n, step):
        h = dataset.h[start : start + step].reshape(min(step, n - start), -1)
        finite[start : start + step] = np.isfinite(h).all(1)
        zero[start : start + step] = ~h.any(1)
    found = {"NaN or infinity in /h": ~finite, "only zeros in /h": zero}
    for label in conditions:
        values = dataset.conditions[label]
        if values.dtype.kind == "f":
            found[f"NaN or infinity in condition {label}"] = ~np.isfinite(values)
    dropped = {fault: int(bad.sum()) for fault, bad in found.items() if bad.any()}
    if dropped and not drop_invalid:
        fault, count = next(iter(dropped.items()))
        raise DataError(
            f"{name}: {count} of {n} realisations: {fault} (the first is number "
            f"{int(np.argmax(found[fault]))}, from 0); --drop-invalid goes on without them"
        )
    keep = np.flatnonzero(~np.logical_or.reduce(list(found.values())))
    if not len(keep):
        raise DataError(f"{name}: holds no usable realisation; measure or export it again")
    return _without(dataset, keep, dropped) if dropped else dataset


def require_enough(dataset: ChannelDataset, minimum: int = 64) -> None:
    """Refuse a set that is too small to fit a model on.

    Raises:
        DataError: There are fewer than ``minimum`` realisations.
    """
    if len(dataset) < minimum:
        name = dataset.meta.provenance.get("file", "the data")
        raise DataError(
            f"{name}: {len(dataset)} realisations; fitting needs at least {minimum}: measure more"
        )


def _options(given: Mapping[str, Any]) -> Options:
    """The options as one value; text is read as the command line would."""
    known = {k: v for k, v in given.items() if k in Options.__dataclass_fields__}
    if unknown := given.keys() - known.keys() - {"path", "drop_invalid"}:
        raise TypeError(f"unknown reading options: {', '.join(sorted(unknown))}")
    if (axes := known.get("axes")) is not None:
        words = axes.split(",") if isinstance(axes, str) else axes
        known["axes"] = tuple(word.strip() for word in words)
    for end in ("rx_array", "tx_array"):
        if isinstance(known.get(end), str):
            known[end] = ArrayGeometry.parse(known[end])
    for names in ("groups", "conditions"):
        given_names = known.get(names) or ()
        known[names] = (given_names,) if isinstance(given_names, str) else tuple(given_names)
    return Options(**known)


def _foreign(file: h5py.File, path: str, options: Options) -> ChannelDataset:
    how, arrange = foreign(file, path, options)
    values = labels(file, how.array, how.shape[0])
    conditions = {name: schema.column(values[name]) for name in how.named("condition")}
    units = {name: schema.text(values[name].attrs.get("unit", "1")) for name in conditions}
    for name, unit in units.items():
        si, factor = next(
            ((s, known[unit]) for s, known in UNITS.items() if unit in known), ("", 1)
        )
        if si:
            conditions[name], units[name] = conditions[name] * factor, si
    return ChannelDataset(
        h=FileArray(str(Path(path).resolve()), how.array, how.shape, how.axes.index("n"), arrange),
        freq=how.freq,
        time=how.time,
        conditions=conditions,
        condition_units=units,
        rx_array=how.rx_array,
        tx_array=how.tx_array,
        groups={name: schema.column(values[name]) for name in how.named("group")},
        meta=Meta(carrier_frequency=how.carrier, provenance=how.attributes),
    )


def _ours(path: str, options: Options) -> tuple[Reading, ChannelDataset] | None:
    """A file that chanvae wrote, in its own format or for another program; ``None`` if it is not.

    The channels of :mod:`chanvae.io.export` are read back as they were written.
    """
    with open_source(path) as source:
        if source.file is not None and schema.is_own(source.file):
            layout = f"chanvae format, version {schema.SCHEMA_VERSION}"
            return _own(path, options, hdf5.read(path), layout, "/h")
        if kind := readback.recognised(source):
            array = "/a" if kind == "sionna" else "/h"
            return _own(path, options, readback.read(source), readback.LAYOUTS[kind], array)
    return None


def _own(
    path: str, options: Options, dataset: ChannelDataset, layout: str, array: str
) -> tuple[Reading, ChannelDataset]:
    """A file that says its own axes and grid; the rest may be overruled."""
    said = [name.replace("_", "-") for name in _SAID_BY_OWN if getattr(options, name) is not None]
    if said:
        raise DataError(f"{path}: is in chanvae's format, which says it; leave --{said[0]} out")
    conditions, groups = dict(dataset.conditions), dict(dataset.groups)
    known = {**conditions, **groups}
    for name in (*(g for g in options.groups if g != "random"), *options.conditions):
        if name not in known:
            raise DataError(f"{path}: no label {name!r}; it has: {', '.join(known) or 'none'}")
    if options.groups:
        groups = {k: known[k] for k in (*options.groups, *groups) if k in known}
        groups = {} if "random" in options.groups else groups
    conditions |= {name: known[name] for name in options.conditions}
    units = {**dict.fromkeys(conditions, "1"), **dataset.condition_units}
    carrier = options.carrier or dataset.meta.carrier_frequency
    rx_array, tx_array = options.rx_array or dataset.rx_array, options.tx_array or dataset.tx_array
    try:
        dataset = replace(
            dataset,
            conditions=conditions,
            condition_units=units,
            groups=groups,
            meta=replace(dataset.meta, carrier_frequency=carrier),
            rx_array=rx_array,
            tx_array=tx_array,
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    roles = {**dict.fromkeys(groups, "group"), **dict.fromkeys(conditions, "condition")}
    how = Reading(
        layout=layout,
        array=array,
        file_shape=dataset.shape,
        axes=AXES,
        spacing=dataset.subcarrier_spacing,
        freq=dataset.freq,
        time=dataset.time,
        carrier=carrier,
        rx_array=rx_array,
        tx_array=tx_array,
        labels=tuple(Label(k, str(known[k].dtype), roles.get(k, "")) for k in known),
        attributes=dict(dataset.meta.provenance),
    )
    return how, dataset


def _digest(path: Path) -> dict[str, str]:
    """SHA-256 of a file; of a very large one its size, first and last MiB."""
    digest, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        if size < _WHOLE:
            while block := file.read(1 << 20):
                digest.update(block)
        else:
            digest.update(str(size).encode() + file.read(1 << 20))
            file.seek(-(1 << 20), os.SEEK_END)
            digest.update(file.read())
    of = "the whole file" if size < _WHOLE else "its size, first and last MiB"
    return {"sha256": digest.hexdigest(), "sha256_of": of}


def _without(dataset: ChannelDataset, keep: np.ndarray, dropped: dict[str, int]) -> ChannelDataset:
    h = dataset.h.take(keep) if isinstance(dataset.h, FileArray) else dataset.h[keep]
    provenance = {**dataset.meta.provenance, "dropped_realisations": dropped}
    return replace(
        dataset,
        h=h,
        conditions={k: v[keep] for k, v in dataset.conditions.items()},
        groups={k: v[keep] for k, v in dataset.groups.items()},
        meta=replace(dataset.meta, provenance=provenance),
    )
