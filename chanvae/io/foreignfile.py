"""A file in somebody else's layout as a set of channels."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from chanvae.channels import ChannelDataset, Meta
from chanvae.io.filearray import FileArray, Part
from chanvae.io.find import labels
from chanvae.io.interpret import foreign
from chanvae.io.layouts import Reading
from chanvae.io.options import Options
from chanvae.io.schema import text
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source, open_source
from chanvae.units import UNITS


def foreign_set(source: Source, options: Options) -> tuple[Reading, ChannelDataset]:
    """How a file is read, and the set; ``h`` stays in the file where that is possible.

    Raises:
        DataError: As :func:`chanvae.io.interpret.foreign`.
    """
    how, arrange, (first, *beside) = foreign(source, options)
    values = labels(source, (how.array,), how.shape[0])
    conditions, units = _conditions(values, how.named("condition"))
    n_axis = 0 if first.n_axis is None else first.n_axis
    h = FileArray(first.path, first.name, how.shape, n_axis, arrange, beside=tuple(beside))
    dataset = ChannelDataset(
        h=h if _lazy(source, (first, *beside)) else h[:],
        freq=how.freq,
        time=how.time,
        conditions=conditions,
        condition_units=units,
        rx_array=how.rx_array,
        tx_array=how.tx_array,
        groups={name: values[name].column() for name in how.named("group")},
        meta=Meta(carrier_frequency=how.carrier, provenance=how.attributes),
    )
    return how, dataset


def _lazy(source: Source, parts: tuple[Part, ...]) -> bool:
    """Whether every file of the channels is read slice by slice."""
    if not source.lazy:
        return False
    for path in {part.path for part in parts} - {os.path.realpath(source.path)}:
        with open_source(path) as other:
            if not other.lazy:
                return False
    return True


def _conditions(
    values: Mapping[str, SourceArray], names: tuple[str, ...]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Labels as conditions, in SI units where they say their unit."""
    conditions = {name: values[name].column() for name in names}
    units = {name: text(values[name].attrs.get("unit", "1")) for name in names}
    for name, unit in units.items():
        si, factor = next(
            ((s, known[unit]) for s, known in UNITS.items() if unit in known), ("", 1)
        )
        if si:
            conditions[name], units[name] = conditions[name] * factor, si
    return conditions, units
