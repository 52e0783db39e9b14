"""Channels that are changed as they are read, so that a set stays in its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chanvae.channels import ChannelDataset, ComplexArray
from chanvae.rows import Rows

Step = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From ``[n, rx, tx, time, freq]`` and the numbers ``[n]`` of these realisations to the same of
another shape, complex64; each realisation for itself."""
_BLOCK = 1 << 25
"""Bytes changed at a time."""


@dataclass(frozen=True, eq=False)
class Mapped(Rows):
    """Complex64 ``[n, rx, tx, time, freq]`` that a step makes of another array, as it is read.

    Args:
        source: The array that is read.
        shape: ``(n, rx, tx, time, freq)`` of what comes out.
        step: What is done to a block of realisations.
        parts: How many realisations come out for each that goes in, one after the other.
        rows: Which of them are taken; ``None`` takes all.
    """

    source: ComplexArray
    shape: tuple[int, ...]
    step: Step
    parts: int = 1
    rows: np.ndarray | None = field(default=None, repr=False)

    def take(self, rows: np.ndarray) -> Mapped:
        """The realisations asked for, still unread."""
        kept = rows if self.rows is None else self.rows[rows]
        return replace(self, rows=kept, shape=(len(kept), *self.shape[1:]))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The realisations at ascending, distinct positions, in memory."""
        numbers = rows if self.rows is None else self.rows[rows]
        needed, inverse = np.unique(numbers // self.parts, return_inverse=True)
        pick = inverse * self.parts + numbers % self.parts
        made = np.empty((len(needed) * self.parts, *self.shape[1:]), self.dtype)
        size = self.dtype.itemsize * int(np.prod(self.source.shape[1:]))
        step = max(_BLOCK // size, 1)
        for start in range(0, len(needed), step):
            now = needed[start : start + step]
            out = self.step(self.source[now], now)
            made[start * self.parts : start * self.parts + len(out)] = out
        in_order = len(pick) == len(made) and np.array_equal(pick, np.arange(len(made)))
        return made if in_order else made[pick]


def mapped(
    dataset: ChannelDataset,
    step: Step,
    *,
    shape: tuple[int, int, int, int] | None = None,
    parts: int = 1,
    **changes: Any,
) -> ChannelDataset:
    """A set whose channels went through a step: at once in memory, else as they are read.

    Args:
        dataset: The set.
        step: What is done to a block of realisations.
        shape: ``(rx, tx, time, freq)`` of what comes out; as it is, if not given.
        parts: How many realisations come out for each that goes in.
        changes: Other fields of the set that change with it.
    """
    out = (len(dataset) * parts, *(shape or dataset.shape[1:]))
    h = Mapped(dataset.h, out, step, parts)
    return replace(dataset, h=h[:] if isinstance(dataset.h, np.ndarray) else h, **changes)


def noted(dataset: ChannelDataset, step: str, said: str, **details: Any) -> ChannelDataset:
    """The same set with a line about what was done in ``meta.provenance["signal"]``.

    Args:
        dataset: The set.
        step: Name of the step.
        said: The same as a sentence for people.
        details: Figures in SI units that JSON can hold.
    """
    done = [*dataset.meta.provenance.get("signal", ()), {"step": step, "said": said, **details}]
    provenance: Mapping[str, Any] = {**dataset.meta.provenance, "signal": done}
    return replace(dataset, meta=replace(dataset.meta, provenance=provenance))


def sample(dataset: ChannelDataset, most: int) -> np.ndarray:
    """Numbers of at most ``most`` realisations, evenly spaced, ascending."""
    n = len(dataset)
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).astype(np.int64)


def power(h: np.ndarray) -> np.ndarray:
    """|h|², float64."""
    return np.square(np.real(h), dtype=np.float64) + np.square(np.imag(h), dtype=np.float64)


def blocks(dataset: ChannelDataset, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The channels of some realisations, :data:`_BLOCK` bytes in memory at a time."""
    size = 8 * int(np.prod(dataset.shape[1:]))
    step = max(_BLOCK // size, 1)
    for start in range(0, len(rows), step):
        yield dataset.h[rows[start : start + step]]
