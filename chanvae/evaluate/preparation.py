"""Before two sets are compared: are they on one grid, what are their groups, what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chanvae.catalogue.statistic import Statistic
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.evaluate.distances import floor_size
from chanvae.evaluate.results import StatisticResult
from chanvae.units import show

FEWEST = 20
"""Realisations of a set below which nothing can be said about it."""


def on_grid_of(measured: ChannelDataset, other: ChannelDataset, name: str) -> ChannelDataset:
    """A set that can be compared with the measured one.

    Args:
        measured: The measured set.
        other: Another set.
        name: What it is, for messages.

    Returns:
        ``other`` with the arrays of ``measured`` where it only assumed its own.

    Raises:
        DataError: Too few realisations, or other antennas, times or frequencies.
    """
    for label, dataset in (("measured", measured), (name, other)):
        if len(dataset) < FEWEST:
            raise DataError(
                f"{label}: {len(dataset)} realisation(s); a comparison needs at least {FEWEST}"
            )
    for axis, a, b in zip(
        ("rx", "tx", "time", "freq"), measured.shape[1:], other.shape[1:], strict=True
    ):
        if a != b:
            mend = {
                "freq": "add --resample to compare on the frequencies that both cover",
                "time": "cut both to the same times",
            }
            raise DataError(
                f"{name}: axis {axis} has length {b}, measured has {a}; "
                + mend.get(axis, "compare sets of the same antennas")
            )
    off = np.abs(np.asarray(measured.freq) - np.asarray(other.freq)).max()
    if len(measured.freq) > 1 and off > 1e-3 * measured.subcarrier_spacing:
        raise DataError(
            f"{name}: the frequency grid differs from that of measured by up to "
            f"{show(float(off), 'Hz')} (spacing {show(other.subcarrier_spacing, 'Hz')} against "
            f"{show(measured.subcarrier_spacing, 'Hz')}); add --resample to compare on the "
            "frequencies that both cover"
        )
    arrays = {}
    for end in ("rx_array", "tx_array"):
        a, b = getattr(measured, end), getattr(other, end)
        if a != b and not (a.assumed or b.assumed):
            raise DataError(
                f"{name}: {end} is {b}, that of measured is {a}; say the true one when reading"
            )
        arrays[end] = a
    meta = replace(other.meta, noise_floor=measured.meta.noise_floor)
    return replace(other, **arrays, meta=meta)


def group(measured: ChannelDataset) -> tuple[str, np.ndarray | None]:
    """The first group that holds more than one realisation, and the label of each."""
    for name, values in measured.groups.items():
        labels = np.unique(values, return_inverse=True)[1]
        if 1 < labels.max() + 1 < len(labels):
            return name, labels
    return "", None


def table(values: Mapping[str, np.ndarray], known: tuple[Statistic, ...]) -> np.ndarray:
    """Statistics as columns, without digits that are rounding and not physics."""
    columns = [np.round(values[s.name] / s.resolution) * s.resolution for s in known]
    return np.stack(columns, axis=1)


def describe(dataset: ChannelDataset) -> dict[str, Any]:
    """Size, axes and provenance of a set."""
    n, *axes = dataset.shape
    return {
        "n": n,
        **dict(zip(("rx", "tx", "time", "freq"), axes, strict=True)),
        "rx_array": str(dataset.rx_array),
        "tx_array": str(dataset.tx_array),
        "carrier_frequency": dataset.meta.carrier_frequency,
        "bandwidth": dataset.bandwidth,
        "normalization": dataset.meta.normalization,
        "groups": {k: len(np.unique(v)) for k, v in dataset.groups.items()},
        "provenance": dict(dataset.meta.provenance),
    }


def notes(
    measured: ChannelDataset,
    generated: ChannelDataset,
    group: str,
    statistics: Sequence[StatisticResult],
    undefined: Sequence[str],
) -> tuple[str, ...]:
    """What is needed to read the numbers rightly.

    Args:
        measured: The measured set.
        generated: The generated set.
        group: Name of the group whose values are drawn whole, or ``""``.
        statistics: Results.
        undefined: Statistics without a result.
    """
    size = floor_size(len(measured), len(generated))
    notes = [
        f"The floor parts the measured set 200 times at random into two of {size} realisations "
        f"and is scaled to the sizes compared, {len(measured)} and {len(generated)}; intervals "
        "are 95 %, of 200 bootstrap draws."
    ]
    if group:
        count = len(np.unique(measured.groups[group]))
        notes.append(
            f"The measured set holds {count} values of {group}. Realisations that share one are "
            "not independent: the intervals draw them whole, but the floor parts realisations and "
            "so says only how near the same groups can come."
        )
    constant = [s.label for s in statistics if s.constant]
    if constant:
        notes.append(
            f"Constant in the measured set, so without a distance: {', '.join(constant)}."
        )
    if undefined:
        notes.append(
            "Left out, since fewer than two realisations of a set define them: "
            f"{', '.join(undefined)}."
        )
    heavy = [s.label for s in statistics if s.heavy_tails]
    if heavy:
        notes.append(
            "A few values make up the standard deviation, so the verdict is by KS: "
            f"{', '.join(heavy)}."
        )
    for s in statistics:
        shares = [x.undefined / (x.n + x.undefined) for x in (s.measured, s.generated)]
        if max(shares) > 0.001:
            notes.append(
                f"Not defined and left out of {s.label}: {100 * shares[0]:.2g} % of measured, "
                f"{100 * shares[1]:.2g} % of generated realisations."
            )
    return tuple(notes)
