"""A file of channels, chanvae's own or somebody else's, as one set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io import hdf5, schema, several
from chanvae.io.digest import digest
from chanvae.io.export import readback
from chanvae.io.foreignfile import foreign_set
from chanvae.io.layouts import Reading
from chanvae.io.options import Options
from chanvae.io.own import own
from chanvae.io.paths.foreign import paths_or_pilots
from chanvae.io.probe import trust
from chanvae.io.sources import open_source
from chanvae.rows import Rows
from chanvae.signal.pipeline import STEPS, Steps, arrange, may_empty, process

_BATCH = 1 << 24
"""Bytes of ``h`` checked at a time."""


def load(
    path: several.Where,
    *,
    array: str | None = None,
    axes: str | Sequence[str] | None = None,
    real: str | None = None,
    imag: str | None = None,
    amplitude: str | None = None,
    phase: str | None = None,
    phase_unit: str | None = None,
    scale: str | None = None,
    offset: float | None = None,
    reshape: str | Sequence[int] | None = None,
    tap_spacing: float | None = None,
    subcarrier_spacing: float | None = None,
    subcarrier_index: str | Sequence[int] | None = None,
    time_spacing: float | None = None,
    bandwidth: float | None = None,
    subcarriers: int | None = None,
    pilots: str | None = None,
    carrier: float | None = None,
    rx_array: ArrayGeometry | str | None = None,
    tx_array: ArrayGeometry | str | None = None,
    meta: str | None = None,
    layout: str | None = None,
    groups: Sequence[str] = (),
    conditions: Sequence[str] = (),
    drop_invalid: bool = False,
    trusted: bool = False,
    fftshift: bool = False,
    mask: str | None = None,
    independent_antennas: Literal["rx", "tx", "both"] | None = None,
    remove_timing: bool = False,
    band: str | Sequence[float] | None = None,
    regrid: bool = False,
    noise_floor: str | float | None = None,
    normalization: str | None = None,
) -> ChannelDataset:
    """Read a file of channels, or several as one set; ``h`` stays in the file.

    chanvae's own format says everything about itself. Of any other file (HDF5, MATLAB, npz, npy)
    the one complex array is read, or the arrays that make one; what the file does not say has to
    be said here. The whole set is passed over once to find realisations that cannot be used.

    Args:
        path: The file, a pattern such as ``day*.h5``, or a list of files whose axes and units
            agree; the group ``file`` then says which one a realisation came from.
        array: Which array to read, where a file has several.
        axes: What the axes of the array are, in the order Python sees them: of ``n rx tx time
            freq delay iq rx_angle tx_angle``, and ``1`` for one of length 1.
        real: Array of the real parts (or a field of the compound ``array``).
        imag: Array of the imaginary parts; ``FILE:NAME`` in another file.
        amplitude: Array of linear amplitudes, instead.
        phase: Array of phases; ``FILE:NAME`` in another file.
        phase_unit: ``deg`` or ``rad``, where their range leaves it open.
        scale: ``/NAME`` or ``*NAME``: an array with a number for each realisation to divide or
            multiply by; or a number.
        offset: Taken away from real and imaginary parts.
        reshape: Lengths of the axes after the first, where they are flattened into one.
        tap_spacing: Spacing of a delay axis [s].
        subcarrier_spacing: Spacing of a frequency axis [Hz].
        subcarrier_index: Which subcarriers they are, such as ``-28..-2/2,-1,1..27/2,28``.
        time_spacing: Spacing of a time axis [s].
        bandwidth: Bandwidth that the taps or subcarriers fill [Hz]; instead of their spacing.
        subcarriers: On how many subcarriers, filling ``bandwidth``, a list of paths is summed.
        pilots: A file with the pilots that a recording received, one an FFT bin.
        carrier: Carrier [Hz].
        rx_array: Receive array, or ``"ROWSxCOLUMNS"``.
        tx_array: Transmit array, or ``"ROWSxCOLUMNS"``.
        meta: A second file that says what this one does not.
        layout: All of this as a YAML file, or the name of a layout that comes with chanvae.
        groups: Labels that say which realisations belong together; ``("random",)`` for none.
        conditions: Labels that become conditions.
        drop_invalid: Go on without realisations that hold NaN, infinity or only zeros.
        trusted: An HDF5 file may refer to other files, and be packed by filters that are loaded
            as plugins; a stranger's file is refused that.
        fftshift: The frequencies lie in FFT order: 0 first, then up, then the negative ones.
        mask: Positions in ascending frequency, from 0, to leave out, such as ``"0-5,32,59-63"``;
            ``"auto"`` for those that are zero in every realisation.
        independent_antennas: ``"rx"``, ``"tx"`` or ``"both"``: each antenna becomes a realisation.
        remove_timing: Take the timing slope and common phase out of each realisation and time.
        band: ``"auto"`` for the occupied band, or its lowest and highest frequency [Hz].
        regrid: Interpolate frequencies with gaps to an even grid.
        noise_floor: Noise power relative to the mean power of the set [dB], or ``"auto"``; delay
            spreads are corrected for it.
        normalization: ``"none"``, ``"unit_mean_power"`` or ``"unit_power_per_realisation"``.

    Raises:
        DataError: The file cannot be read, what it does not say was not said, or a step does not
            fit it.
    """
    given = {k: v for k, v in locals().items() if k not in ("path", "drop_invalid", "trusted")}
    options, steps = _parted(given)
    names = several.files(path)
    if trusted:
        trust(names)
    each = several.of_each(options, names)
    found = [_read(name, each) for name in names]
    if steps.fftshift:
        _unordered(found[0][0], names[0])
    sets = [_with_origin(name, part) for name, (_, part) in zip(names, found, strict=True)]
    dataset = sets[0] if len(sets) == 1 else several.joined(sets, names, options.groups)
    shown = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    try:
        dataset = check(arrange(dataset, steps), shown, drop_invalid, options.conditions)
        done = process(dataset, steps)
    except DataError as error:
        raise error if str(error).startswith(shown) else DataError(f"{shown}: {error}") from None
    return check(done, shown, drop_invalid, options.conditions) if may_empty(steps) else done


def reading(path: several.Where, *, trusted: bool = False, **options: Any) -> Reading:
    """How :func:`load` would read a file with the same options, and what it would assume."""
    if trusted:
        trust(several.files(path))
    names, (chosen, steps) = several.files(path), _parted(options)
    each = several.of_each(chosen, names)
    found = [_read(name, each)[0] for name in names]
    joined = several.joined_reading
    how = found[0] if len(found) == 1 else joined(found, names, chosen.groups)
    return replace(how, options=(*how.options, *steps.typed())) if how.options else how


def is_ours(path: several.Where) -> bool:
    """Whether chanvae wrote a file (the first of several), which then says all about itself."""
    with open_source(several.files(path)[0]) as source:
        own_format = source.file is not None and schema.is_own(source.file)
        return own_format or readback.recognised(source) is not None


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


def _parted(given: Mapping[str, Any]) -> tuple[Options, Steps]:
    """What is said about a file, and what is to be done to its channels."""
    return Options.of({k: v for k, v in given.items() if k not in STEPS}), Steps.of(given)


def _unordered(how: Reading, path: str) -> None:
    """Refuse to reorder frequencies whose order is known."""
    if how.domain == "delay":
        raise DataError(f"{path}: --fftshift: its axis is delay; leave --fftshift out")
    if how.layout.startswith("chanvae"):
        raise DataError(f"{path}: --fftshift: the format is in ascending order; leave it out")
    if how.order:
        raise DataError(f"{path}: --fftshift: the file says the order of its subcarriers already")


def _read(path: str, options: Options) -> tuple[Reading, ChannelDataset]:
    """How one file is read, and what it holds: chanvae wrote it, or somebody else."""
    with open_source(path) as source:
        if source.file is not None and schema.is_own(source.file):
            layout = f"chanvae format, version {schema.SCHEMA_VERSION}"
            return own(path, options, hdf5.read(path), layout, "/h")
        if kind := readback.recognised(source):
            array = "/a" if kind == "sionna" else "/h"
            return own(path, options, readback.read(source), readback.LAYOUTS[kind], array)
        return paths_or_pilots(source, options) or foreign_set(source, options)


def _with_origin(path: str, dataset: ChannelDataset) -> ChannelDataset:
    """The set with the name and hash of its file."""
    origin = {"file": Path(path).name, **digest(Path(path))}
    provenance = {**dataset.meta.provenance, **origin}
    return replace(dataset, meta=replace(dataset.meta, provenance=provenance))


def _without(dataset: ChannelDataset, keep: np.ndarray, dropped: dict[str, int]) -> ChannelDataset:
    h = dataset.h.take(keep) if isinstance(dataset.h, Rows) else dataset.h[keep]
    provenance = {**dataset.meta.provenance, "dropped_realisations": dropped}
    return replace(
        dataset,
        h=h,
        conditions={k: v[keep] for k, v in dataset.conditions.items()},
        groups={k: v[keep] for k, v in dataset.groups.items()},
        meta=replace(dataset.meta, provenance=provenance),
    )
