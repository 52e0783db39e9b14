"""A set of channel realisations, measured or generated, in memory or in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.axes import AXES
from chanvae.errors import DataError

if TYPE_CHECKING:
    import torch


class ComplexArray(Protocol):
    """What ``h`` must do: numpy arrays do it, and so do arrays that stay in their file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        ...

    def __getitem__(self, index: Any, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Meta:
    """What is known about a set beside its numbers.

    Args:
        carrier_frequency: Carrier [Hz], or NaN where unknown.
        normalization: ``none``, ``unit_mean_power`` or ``unit_power_per_realisation``.
        delay_spread_definition: How ``conditions["delay_spread"]`` was computed.
        angular_spread_definition: How ``conditions["angular_spread"]`` was computed.
        provenance: Source, licence, command, seed, versions, hash of the data it came from, and
            in ``signal`` what was done to the channels when they were read.
        normalization_power: What ``unit_mean_power`` divided by, linear; NaN where unknown.
        noise_floor: Noise power per frequency as measured, before any normalisation, linear; NaN
            where unknown.
    """

    carrier_frequency: float = float("nan")
    normalization: str = "none"
    delay_spread_definition: str = ""
    angular_spread_definition: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    normalization_power: float = float("nan")
    noise_floor: float = float("nan")


@dataclass(frozen=True)
class ChannelDataset:
    """Channel realisations with their axes, conditions and groups.

    Args:
        h: complex64 ``[n, rx, tx, time, freq]``; an axis that a set does not have has length 1.
            A numpy array, or an object that reads slices along ``n`` from a file.
        freq: Baseband frequency [Hz], ascending, float64 ``[freq]``.
        time: Time [s], float64 ``[time]``.
        conditions: Name -> ``[n]``: numbers, or strings for a categorical label.
        condition_units: Name -> SI unit of the condition (``"1"`` for none).
        rx_array: Receive array; its size is the length of the axis ``rx``.
        tx_array: Transmit array; its size is the length of the axis ``tx``.
        groups: Name -> ``[n]``: which geometry, trajectory or day a realisation came from.
        meta: Carrier, normalisation, definitions, provenance.

    Raises:
        DataError: Axes, conditions or groups do not fit ``h``.
    """

    h: ComplexArray
    freq: np.ndarray
    time: np.ndarray = field(default_factory=lambda: np.zeros(1))
    conditions: Mapping[str, np.ndarray] = field(default_factory=dict)
    condition_units: Mapping[str, str] = field(default_factory=dict)
    rx_array: ArrayGeometry = field(default_factory=ArrayGeometry)
    tx_array: ArrayGeometry = field(default_factory=ArrayGeometry)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    meta: Meta = field(default_factory=Meta)

    def __post_init__(self) -> None:
        shape = tuple(self.h.shape)
        if len(shape) != 5 or 0 in shape[1:]:
            raise DataError(f"h has shape {shape}; expected ({', '.join(AXES)}), none of length 0")
        n, rx, tx, time, freq = shape
        for name, have, want in (
            ("freq", np.shape(self.freq), (freq,)),
            ("time", np.shape(self.time), (time,)),
            ("rx_array", (self.rx_array.size,), (rx,)),
            ("tx_array", (self.tx_array.size,), (tx,)),
            *((f"conditions/{k}", np.shape(v), (n,)) for k, v in self.conditions.items()),
            *((f"groups/{k}", np.shape(v), (n,)) for k, v in self.groups.items()),
        ):
            if have != want:
                raise DataError(f"{name} has shape {have}; h {shape} needs {want}")
        if freq > 1 and not np.all(np.diff(self.freq) > 0):
            raise DataError("freq must ascend; sort the frequency axis of h with it")
        for name in ("conditions", "condition_units", "groups"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __len__(self) -> int:
        return int(self.h.shape[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process, with plain dicts for the views that cannot travel."""
        values = (getattr(self, item.name) for item in fields(self))
        plain = (dict(v) if isinstance(v, MappingProxyType) else v for v in values)
        return type(self), tuple(plain)

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """``(n, rx, tx, time, freq)``."""
        n, rx, tx, time, freq = self.h.shape
        return n, rx, tx, time, freq

    @property
    def subcarrier_spacing(self) -> float:
        """Mean spacing of ``freq`` [Hz]; NaN for a single frequency."""
        if len(self.freq) < 2:
            return float("nan")
        return float((self.freq[-1] - self.freq[0]) / (len(self.freq) - 1))

    @property
    def bandwidth(self) -> float:
        """Number of frequencies times their spacing [Hz]."""
        return len(self.freq) * self.subcarrier_spacing

    def __getitem__(self, index: slice | np.ndarray) -> ChannelDataset:
        """The realisations asked for (a slice or an array of indices), read into memory."""
        if not isinstance(index, slice):
            index = np.asarray(index)
            if index.dtype == bool:
                index = np.flatnonzero(index)
        return replace(
            self,
            h=self.h[index],
            conditions={k: v[index] for k, v in self.conditions.items()},
            groups={k: v[index] for k, v in self.groups.items()},
        )

    def batches(self, size: int = 1024) -> Iterator[ChannelDataset]:
        """The set in order, ``size`` realisations in memory at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def tensor(self) -> torch.Tensor:
        """All of ``h`` in memory: complex64 ``[n, rx, tx, time, freq]``."""
        import torch

        return torch.as_tensor(np.ascontiguousarray(self.h[:], dtype=np.complex64))

    def with_conditions(
        self, conditions: Mapping[str, np.ndarray], units: Mapping[str, str], **meta: Any
    ) -> ChannelDataset:
        """The same channels with conditions added or replaced, and ``meta`` fields updated."""
        return replace(
            self,
            conditions={**self.conditions, **conditions},
            condition_units={**self.condition_units, **units},
            meta=replace(self.meta, **meta),
        )
