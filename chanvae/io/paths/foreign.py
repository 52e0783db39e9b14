"""Files of paths or pilots as sets of channels, recognised by their own marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chanvae.axes import AXES
from chanvae.channels import ChannelDataset, ComplexArray, Meta
from chanvae.errors import DataError
from chanvae.io.interpret import geometry
from chanvae.io.layouts import Label, Reading
from chanvae.io.options import Options
from chanvae.io.paths import deepmimo, pilots, quadriga, sionna
from chanvae.io.paths.links import Links, PathArray, checked
from chanvae.io.paths.response import grid
from chanvae.io.sources import Source
from chanvae.units import show

_NOT_FOR_PATHS = (
    "array", "axes", "real", "imag", "amplitude", "phase", "phase_unit", "scale", "offset",
    "reshape", "tap_spacing", "subcarrier_spacing", "subcarrier_index", "meta", "layout",
)  # fmt: skip


def paths_or_pilots(source: Source, options: Options) -> tuple[Reading, ChannelDataset] | None:
    """How a file of paths or pilots is read, and the set; ``None`` for any other file.

    Raises:
        DataError: The grid is not said, the paths cannot be what they claim to be, the pilots are
            not known, or an option does not apply.
    """
    if options.array or options.real or options.amplitude:
        return None  # an array is named: it is read as one
    samples = pilots.samples_of(source)
    if samples is not None:
        _refuse(source.path, options, ("subcarriers", "bandwidth"), "pilots say their grid")
        return _recorded(source.path, pilots.recording(source, samples, options.pilots), options)
    found = _links(source, options)
    if found is None:
        if options.subcarriers is not None:
            raise DataError(f"{source.path}: --subcarriers is for lists of paths; leave it out")
        if options.pilots is not None:
            raise DataError(f"{source.path}: --pilots is for received pilots; leave it out")
        return None
    _refuse(source.path, options, ("pilots",), "a list of paths has none")
    return _summed(source.path, found, options)


def _links(source: Source, options: Options) -> Links | None:
    if quadriga.recognised(source):
        return quadriga.links(source)
    if sionna.recognised(source):
        return sionna.links(source)
    return deepmimo.links(source, options) if deepmimo.recognised(source) else None


def _summed(path: str, links: Links, options: Options) -> tuple[Reading, ChannelDataset]:
    """Paths on the grid that the options say."""
    where = f"{path}: {links.array}"
    if options.bandwidth is None or options.subcarriers is None:
        raise DataError(
            f"{where}: is a list of paths ({links.layout}); say the grid they are summed on with "
            "--bandwidth 100MHz --subcarriers 64"
        )
    _, rx, tx, time = links.shape
    if time > 1 and options.time_spacing is None:
        raise DataError(
            f"{where}: has {time} times, whose spacing it does not say; add --time-spacing 1ms"
        )
    found = checked(where, links)
    freq = grid(options.bandwidth, options.subcarriers)
    rows = np.flatnonzero(found.present)
    shape = (len(rows), rx, tx, time, len(freq))
    assumed = list(links.assumed)
    lost = len(found.present) - len(rows)
    if lost:
        assumed.append(f"{lost:,} of {len(found.present):,} links have no path and are left out")
    window = options.subcarriers / options.bandwidth
    if found.last > window:
        assumed.append(
            f"the longest delay, {show(found.last, 's')}, is beyond the delay window of "
            f"{show(window, 's')} and folds back into it; more --subcarriers widen it"
        )
    labels = {"paths": found.paths, **links.labels}
    return _set(
        where,
        PathArray(links.paths, freq, shape, rows, links.count),
        freq,
        options,
        layout=links.layout,
        array=links.array,
        carrier=links.carrier,
        labels={name: values[rows] for name, values in labels.items()},
        groups=links.groups,
        assumed=assumed,
        said={**links.said, "links_without_path": lost},
        numbers=f"{links.count} paths a link at most, of {links.file_shape}, summed on the grid",
    )


def _recorded(
    path: str, found: pilots.Recording, options: Options
) -> tuple[Reading, ChannelDataset]:
    """Received pilots over the pilots sent."""
    return _set(
        f"{path}: {found.array}",
        found.h,
        found.freq,
        options,
        layout=pilots.LAYOUT,
        array=found.array,
        carrier=found.carrier,
        labels=found.labels,
        groups=(),
        assumed=list(found.assumed),
        said=found.said,
        numbers=f"int16 I and Q of {found.file_shape}, over the pilots of {options.pilots}",
    )


def _set(
    where: str,
    h: ComplexArray,
    freq: np.ndarray,
    options: Options,
    *,
    layout: str,
    array: str,
    carrier: float,
    labels: Mapping[str, np.ndarray],
    groups: tuple[str, ...],
    assumed: list[str],
    said: Mapping[str, Any],
    numbers: str,
) -> tuple[Reading, ChannelDataset]:
    """The reading and the set of channels that are computed as they are read."""
    _, rx, tx, time, count = h.shape
    arrays = {
        end: geometry(where, end, antennas, given, assumed)
        for end, antennas, given in (
            ("rx", rx, options.rx_array),
            ("tx", tx, options.tx_array),
        )
    }
    carrier = options.carrier or carrier
    if np.isnan(carrier):
        assumed.append("the carrier is not in the file; --carrier 3.5GHz would say it")
    groups = tuple(g for g in options.groups if g != "random") or (
        () if options.groups else groups
    )
    for name in (*groups, *options.conditions):
        if name not in labels:
            option = "--group" if name in groups else "--condition"
            raise DataError(
                f"{where}: {option} {name}: no such label; it has: {', '.join(labels)}"
            )
    roles = {**dict.fromkeys(groups, "group"), **dict.fromkeys(options.conditions, "condition")}
    times = np.arange(time) * (options.time_spacing or 0.0)
    reading = Reading(
        layout=layout,
        array=array,
        file_shape=tuple(h.shape),
        axes=AXES,
        spacing=float(freq[1] - freq[0]) if count > 1 else float("nan"),
        freq=freq,
        time=times,
        carrier=carrier,
        stated_bandwidth=options.bandwidth or float("nan"),
        rx_array=arrays["rx"],
        tx_array=arrays["tx"],
        labels=tuple(Label(k, str(v.dtype), roles.get(k, "")) for k, v in labels.items()),
        assumptions=tuple(assumed),
        attributes=dict(said),
        numbers=numbers,
    )
    dataset = ChannelDataset(
        h=h,
        freq=freq,
        time=times,
        conditions={name: labels[name] for name in options.conditions},
        condition_units=dict.fromkeys(options.conditions, "1"),
        rx_array=arrays["rx"],
        tx_array=arrays["tx"],
        groups={name: labels[name] for name in groups},
        meta=Meta(carrier_frequency=carrier, provenance=dict(said)),
    )
    return replace(reading, options=_typed(options, groups)), dataset


def _refuse(path: str, options: Options, more: tuple[str, ...], why: str) -> None:
    """Refuse options that say what such files say themselves."""
    for name in (*_NOT_FOR_PATHS, *more):
        if getattr(options, name) is not None:
            reason = why if name in more else "its layout is known"
            raise DataError(f"{path}: --{name.replace('_', '-')}: {reason}; leave it out")


def _typed(options: Options, groups: tuple[str, ...]) -> tuple[str, ...]:
    """The options that say all of it."""
    words: list[str] = []
    for name, unit in (("bandwidth", "Hz"), ("carrier", "Hz"), ("time_spacing", "s")):
        if (value := getattr(options, name)) is not None:
            words += [f"--{name.replace('_', '-')}", show(value, unit, 10).replace(" ", "")]
    if options.subcarriers is not None:
        words += ["--subcarriers", str(options.subcarriers)]
    if options.pilots is not None:
        words += ["--pilots", options.pilots]
    for end in ("rx", "tx"):
        if (array := getattr(options, f"{end}_array")) is not None:
            words += [f"--{end}-array", f"{array.rows}x{array.columns}"]
    for role, names in (("group", groups), ("condition", options.conditions)):
        for name in names:
            words += [f"--{role}", name]
    return tuple(words)
