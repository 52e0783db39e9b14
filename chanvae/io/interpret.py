"""What a foreign file says about its array, what the options say, and what must be asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.axisnames import axis_names, canonical, question, stated
from chanvae.io.filearray import Part
from chanvae.io.find import labels, stored
from chanvae.io.grid import grid, time_spacing
from chanvae.io.layoutfile import Layout, layout_for
from chanvae.io.layouts import Arrange, Label, Reading, canonical_shape
from chanvae.io.options import Options
from chanvae.io.said import number, plain, said_by
from chanvae.io.scale import Scale, scale_of
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source
from chanvae.io.stored import Stored
from chanvae.units import show

GROUP_LABELS = ("file_id", "file", "trajectory", "geometry", "group", "session")
"""Labels that say which realisations belong together, taken as the group unless told otherwise."""


def foreign(source: Source, options: Options) -> tuple[Reading, Arrange, tuple[Part, ...]]:
    """How the one complex array of a file is to be read, and the arrays that make it.

    Raises:
        DataError: Something that is needed is neither in the file nor in the options, or the two
            do not fit; the message says which options to add.
    """
    layout, asked = layout_for(source, options.layout)
    options = options.over(layout.options()) if layout else options
    assumed = [] if asked or layout is None else [_recognised(layout)]
    with ExitStack() as stack:
        return _foreign(source, options, layout, assumed, stack)


def _foreign(
    source: Source, options: Options, layout: Layout | None, assumed: list[str], stack: ExitStack
) -> tuple[Reading, Arrange, tuple[Part, ...]]:
    # whether numbers are complex or (re, im) along an axis is said with the axes, which an
    # attribute of the file may say: of the array itself it is known only once that is found
    holders = (source.attributes, *(array.attrs for array in source.arrays.values()))
    by_file = [name for said in holders for name in canonical(stated(said))]
    iq = "iq" in canonical(options.axes or ()) if options.axes else "iq" in by_file
    found = stored(source, options, iq, stack)
    assumed += found.assumed
    array, where = found.array, f"{source.path}: {found.array.name}"
    said = said_by(source, array, options.meta, layout.says if layout else {}, stack)
    shape = _shape(where, array, options)
    used = tuple(a.name for path, a in found.arrays if path == source.path)
    likely, why = _likely(source, array, shape, used)
    ask = question(where, shape, likely, why, array)
    real = found.combine.kind == "iq"
    axes = axis_names(where, shape, said, options.axes, real, ask, assumed)
    if 0 in shape:
        k = shape.index(0)
        raise DataError(f"{where}: axis {k} ({axes[k]}) has length 0; it holds no channels")
    if options.reshape and axes[0] != "n":
        raise DataError(f"{where}: --reshape keeps the first axis, which must be n, not {axes[0]}")
    n, rx, tx, time, _ = canonical_shape(axes, shape)
    spacing, freq, order = grid(where, axes, shape, said, options, assumed)
    carrier = number(where, said, ("carrier_hz", "carrier_frequency_hz"), options.carrier)
    if np.isnan(carrier):
        assumed.append("the carrier is not in the file; --carrier 3.5GHz would say it")
    known = labels(source, used, n)
    scale = scale_of(source, options.scale, n, assumed)
    reading = Reading(
        layout=_layout_name(source, layout),
        array=array.name,
        file_shape=shape,
        axes=axes,
        spacing=spacing,
        freq=freq,
        time=np.arange(time) * time_spacing(where, time, said, options),
        carrier=carrier,
        stated_bandwidth=number(where, said, ("bandwidth_hz",), options.bandwidth),
        rx_array=geometry(where, "rx", rx, options.rx_array, assumed),
        tx_array=geometry(where, "tx", tx, options.tx_array, assumed),
        labels=_roles(where, known, options, assumed),
        assumptions=tuple(assumed),
        order=order,
        attributes={k: v for k, v in ((k, plain(v)) for k, v in said.items()) if v is not None},
        numbers=_in_words(found, options, scale),
    )
    reading = replace(reading, options=_spelled(reading, found.options, options))
    return reading, _arrange(reading, found, options, scale), _parts(source, found, scale, axes)


def _recognised(layout: Layout) -> str:
    return f"the layout is {layout.name}, by its arrays; --array NAME and other options go before"


def _layout_name(source: Source, layout: Layout | None) -> str:
    if layout is not None and layout.marks is not None:
        return layout.name
    kind = f"{source.kind} with one complex array"
    return f"{kind}, {layout.name}" if layout else kind


def _shape(where: str, array: SourceArray, options: Options) -> tuple[int, ...]:
    """The shape of the array, or what ``--reshape`` makes of it."""
    if not options.reshape:
        return array.shape
    rest = int(np.prod(array.shape[1:]))
    if int(np.prod(options.reshape)) != rest:
        lengths = ",".join(map(str, options.reshape))
        raise DataError(
            f"{where}: --reshape {lengths} has {int(np.prod(options.reshape))} numbers a "
            f"realisation; the array {array.shape} has {rest}"
        )
    return (array.shape[0], *options.reshape)


def _likely(
    source: Source, array: SourceArray, shape: tuple[int, ...], used: tuple[str, ...]
) -> tuple[int, str]:
    """The axis that would be taken for the realisations, and why."""
    sizes = {size: labels(source, used, size) for size in set(shape) if size > 1}
    fitting = {size: found for size, found in sizes.items() if found}
    if len(fitting) == 1:
        ((size, found),) = fitting.items()
        if shape.count(size) == 1:
            return shape.index(size), f"{next(iter(found))} has as many values"
    if source.kind == "MATLAB v5":
        return len(shape) - 1, "in MATLAB they are often last"
    if array.reverse:
        return 0, "MATLAB's last axis, where they often are"
    return 0, "they are often first"


def _in_words(found: Stored, options: Options, scale: Scale) -> str:
    """How the numbers of a file become complex."""
    words = found.numbers
    if options.offset:
        words += f", less {options.offset:g}"
    return f"{words}, {scale.words}" if scale.words else words


def _arrange(reading: Reading, found: Stored, options: Options, scale: Scale) -> Arrange:
    combine = replace(
        found.combine,
        iq_axis=reading.axes.index("iq") if "iq" in reading.axes else -1,
        offset=options.offset or 0.0,
        lengths=options.reshape or (),
        scale=scale.sense,
        factor=scale.factor,
        where=reading.array,
    )
    return Arrange(reading.axes, combine, reading.order)


def _parts(source: Source, found: Stored, scale: Scale, axes: tuple[str, ...]) -> tuple[Part, ...]:
    """The arrays of the channels, and their scale last."""
    parts = [
        Part(str(Path(path).resolve()), array.name, axes.index("n"))
        for path, array in found.arrays
    ]
    if scale.array is not None:
        n_axis = int(np.argmax(scale.array.shape))
        parts.append(Part(str(Path(source.path).resolve()), scale.array.name, n_axis))
    return tuple(parts)


def geometry(
    where: str, end: str, antennas: int, given: ArrayGeometry | None, assumed: list[str]
) -> ArrayGeometry:
    """The array that is given, or else a line, which is noted in ``assumed``.

    Raises:
        DataError: The array given has another number of antennas.
    """
    if given is None:
        if antennas > 1:
            assumed.append(
                f"the {antennas} {end} antennas are a line, half a wavelength apart; "
                f"--{end}-array {antennas}x1, for example, says otherwise"
            )
        return ArrayGeometry.line(antennas, assumed=antennas > 1)
    if given.size != antennas:
        raise DataError(
            f"{where}: --{end}-array {given.rows}x{given.columns} has {given.size} antennas; "
            f"the data has {antennas}"
        )
    return given


def _roles(
    where: str, known: Mapping[str, SourceArray], options: Options, assumed: list[str]
) -> tuple[Label, ...]:
    """What is made of every label."""
    groups, likely = options.groups, [name for name in GROUP_LABELS if name in known]
    if not groups and len(likely) == 1:
        groups = (likely[0],)
        assumed.append(
            f"{likely[0]} says which realisations belong together; "
            "--group NAME takes another label, --group random none"
        )
    elif not groups and likely:
        assumed.append(f"no group: {' and '.join(likely)} could be; --group {likely[0]} takes one")
    for name in (*(g for g in groups if g != "random"), *options.conditions):
        if name not in known:
            option = "--group" if name in groups else "--condition"
            raise DataError(
                f"{where}: {option} {name}: no such label; it has: {', '.join(known) or 'none'}"
            )
    roles = {**dict.fromkeys(groups, "group"), **dict.fromkeys(options.conditions, "condition")}
    return tuple(
        Label(name, "text" if values.dtype.kind == "U" else str(values.dtype), roles.get(name, ""))
        for name, values in known.items()
    )


def _spelled(reading: Reading, first: tuple[str, ...], given: Options) -> tuple[str, ...]:
    """The options that would say all of how a file is read."""

    def typed(value: float, unit: str) -> str:
        return show(value, unit, digits=10).replace(" ", "")

    words = [*first, "--axes", ",".join(reading.axes)]
    if given.reshape:
        words += ["--reshape", ",".join(map(str, given.reshape))]
    if given.scale:
        words += ["--scale", given.scale]
    if given.offset:
        words += ["--offset", f"{given.offset:.10g}"]
    if np.isfinite(reading.spacing):
        delay = reading.domain == "delay"
        option = "--tap-spacing" if delay else "--subcarrier-spacing"
        words += [option, typed(reading.spacing, "s" if delay else "Hz")]
    if given.subcarrier_index:
        words += ["--subcarrier-index", ",".join(map(str, given.subcarrier_index))]
    if len(reading.time) > 1:
        words += ["--time-spacing", typed(float(reading.time[1]), "s")]
    if np.isfinite(reading.carrier):
        words += ["--carrier", typed(reading.carrier, "Hz")]
    for end, array in (("rx", reading.rx_array), ("tx", reading.tx_array)):
        if array.size > 1:
            words += [f"--{end}-array", f"{array.rows}x{array.columns}"]
    for role in ("group", "condition"):
        for name in reading.named(role):
            words += [f"--{role}", name]
    return tuple(words)
