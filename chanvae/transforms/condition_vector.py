"""Named conditions as a standardised real vector."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from chanvae.errors import DataError
from chanvae.units import show

LOGARITHMIC = ("delay_spread", "angular_spread")
"""Conditions that span decades: their vector entry is a logarithm."""


@dataclass(frozen=True)
class Column:
    """One condition: how it becomes numbers, and the range that is known.

    Args:
        name: Name of the condition.
        unit: SI unit, ``"1"`` for none.
        offset: Added before the logarithm, so that zero stays finite; negative: no logarithm.
        mean: Mean of the (logarithmic) values.
        scale: Their standard deviation.
        low: Least known value.
        high: Largest known value.
        categories: The values of a categorical label; empty for a number.
    """

    name: str
    unit: str = "1"
    offset: float = -1.0
    mean: float = 0.0
    scale: float = 1.0
    low: float = 0.0
    high: float = 0.0
    categories: tuple[Any, ...] = ()

    @property
    def width(self) -> int:
        """Entries in the vector."""
        return len(self.categories) or 1

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Values ``[n]`` to ``[n, width]``."""
        if self.categories:
            return (np.asarray(values)[:, None] == np.array(self.categories)).astype(np.float64)
        values = np.asarray(values, dtype=np.float64)
        if self.offset >= 0:
            values = np.log10(np.maximum(values, 0) + self.offset)
        return ((values - self.mean) / self.scale)[:, None]

    def check(self, values: np.ndarray, extrapolate: bool) -> None:
        """Refuse values that the training data did not hold."""
        if self.categories:
            unknown = sorted(set(np.asarray(values).tolist()) - set(self.categories))
            if unknown:
                raise DataError(
                    f"{self.name}: {unknown[0]!r} is not in the training data; "
                    f"it has {', '.join(map(repr, self.categories))}"
                )
            return
        values = np.asarray(values, dtype=np.float64)
        if not np.isfinite(values).all():
            raise DataError(f"{self.name}: not a finite number")
        outside = (values < self.low * (1 - 1e-6)) | (values > self.high * (1 + 1e-6))
        if outside.any() and not extrapolate:
            raise DataError(
                f"{self.name}: {show(float(values[outside][0]), self.unit)} is outside what the "
                f"training data held, {show(self.low, self.unit)} to "
                f"{show(self.high, self.unit)}; "
                "stay inside, or add --extrapolate"
            )


@dataclass(frozen=True)
class ConditionVector:
    """The conditions of a model, in order."""

    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """Length of the vector."""
        return sum(c.width for c in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the conditions."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """The condition of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            f"{name!r} is not a condition of this model; it has {', '.join(self.names)}"
        )

    def encode(self, conditions: Mapping[str, np.ndarray], n: int) -> Float[Tensor, "n width"]:
        """``n`` conditions of each name to the vectors a model sees."""
        parts = [c.encode(np.asarray(conditions[c.name])) for c in self.columns]
        return torch.as_tensor(np.concatenate([np.zeros((n, 0)), *parts], 1), dtype=torch.float32)

    def entries(self, names: Collection[str]) -> Bool[Tensor, " width"]:
        """Which entries of a vector stand for the conditions of these names."""
        return torch.tensor([c.name in names for c in self.columns for _ in range(c.width)])

    def scaled_as(self, other: "ConditionVector") -> "ConditionVector":
        """The same conditions and known ranges on the scales of another vector.

        Raises:
            DataError: The other has other conditions or categories.
        """

        def kinds(vector: ConditionVector) -> list[str]:
            shown = (f" ({', '.join(map(str, c.categories))})" if c.categories else ""
                     for c in vector.columns)  # fmt: skip
            return [c.name + more for c, more in zip(vector.columns, shown)]

        if kinds(self) != kinds(other):
            here, there = (", ".join(kinds(v)) or "none" for v in (self, other))
            raise DataError(f"the conditions here are {here}; there they were {there}")
        pairs = zip(self.columns, other.columns)
        return ConditionVector(
            tuple(replace(a, offset=b.offset, mean=b.mean, scale=b.scale) for a, b in pairs)
        )

    @classmethod
    def fit(
        cls, conditions: Mapping[str, np.ndarray], units: Mapping[str, str], names: tuple[str, ...]
    ) -> "ConditionVector":
        """Learn means, scales, ranges and categories from the conditions of training data."""
        return cls(tuple(_column(n, conditions[n], units.get(n, "1")) for n in names))


def _column(name: str, values: np.ndarray, unit: str) -> Column:
    if values.dtype.kind in "bUSOiu":
        found = np.unique(values)
        if values.dtype.kind in "bUSO" or len(found) <= 32:
            return Column(name, unit, categories=tuple(found.tolist()))
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(
            f"conditions/{name}: not a finite number at realisation {where}; "
            "leave the condition out or the realisation"
        )
    low, high = float(values.min()), float(values.max())
    offset = 0.02 * float(np.median(values)) + 1e-30 if name in LOGARITHMIC else -1.0
    scaled = np.log10(values + offset) if offset >= 0 else values
    scale = float(scaled.std())
    if scale < 1e-9 * max(abs(float(scaled.mean())), 1e-30):
        scale = 1.0
    return Column(name, unit, offset, float(scaled.mean()), scale, low, high)
