"""The plane of two conditions: its axes, where the training data lie in it, and where they end."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.spatial import KDTree

from chanvae.run import Run
from chanvae.stats.conditions import UNITS
from chanvae.transforms.condition_vector import LOGARITHMIC, Column, ConditionVector

BINS = 96, 72
"""Cells of the density, across and up."""
POINTS = 3000
"""Realisations that are shown as points, at most."""
TREE = 20_000
"""Realisations among which neighbours in the conditions are counted, at most."""
NEIGHBOURS = 10
SHOWN = {"s": ("ns", 1e9), "rad": ("deg", 180 / math.pi), "Hz": ("MHz", 1e-6)}
"""SI unit -> the unit on the page, and the factor to it."""

Verdict = Literal["inside", "sparse", "outside"]


@dataclass(frozen=True)
class Axis:
    """One axis of the map.

    Args:
        name: The condition.
        label: The same for people.
        unit: The unit on the page.
        factor: From SI to it.
        logarithmic: Whether equal steps are equal factors.
        low: Least value on the map, SI.
        high: Largest value on the map, SI.
        known_low: Least value of the training data, SI.
        known_high: Largest value of the training data, SI.
    """

    name: str
    label: str
    unit: str
    factor: float
    logarithmic: bool
    low: float
    high: float
    known_low: float
    known_high: float

    def place(self, values: np.ndarray) -> np.ndarray:
        """Values to places from 0 to 1 along the axis; what is beyond it stands at its end."""
        ends, at = np.array([self.low, self.high]), np.asarray(values, np.float64)
        if self.logarithmic:
            ends, at = np.log(ends), np.log(np.maximum(at, self.low))
        return np.clip((at - ends[0]) / (ends[1] - ends[0]), 0, 1)

    def value(self, place: float) -> float:
        """The inverse of :meth:`place`."""
        if self.logarithmic:
            return self.low * (self.high / self.low) ** place
        return self.low + place * (self.high - self.low)


@dataclass(frozen=True)
class Nearby:
    """What the training data hold about a point.

    Args:
        verdict: ``outside`` the range of a condition; ``sparse`` where fewer realisations are
            near than near all but 0.5 % of the training data; else ``inside``.
        count: Training realisations within 10 % of every condition of the plane.
    """

    verdict: Verdict
    count: int


@dataclass(frozen=True)
class Plane:
    """The map of a run: up to two numeric conditions, delay and angular spread where it has them.

    Args:
        axes: None for a model without numeric conditions.
        known: Values of the training data, name -> ``[n]``.
        columns: The conditions of the axes as the model sees them.
    """

    axes: tuple[Axis, ...]
    known: Mapping[str, np.ndarray]
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, run: Run) -> "Plane":
        """The plane of a run."""
        numeric = [c for c in run.vector.columns if not c.categories and c.high > c.low]
        chosen = sorted(numeric, key=lambda c: c.name not in UNITS)[:2]
        axes = tuple(_axis(c, run.known[c.name]) for c in chosen)
        return cls(axes, {c.name: run.known[c.name] for c in chosen}, tuple(chosen))

    def __len__(self) -> int:
        return len(next(iter(self.known.values()), ()))

    def places(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Where realisations stand: float ``[n, 2]``, 0 to 1 across and up.

        A model of one condition has its realisations spread evenly upwards.
        """
        n = len(next(iter(values.values()), ()))
        found = [a.place(values[a.name]) for a in self.axes]
        if len(found) == 1:
            found.append((np.arange(n) * 0.6180339887498949) % 1.0)
        return np.stack(found, 1) if found else np.zeros((n, 2))

    def density(self) -> np.ndarray:
        """Training realisations in each cell, int ``[up, across]``."""
        across, up = BINS
        place = self.places(self.known)
        x, y = (np.minimum((p * b).astype(np.int64), b - 1) for p, b in zip(place.T, BINS))
        return np.bincount(y * across + x, minlength=up * across).reshape(up, across)

    def points(self) -> np.ndarray:
        """Places of evenly spaced training realisations ``[n, 2]``."""
        rows = _spread(len(self), POINTS)
        return self.places({k: v[rows] for k, v in self.known.items()})

    def outside(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which of some realisations are outside the range of a condition ``[n]``."""
        beyond = [(values[c.name] < c.low) | (values[c.name] > c.high) for c in self.columns]
        return np.any(beyond, 0) if beyond else np.zeros(0, bool)

    def nearby(self, asked: Mapping[str, float]) -> Nearby:
        """What the training data hold about conditions, name -> SI value."""
        if not self.axes:
            return Nearby("inside", len(self))
        values = {a.name: asked[a.name] for a in self.axes}
        near = np.ones(len(self), bool)
        for name, value in values.items():
            near &= np.abs(self.known[name] - value) <= 0.1 * abs(value)
        count = int(near.sum())
        if any(not c.low <= values[c.name] <= c.high for c in self.columns):
            return Nearby("outside", count)
        tree, limit = self._tree
        point = self._vector.encode({k: np.array([v]) for k, v in values.items()}, 1).numpy()
        distance = float(np.max(tree.query(point[0], min(NEIGHBOURS, tree.n))[0]))
        return Nearby("sparse" if distance > limit else "inside", count)

    @property
    def _vector(self) -> ConditionVector:
        return ConditionVector(self.columns)

    @cached_property
    def _tree(self) -> tuple[KDTree, float]:
        """Realisations in standardised conditions; how far the tenth neighbour usually is."""
        rows = _spread(len(self), TREE)
        places = self._vector.encode({k: v[rows] for k, v in self.known.items()}, len(rows))
        tree = KDTree(places.numpy())
        some = places.numpy()[_spread(len(rows), 2000)]
        reach = min(NEIGHBOURS + 1, tree.n)  # each is its own first neighbour
        return tree, float(
            np.quantile(tree.query(some, reach)[0].reshape(len(some), -1)[:, -1], 0.995)
        )


def _spread(n: int, most: int) -> np.ndarray:
    """At most so many of n rows, evenly spaced."""
    return np.unique(np.linspace(0, max(n - 1, 0), min(n, most)).round().astype(np.int64))


def _axis(column: Column, known: np.ndarray) -> Axis:
    unit, factor = SHOWN.get(column.unit, (column.unit.replace("1", ""), 1.0))
    positive = known[known > 0]
    logarithmic = column.name in LOGARITHMIC and len(positive) > 1
    if logarithmic:
        low, high = (float(v) for v in np.quantile(positive, [0.005, 1.0]))
        low = max(low, column.offset)  # below it the model sees no difference
        margin = (high / low) ** 0.06
        low, high = low / margin, high * margin
    else:
        margin = 0.06 * (column.high - column.low)
        low, high = column.low - margin, column.high + margin
    label = column.name.replace("_", " ")
    return Axis(column.name, label, unit, factor, logarithmic, low, high, column.low, column.high)
