"""Several files of one kind as one set."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from chanvae.channels import ChannelDataset, ComplexArray
from chanvae.errors import DataError
from chanvae.io.layouts import Label, Reading
from chanvae.io.options import Options
from chanvae.rows import Rows

FILE = "file"
"""The group that says which file a realisation came from."""
Where = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def files(where: Where) -> tuple[str, ...]:
    """The files that a name, a pattern with ``*``, or a list of them means, in order.

    Raises:
        DataError: A pattern fits none, or a file is named twice.
    """
    several = [where] if isinstance(where, (str, os.PathLike)) else list(where)
    found: list[str] = []
    for name in [os.fspath(one) for one in several]:
        if glob.has_magic(name) and not Path(name).exists():
            fitting = sorted(glob.glob(name))  # noqa: PTH207
            if not fitting:
                raise DataError(f"{name}: no file fits the pattern; check the name")
            found += fitting
        else:
            found.append(name)
    if not found:
        raise DataError("no file is named; name at least one")
    real = [os.path.realpath(name) for name in found]
    for k, name in enumerate(real):
        if name in real[:k]:
            raise DataError(f"{found[k]}: is named twice; name every file once")
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Joined(Rows):
    """Complex64 ``[n, rx, tx, time, freq]``, one array after the other along ``n``.

    Args:
        parts: The arrays.
        shape: ``(n, rx, tx, time, freq)``.
        rows: The realisations that are taken, ascending; ``None`` takes all.
    """

    parts: tuple[ComplexArray, ...]
    shape: tuple[int, ...]
    rows: np.ndarray | None = field(default=None, repr=False)

    def take(self, rows: np.ndarray) -> Joined:
        """The realisations asked for (ascending indices), still to be read."""
        kept = rows if self.rows is None else self.rows[rows]
        return replace(self, rows=kept, shape=(len(kept), *self.shape[1:]))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The realisations at ascending, distinct positions, in memory."""
        rows = rows if self.rows is None else self.rows[rows]
        starts = np.cumsum([0, *(part.shape[0] for part in self.parts)])
        cuts = np.searchsorted(rows, starts)
        found = [
            part[rows[low:high] - start]
            for part, start, low, high in zip(
                self.parts, starts[:-1], cuts[:-1], cuts[1:], strict=True
            )
            if high > low
        ]
        return np.concatenate(found) if found else np.empty((0, *self.shape[1:]), self.dtype)


def of_each(options: Options, names: Sequence[str]) -> Options:
    """What is asked of each of several files: the group ``file`` is theirs together."""
    if len(names) == 1 or FILE not in options.groups:
        return options
    return replace(options, groups=tuple(name for name in options.groups if name != FILE))


def joined(
    sets: Sequence[ChannelDataset], names: Sequence[str], groups: Sequence[str] = ()
) -> ChannelDataset:
    """Sets one after the other; their axes, grids, arrays and units must agree.

    The group ``file`` says which one a realisation came from. Provenance is that of the first,
    with the file names and hashes of all.

    Args:
        sets: At least one.
        names: Their files.
        groups: Groups that were asked for: ``file`` goes first if it is the first of them, and
            is left out with ``random``.

    Raises:
        DataError: They do not fit together.
    """
    first = sets[0]
    for name, other in zip(names[1:], sets[1:], strict=True):
        if fault := _difference(first, other):
            raise DataError(
                f"{name}: {fault}, unlike {names[0]}; read files that agree as one set"
            )
    stems = [Path(name).name for name in names]
    stems = stems if len(set(stems)) == len(stems) else list(map(os.fspath, names))
    lengths = [len(one) for one in sets]
    known = {k: np.concatenate([one.groups[k] for one in sets]) for k in first.groups}
    if FILE in known:  # numbers of trajectories start anew in every file
        inner = [
            np.char.add(f"{stem}:", one.groups[FILE].astype(str))
            for stem, one in zip(stems, sets, strict=True)
        ]
        of = np.concatenate(inner)
    else:
        of = np.repeat(np.array(stems), lengths)
    if "random" not in groups:
        known = {FILE: of, **known} if groups[:1] == (FILE,) else {**known, FILE: of}
    conditions = {k: np.concatenate([one.conditions[k] for one in sets]) for k in first.conditions}
    return replace(
        first,
        h=Joined(tuple(one.h for one in sets), (sum(lengths), *first.shape[1:])),
        conditions=conditions,
        groups=known,
        meta=replace(first.meta, provenance=_provenance(sets, stems)),
    )


def joined_reading(
    readings: Sequence[Reading], names: Sequence[str], groups: Sequence[str] = ()
) -> Reading:
    """How several files are read: as the first, with the group ``file``."""
    first = readings[0]
    labels = first.labels
    if FILE not in first.named("group") and "random" not in groups:
        others = (label for label in labels if label.name != FILE)
        labels = (Label(FILE, "text", "group"), *others)
    n = sum(reading.shape[0] for reading in readings)
    k = first.axes.index("n")
    shape = (*first.file_shape[:k], n, *first.file_shape[k + 1 :])
    return replace(first, file_shape=shape, labels=labels, files=tuple(names))


def _difference(first: ChannelDataset, other: ChannelDataset) -> str:
    """In what two sets differ; nothing where they fit together."""
    if first.shape[1:] != other.shape[1:]:
        return f"has channels of shape {other.shape[1:]} and not {first.shape[1:]}"
    scale = max(abs(first.subcarrier_spacing), 1e-300) if len(first.freq) > 1 else 1.0
    if not np.allclose(first.freq, other.freq, rtol=0, atol=1e-6 * scale):
        return "has other frequencies (grid)"
    if not np.allclose(first.time, other.time, rtol=1e-6, atol=0):
        return "has other times (grid)"
    for what, a, b in (
        ("carrier", first.meta.carrier_frequency, other.meta.carrier_frequency),
        ("normalisation", first.meta.normalization, other.meta.normalization),
        (
            "power of the normalisation",
            first.meta.normalization_power,
            other.meta.normalization_power,
        ),
        ("receive array", first.rx_array, other.rx_array),
        ("transmit array", first.tx_array, other.tx_array),
        ("conditions", sorted(first.conditions), sorted(other.conditions)),
        ("units", dict(first.condition_units), dict(other.condition_units)),
        ("groups", sorted(first.groups), sorted(other.groups)),
    ):
        if a != b and not (a != a and b != b):
            return f"differs in {what}: {b} and not {a}"
    return ""


def _provenance(sets: Sequence[ChannelDataset], stems: Sequence[str]) -> dict[str, Any]:
    known = dict(sets[0].meta.provenance)
    hashes = [str(one.meta.provenance.get("sha256", "")) for one in sets]
    whole = hashlib.sha256("".join(hashes).encode()).hexdigest()
    known["file"] = stems[0] if len(stems) == 1 else f"{stems[0]} and {len(stems) - 1} more"
    return {**known, "files": dict(zip(stems, hashes, strict=True)), "sha256": whole,
            "sha256_of": "the hashes of its files"}  # fmt: skip
