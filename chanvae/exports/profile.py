"""The mean profile of channels as a table of taps, in the form of a TDL or CDL of TR 38.901."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import refuse, whole
from chanvae.stats.angle import angular_power_spectrum, beam_angles, circular_angular_spread
from chanvae.stats.delay import delay_response, rms_delay_spread
from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import End, array_axis

TAPS = 24
"""Taps at most: as many as CDL-C has clusters."""
FLOOR_DB = 30.0
"""Delays weaker than the strongest by more than this are left out [dB]."""
FIRST_DB = 20.0
"""A realisation begins where its profile first comes within this of its strongest delay [dB]."""
_PART = 64
"""Realisations looked at together."""


@dataclass(frozen=True)
class Tap:
    """One tap.

    Args:
        delay: After the first arrival [s].
        normalised_delay: The same over the delay spread of the table, as TR 38.901 lists it.
        power_db: Mean power relative to the strongest tap [dB].
        rx_angle_deg: Mean angle of arrival from broadside [degrees]; none for one antenna.
        rx_angle_spread_deg: Circular spread of it [degrees].
        tx_angle_deg: Of departure.
        tx_angle_spread_deg: Of departure.
    """

    delay: float
    normalised_delay: float
    power_db: float
    rx_angle_deg: float | None = None
    rx_angle_spread_deg: float | None = None
    tx_angle_deg: float | None = None
    tx_angle_spread_deg: float | None = None


@dataclass(frozen=True)
class TapTable:
    """Taps by delay, and what they were made from.

    Args:
        taps: The taps.
        delay_spread: RMS delay spread of the table [s].
        realisations: How many channels the mean is over.
        carrier_frequency: Carrier [Hz]; none where unknown.
        bandwidth: Bandwidth [Hz]; delays are not resolved better than its inverse.
        conditions: What was asked for, in SI units.
        source: Where the channels came from.
    """

    taps: tuple[Tap, ...]
    delay_spread: float
    realisations: int
    carrier_frequency: float | None
    bandwidth: float
    conditions: dict[str, Any]
    source: str


def tap_table(
    batches: Iterable[ChannelDataset],
    conditions: dict[str, Any] | None = None,
    most: int = TAPS,
) -> TapTable:
    r"""The mean power over delay and angle, gathered into taps.

    Each realisation counts alike (its power is one) and from its own first arrival, as tapped
    delay lines count. Delay bins within :data:`FLOOR_DB` of the strongest are kept; neighbours are
    joined, those first that this moves least (Ward), until ``most`` are left. So the table has
    the mean profile's power, and a tap stands where the power it holds does. Its delay spread is
    that of the mean profile, which is above the mean of the realisations' where they differ.

    Args:
        batches: Channels, a few in memory at a time, all on one grid.
        conditions: What they were asked for; only told.
        most: Taps at most.

    Raises:
        DataError: No channel, none with power, or a single frequency.

    References:
        3GPP TR 38.901 V19.2, clause 7.7; Ward 1963 (joining).
    """
    total: _Mean | None = None
    for batch in batches:
        if batch.shape[-1] < 2:
            raise DataError("a single frequency has no delays; a table of taps needs several")
        total = total or _Mean(batch)
        for start in range(0, len(batch), _PART):
            total.add(batch[start : start + _PART])
    if total is None or not total.count:
        raise DataError("no channel with power; a table of taps needs some")
    return total.table(conditions or {}, most)


class _Mean:
    """Sums over realisations, by delay from the first arrival.

    Args:
        like: A set that says the axes.
    """

    def __init__(self, like: ChannelDataset) -> None:
        self.like, self.count = like, 0
        delays = like.shape[-1]
        self.power = torch.zeros(delays, dtype=torch.float64)
        arrays: dict[End, ArrayGeometry] = {"rx": like.rx_array, "tx": like.tx_array}
        self.ends: list[tuple[End, ArrayGeometry, torch.Tensor]] = [
            (name, array, torch.zeros(delays, len(beam_angles(array)), dtype=torch.float64))
            for name, array in arrays.items()
            if array_axis(array)[0] > 1
        ]

    def add(self, part: ChannelDataset) -> None:
        """Count some realisations in; those without power are left out."""
        g = delay_response(part.tensor())
        g = g[squared_magnitude(g).flatten(1).sum(1) > 0]
        if not len(g):
            return
        power = squared_magnitude(g).mean((1, 2, 3), dtype=torch.float64)
        level = power.sum(1, keepdim=True)
        g = _from_first(g, power) / level.sqrt().reshape(-1, 1, 1, 1, 1).to(g.dtype)
        self.count += len(g)
        self.power += squared_magnitude(g).double().mean((1, 2, 3)).sum(0)
        single = g.movedim(-1, 1)[..., None]  # each delay as a channel of one frequency
        for name, array, held in self.ends:
            held += angular_power_spectrum(single, array, name).sum(0)

    def table(self, conditions: dict[str, Any], most: int) -> TapTable:
        """The taps of all that was counted."""
        n, like = self.count, self.like
        power = self.power / n
        kept = torch.nonzero(power >= power.max() * 10 ** (-FLOOR_DB / 10)).flatten()
        groups = _joined(power[kept].numpy(), kept.numpy().astype(float), most)
        rows = [kept[list(group)] for group in groups]
        where = torch.stack([(power[r] * r).sum() / power[r].sum() for r in rows])
        levels = torch.stack([power[r].sum() for r in rows])
        delay = (where - where[0]) / (len(power) * like.subcarrier_spacing)
        spread = float(rms_delay_spread(levels, delay))
        taps = tuple(
            Tap(
                float(delay[i]),
                float(delay[i]) / spread if spread else 0.0,
                10 * math.log10(float(levels[i] / levels.max())),
                **self._angles(r),
            )
            for i, r in enumerate(rows)
        )
        carrier = like.meta.carrier_frequency
        return TapTable(
            taps,
            spread,
            n,
            carrier if math.isfinite(carrier) else None,
            like.bandwidth,
            conditions,
            str(like.meta.provenance.get("source", "")),
        )

    def _angles(self, rows: Tensor) -> dict[str, float]:
        """Mean angle and spread of some delays at each end that has an array."""
        found = {}
        for name, array, held in self.ends:
            spectrum, angle = held[rows].sum(0), beam_angles(array)
            mean = torch.atan2((spectrum * angle.sin()).sum(), (spectrum * angle.cos()).sum())
            found[f"{name}_angle_deg"] = math.degrees(float(mean))
            spread = circular_angular_spread(spectrum, angle)
            found[f"{name}_angle_spread_deg"] = math.degrees(float(spread))
        return found


def _from_first(g: Tensor, power: Tensor) -> Tensor:
    """Responses ``[n, …, delay]`` turned so that each begins with its first arrival.

    The delay axis is a circle; what stands up to an eighth of it before the strongest is earlier.
    """
    n = power.shape[-1]
    around = (torch.arange(n) + power.argmax(-1, keepdim=True) - n // 8) % n
    turned = power.gather(-1, around)
    strong = turned >= power.amax(-1, keepdim=True) * 10 ** (-FIRST_DB / 10)
    first = around.gather(-1, strong.to(torch.uint8).argmax(-1, keepdim=True))
    index = (torch.arange(n) + first) % n
    return g.gather(-1, index.reshape(len(g), 1, 1, 1, n).expand_as(g))


def _joined(power: np.ndarray, delay: np.ndarray, most: int) -> list[range]:
    """Neighbouring delays as groups, at most ``most``, which moves them least."""
    groups = [range(i, i + 1) for i in range(len(power))]
    while len(groups) > max(most, 1):
        weight = np.array([power[g].sum() for g in groups])
        mean = np.array([(power[g] * delay[g]).sum() for g in groups]) / weight
        cost = weight[1:] * weight[:-1] / (weight[1:] + weight[:-1]) * np.diff(mean) ** 2
        k = int(cost.argmin())
        groups[k : k + 2] = [range(groups[k].start, groups[k + 1].stop)]
    return groups


def write(table: TapTable, path: str | os.PathLike[str], overwrite: bool = False) -> list[Path]:
    """Write a table as CSV, a row a tap, and as JSON beside it with all that is known of it.

    Args:
        table: The table.
        path: The CSV file; the JSON file has its name with another ending.
        overwrite: Replace files that exist.

    Returns:
        The files.

    Raises:
        DataError: A file exists or cannot be written.
    """
    files = [Path(path), Path(path).with_suffix(".json")]
    if files[0] == files[1]:
        raise DataError(f"{path}: end it with .csv; the JSON file is written beside it")
    text = io.StringIO()
    rows = [{k: v for k, v in asdict(tap).items() if v is not None}
            for tap in table.taps]  # fmt: skip
    names = {"delay": "delay_s"}
    head = [names.get(k, k) for k in rows[0]]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tap", *head])
    writer.writerows([i + 1, *("" if v is None else f"{v:.6g}" for v in row.values())]
                     for i, row in enumerate(rows))  # fmt: skip
    whole_table = {
        **{k: v for k, v in asdict(table).items() if k != "taps"},
        "units": {"delay": "s", "delay_spread": "s", "carrier_frequency": "Hz", "bandwidth": "Hz"},
        "taps": rows,
    }
    for file in files:
        refuse(file, overwrite)
    for file, content in zip(files, (text.getvalue(), json.dumps(whole_table, indent=1) + "\n")):
        with whole(file, overwrite) as temporary:
            temporary.write_text(content)
    return files
