"""What a foreign HDF5 file says about its array, what the options say, and what must be asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.axes import FOREIGN_AXES
from chanvae.errors import DataError
from chanvae.io.find import complex_parts, labels, the_array
from chanvae.io.layouts import Arrange, Label, Options, Reading, canonical_shape
from chanvae.io.schema import text
from chanvae.units import show

SYNONYMS = {
    "realisation": "n", "realization": "n", "sample": "n", "snapshot": "n",
    "subcarrier": "freq", "frequency": "freq", "tap": "delay",
}  # fmt: skip
"""Other people's words for the axes."""
GROUP_LABELS = ("file_id", "file", "trajectory", "geometry", "group", "session")
"""Labels that say which realisations belong together, taken as the group unless told otherwise."""
_EXAMPLES = {1: "n", 2: "n,freq", 3: "n,rx,freq", 4: "n,rx,tx,freq", 5: "n,rx,tx,time,freq"}


def foreign(file: h5py.File, path: str, options: Options) -> tuple[Reading, Arrange]:
    """How the one complex array of a file is to be read.

    Raises:
        DataError: Something that is needed is neither in the file nor in the options, or the two
            do not fit; the message says which options to add.
    """
    array = the_array(file, path, options.array)
    where, shape = f"{path}: {array.name}", tuple(int(k) for k in array.shape)
    said = {**dict(file.attrs.items()), **dict(array.attrs.items())}
    assumed: list[str] = []
    axes = _axes(where, shape, said, options)
    if 0 in shape:
        k = shape.index(0)
        raise DataError(f"{where}: axis {k} ({axes[k]}) has length 0; it holds no channels")
    n, rx, tx, time, _ = canonical_shape(axes, shape)
    spacing, freq, order = _grid(where, axes, shape, said, options, assumed)
    carrier = _number(where, said, ("carrier_hz", "carrier_frequency_hz"), options.carrier)
    if np.isnan(carrier):
        assumed.append("the carrier is not in the file; --carrier 3.5GHz would say it")
    known = labels(file, str(array.name), n)
    reading = Reading(
        layout="HDF5 with one complex array",
        array=str(array.name),
        file_shape=shape,
        axes=axes,
        spacing=spacing,
        freq=freq,
        time=np.arange(time) * _time_spacing(where, time, said, options),
        carrier=carrier,
        stated_bandwidth=_number(where, said, ("bandwidth_hz",), options.bandwidth),
        rx_array=_geometry(where, "rx", rx, options.rx_array, assumed),
        tx_array=_geometry(where, "tx", tx, options.tx_array, assumed),
        labels=_roles(where, known, options, assumed),
        assumptions=tuple(assumed),
        order=order,
        attributes={k: v for k, v in ((k, _plain(v)) for k, v in said.items()) if v is not None},
    )
    parts = complex_parts(array.dtype) or ()
    return replace(reading, options=_spelled(reading)), Arrange(axes, parts, order)


def _axes(
    where: str, shape: tuple[int, ...], said: dict[str, Any], options: Options
) -> tuple[str, ...]:
    """The name of every axis of the array, from the options or else the file."""
    names, source = options.axes, "--axes " + ",".join(options.axes or ())
    if names is None:
        stated = said.get("axes", "")
        several = isinstance(stated, np.ndarray) and stated.ndim == 1
        words = [text(w) for w in stated] if several else text(stated).split(",")
        names, source = tuple(w.strip() for w in words), "attribute axes"
    if not any(names):
        raise DataError(_ask_for_axes(where, shape))
    names = tuple(SYNONYMS.get(name.lower(), name.lower()) for name in names)
    unknown = [name for name in names if name not in FOREIGN_AXES]
    faults = {
        f"{unknown[:1]} is not one of {' '.join(FOREIGN_AXES)}": bool(unknown),
        f"names {len(names)} axes; the array has {len(shape)} {shape}": len(names) != len(shape),
        "names an axis twice": len(set(names)) < len(names),
        "has no n, the axis of the realisations": "n" not in names,
        "has both delay and freq": {"delay", "freq"} <= set(names),
        "has iq, which is for real arrays": "iq" in names,
    }
    for fault, there in faults.items():
        if there:
            raise DataError(f"{where}: {source}: {fault}; say it as in --axes {_example(shape)}")
    return names


def _example(shape: tuple[int, ...]) -> str:
    return _EXAMPLES.get(len(shape), _EXAMPLES[5])


def _ask_for_axes(where: str, shape: tuple[int, ...]) -> str:
    if len(shape) > 5:
        return (
            f"{where} has {len(shape)} axes {shape}; at most five can be read "
            f"({_EXAMPLES[5]}): store it with fewer"
        )
    example = _example(shape)
    if len(shape) == 1:
        return f"{where} has 1 axis {shape}: if it is the realisations, add --axes n"
    return (
        f"{where} has {len(shape)} axes {shape}: say what they are and the grid, e.g. "
        f"--axes {example.replace('freq', 'delay')} --tap-spacing 1ns "
        f"or --axes {example} --subcarrier-spacing 15kHz"
    )


def _grid(
    where: str,
    axes: tuple[str, ...],
    shape: tuple[int, ...],
    said: dict[str, Any],
    options: Options,
    assumed: list[str],
) -> tuple[float, np.ndarray, tuple[int, ...]]:
    """Spacing in the file's own domain, ascending baseband frequencies, and where they stand."""
    delay = "delay" in axes
    size = dict(zip(axes, shape, strict=True)).get("delay" if delay else "freq", 1)
    if size == 1:
        return float("nan"), np.zeros(1), ()
    if delay:
        _unused(where, "delay", "--tap-spacing", options.subcarrier_spacing, "subcarrier-spacing")
        spacing = _number(where, said, ("tap_s", "tap_spacing_s"), options.tap_spacing)
    else:
        _unused(where, "freq", "--subcarrier-spacing", options.tap_spacing, "tap-spacing")
        names = ("subcarrier_spacing_hz",)
        spacing = _number(where, said, names, options.subcarrier_spacing)
    index = None if delay else said.get("subcarrier_index")
    if options.bandwidth is not None and index is None:
        from_bandwidth = 1 / options.bandwidth if delay else options.bandwidth / size
        if np.isnan(spacing):
            spacing = from_bandwidth
        elif abs(spacing / from_bandwidth - 1) > 0.01:
            unit = "s" if delay else "Hz"
            raise DataError(
                f"{where}: --bandwidth {show(options.bandwidth, 'Hz')} means a spacing of "
                f"{show(from_bandwidth, unit)}, and it is {show(spacing, unit)}; leave one out"
            )
    if np.isnan(spacing):
        what, option = ("taps", "--tap-spacing 1ns") if delay else (
            "subcarriers", "--subcarrier-spacing 15kHz"
        )  # fmt: skip
        raise DataError(
            f"{where}: the spacing of its {size} {what} is not in the file; add {option} "
            "(or --bandwidth 20MHz, if they fill it)"
        )
    if delay:
        assumed.append("the first tap has delay 0 and taps follow in order of delay")
        return spacing, np.fft.fftshift(np.fft.fftfreq(size, spacing)), ()
    if index is None:
        assumed.append("subcarriers follow in ascending frequency with baseband 0 in the middle")
        return spacing, (np.arange(size) - size // 2) * spacing, ()
    return _indexed(where, np.asarray(index), size, spacing)


def _indexed(
    where: str, index: np.ndarray, size: int, spacing: float
) -> tuple[float, np.ndarray, tuple[int, ...]]:
    """True frequencies of a grid with gaps or in another order: index times spacing."""
    if index.shape != (size,) or index.dtype.kind not in "iuf" or len(set(index.tolist())) < size:
        raise DataError(
            f"{where}: attribute subcarrier_index must be {size} distinct numbers, one a "
            f"subcarrier; it is {index.dtype} {index.shape}: correct it in the file"
        )
    order = np.argsort(index)
    freq = index[order].astype(np.float64) * spacing
    return spacing, freq, () if np.all(np.diff(order) == 1) else tuple(order.tolist())


def _unused(where: str, axis: str, wanted: str, value: float | None, option: str) -> None:
    if value is not None:
        raise DataError(f"{where}: --{option} is not for its axis {axis}; give {wanted}")


def _time_spacing(where: str, size: int, said: dict[str, Any], options: Options) -> float:
    step = _number(where, said, ("time_spacing_s",), options.time_spacing)
    if size > 1 and np.isnan(step):
        raise DataError(
            f"{where}: the spacing of its {size} times is not in the file; add --time-spacing 1ms"
        )
    return 0.0 if np.isnan(step) else step


def _number(
    where: str, said: dict[str, Any], names: tuple[str, ...], option: float | None
) -> float:
    """A positive number from the options, or else the file; NaN where neither says it."""
    if option is not None:
        return option
    name = next((name for name in names if name in said), None)
    if name is None:
        return float("nan")
    value = np.asarray(said[name])
    if value.size != 1 or value.dtype.kind not in "iuf" or not 0 < value.item() < np.inf:
        raise DataError(
            f"{where}: attribute {name} is {_plain(said[name])!r}; it must be a positive number: "
            "correct it, or say it with an option"
        )
    return float(value.item())


def _geometry(
    where: str, end: str, antennas: int, given: ArrayGeometry | None, assumed: list[str]
) -> ArrayGeometry:
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
    where: str, known: dict[str, h5py.Dataset], options: Options, assumed: list[str]
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
        Label(
            name, "text" if values.dtype.kind in "OS" else str(values.dtype), roles.get(name, "")
        )
        for name, values in known.items()
    )


def _spelled(reading: Reading) -> tuple[str, ...]:
    """The options that would say all of how a file is read."""

    def typed(value: float, unit: str) -> str:
        return show(value, unit, digits=10).replace(" ", "")

    words = ["--array", reading.array[1:], "--axes", ",".join(reading.axes)]
    if np.isfinite(reading.spacing):
        delay = reading.domain == "delay"
        option = "--tap-spacing" if delay else "--subcarrier-spacing"
        words += [option, typed(reading.spacing, "s" if delay else "Hz")]
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


def _plain(value: Any) -> Any:
    """An attribute as JSON can hold it; ``None`` where it cannot."""
    if text(value):
        return text(value)
    array = np.asarray(value)
    return array.tolist() if array.dtype.kind in "biuf" and array.size <= 4096 else None
