"""Where a link's channels come from: a fitted model or a set, under the conditions asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from scipy.spatial import KDTree

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.models.priors import TOGETHER
from chanvae.run import Run
from chanvae.seeds import seed_for
from chanvae.stats.conditions import with_channel_conditions
from chanvae.threads import in_order
from chanvae.transforms.condition_vector import Column, ConditionVector

_NEAR, _LEAST = 200, 20
"""A condition is met by the half per cent of a set that is nearest, and by no fewer than 20."""
_TRIES = 20
"""Draws from a distribution until one lies in the known range."""


class Supply(Protocol):
    """Draws channels; the same seed draws the same."""

    @property
    def template(self) -> ChannelDataset:
        """A set with the axes, arrays and meta of what is drawn."""
        ...

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Complex64 ``[n, rx, tx, time, freq]``."""
        ...


@dataclass(frozen=True)
class FromRun:
    """Channels that a fitted model generates.

    Args:
        run: The model.
        conditions: Name -> what is asked: a value, values ``[k]`` that are drawn at random, a
            distribution of scipy or torch, or a function (n, numpy generator) -> ``[n]``.
        extrapolate: Allow conditions outside the known range.
        every: Keep every draw.
    """

    run: Run
    conditions: Mapping[str, Any]
    extrapolate: bool = False
    every: bool = False

    def __post_init__(self) -> None:
        for name, asked in self.conditions.items():
            drawn(asked, self.run.vector.column(name), 64, 0, self.extrapolate)

    @property
    def template(self) -> ChannelDataset:
        """The set of no realisations that the run keeps."""
        return self.run.template

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Generate channels."""
        asked: dict[str, Any] = {
            name: drawn(value, self.run.vector.column(name), n, seed, self.extrapolate)
            for name, value in self.conditions.items()
        }

        def part(start: int) -> np.ndarray:
            size, number = min(TOGETHER, n - start), start // TOGETHER
            now = {name: values[start : start + size] for name, values in asked.items()}
            own = seed_for(seed, number)
            options = {"seed": own, "extrapolate": self.extrapolate, "every": self.every}
            return self.run.sample(size, **options, **now).h[:]

        # A batch of a link is a fraction of the batches that `generate` draws side by side.
        return np.concatenate(list(in_order(part, range(0, n, TOGETHER))))


class FromData:
    """Channels of a set, each at most once in a draw where there are enough.

    Args:
        dataset: The set.
        conditions: As for :class:`FromRun`; each draw takes realisations with the nearest ones.
    """

    def __init__(self, dataset: ChannelDataset, conditions: Mapping[str, Any]) -> None:
        if not len(dataset):
            raise DataError("the set holds no realisation to draw")
        self._dataset, self._asked = dataset, conditions
        self._vector = ConditionVector(())
        if conditions:
            missing = [name for name in conditions if name not in dataset.conditions]
            if missing:
                dataset = with_channel_conditions(dataset)
            missing = [name for name in conditions if name not in dataset.conditions]
            if missing:
                has = ", ".join(dataset.conditions) or "none"
                raise DataError(f"condition {missing[0]!r} is not in the data; they have: {has}")
            known, units = dataset.conditions, dataset.condition_units
            self._vector = ConditionVector.fit(known, units, tuple(conditions))
            self._tree = KDTree(self._vector.encode(known, len(dataset)).numpy())
            for name, asked in conditions.items():
                drawn(asked, self._vector.column(name), 64, 0, False)

    @property
    def template(self) -> ChannelDataset:
        """No realisation of the set."""
        return self._dataset[:0]

    def draw(self, n: int, seed: int) -> np.ndarray:
        """Read channels."""
        rng = np.random.default_rng(seed)
        total = len(self._dataset)
        if self._asked:
            columns = {c.name: c for c in self._vector.columns}
            asked = {k: drawn(v, columns[k], n, seed, False) for k, v in self._asked.items()}
            near = min(max(_LEAST, total // _NEAR), total)
            found = self._tree.query(self._vector.encode(asked, n).numpy(), k=near)[1]
            rows = np.asarray(found).reshape(n, near)[np.arange(n), rng.integers(near, size=n)]
        else:
            rows = rng.choice(total, n, replace=n > total)
        return np.asarray(self._dataset.h[rows], np.complex64)


def drawn(asked: Any, column: Column, n: int, seed: int, extrapolate: bool) -> np.ndarray:
    """Values ``[n]`` of one condition; a distribution is cut to the known range.

    Args:
        asked: As for :class:`FromRun`.
        column: What is known of the condition.
        n: How many.
        seed: Seed of the draw.
        extrapolate: Do not cut, and allow any value.

    Raises:
        DataError: A value outside the known range, or a distribution that hardly meets it.
    """
    rng = np.random.default_rng([seed, *column.name.encode()])
    if not _is_distribution(asked):
        choices = np.atleast_1d(np.asarray(asked))
        column.check(choices, extrapolate)
        return choices[rng.integers(len(choices), size=n)]
    values = _values(asked, n, rng)
    if column.categories or extrapolate:
        column.check(values, extrapolate)
        return values
    for _ in range(_TRIES):
        outside = ~((values >= column.low) & (values <= column.high))
        if not outside.any():
            return values
        values = np.where(outside, _values(asked, n, rng), values)
    column.check(values, False)
    return values


def _is_distribution(asked: Any) -> bool:
    return callable(asked) or hasattr(asked, "rvs") or hasattr(asked, "rsample")


def _values(asked: Any, n: int, rng: np.random.Generator) -> np.ndarray:
    if hasattr(asked, "rvs"):
        return np.asarray(asked.rvs(size=n, random_state=rng))
    if hasattr(asked, "rsample"):  # torch's distributions draw from the global generator only
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            return asked.sample((n,)).double().numpy()
    values = np.asarray(asked(n, rng))
    if values.shape != (n,):
        raise DataError(f"a condition's function gave shape {values.shape}; expected ({n},)")
    return values


def supply(
    source: Run | ChannelDataset, conditions: Mapping[str, Any], extrapolate: bool, every: bool
) -> Supply:
    """Channels of a model or of a set."""
    if isinstance(source, Run):
        return FromRun(source, conditions, extrapolate, every)
    return FromData(replace(source, groups={}), conditions)
