"""Links whose paths become channels when they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chanvae.errors import DataError
from chanvae.io.paths.response import delay_spread, path_power, response
from chanvae.rows import Rows
from chanvae.units import show

Paths = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From ascending numbers of links to their complex amplitudes ``[k, rx, tx, path, time]`` (0 for
a path that is not there) and delays [s] ``[k, rx or 1, tx or 1, path]``, finite."""
LONGEST_SPREAD = 1e-3
"""A delay spread above this is not one of radio channels on Earth [s]."""
_BLOCK = 1 << 25
"""Bytes of turning phases held at a time, about."""


@dataclass(frozen=True, eq=False)
class Held:
    """Paths in memory.

    Args:
        amplitude: Complex ``[n, rx, tx, path, time]``.
        delay: [s] ``[n, rx or 1, tx or 1, path]``.
    """

    amplitude: np.ndarray
    delay: np.ndarray

    def __call__(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The paths of some links."""
        return self.amplitude[rows], self.delay[rows]


@dataclass(frozen=True, eq=False)
class Links:
    """What a file of paths holds.

    Args:
        layout: Name of the layout.
        array: Where the amplitudes lie.
        file_shape: Their shape there.
        paths: Reads the paths of links.
        shape: ``(n, rx, tx, time)``.
        count: Paths of a link, padding included.
        carrier: Carrier [Hz], or NaN where the file does not say it.
        labels: One value a link, by name.
        groups: Those of the labels that say which links belong together.
        assumed: What was taken for certain, a sentence each.
        said: Attributes of the file.
    """

    layout: str
    array: str
    file_shape: tuple[int, ...]
    paths: Paths
    shape: tuple[int, int, int, int]
    count: int
    carrier: float = float("nan")
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PathArray(Rows):
    """Complex64 ``[n, rx, tx, time, freq]`` that is summed from paths as it is read.

    Args:
        paths: Reads the paths of links.
        freq: Baseband frequencies [Hz].
        shape: ``(n, rx, tx, time, freq)``.
        links: The link of each realisation, ascending.
        count: Paths of a link.
    """

    paths: Paths
    freq: np.ndarray
    shape: tuple[int, ...]
    links: np.ndarray = field(repr=False)
    count: int = 1

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The realisations at ascending, distinct positions, in memory."""
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        _, rx, tx, time, freq = self.shape
        step = max(_BLOCK // (16 * (rx * tx * (freq + time * self.count) + self.count * freq)), 1)
        for start in range(0, len(rows), step):
            amplitude, delay = self.paths(self.links[rows[start : start + step]])
            found[start : start + step] = response(amplitude, delay, self.freq)
        return found

    def take(self, rows: np.ndarray) -> PathArray:
        """The realisations asked for (ascending indices), still to be read."""
        return replace(self, links=self.links[rows], shape=(len(rows), *self.shape[1:]))


@dataclass(frozen=True)
class Survey:
    """What one pass over the paths of a file found.

    Args:
        present: Links that have a path ``[n]``.
        paths: How many each has ``[n]``.
        spread: Delay spread of each [s] ``[n]``, NaN without a path.
        last: Longest delay of all [s].
        finite: No path holds NaN or infinity.
    """

    present: np.ndarray
    paths: np.ndarray
    spread: np.ndarray
    last: float
    finite: bool


def survey(links: Links) -> Survey:
    """Pass over all paths once, a block in memory at a time."""
    n, rx, tx, time = links.shape
    step = max(_BLOCK // (16 * rx * tx * time * links.count), 1)
    counts, spreads, last, finite = [], [], 0.0, True
    for start in range(0, n, step):
        amplitude, delay = links.paths(np.arange(start, min(start + step, n)))
        power, middle = path_power(amplitude), delay.mean((1, 2))
        finite &= bool(np.isfinite(power).all() and np.isfinite(middle).all())
        counts.append((power > 0).sum(-1))
        spreads.append(delay_spread(power, middle))
        last = max(last, float(np.max(middle, where=power > 0, initial=0.0)))
    paths = np.concatenate([np.zeros(0, np.int64), *counts])
    return Survey(paths > 0, paths, np.concatenate([np.zeros(0), *spreads]), last, finite)


def checked(where: str, links: Links) -> Survey:
    """The survey of paths that can be what they claim to be.

    Raises:
        DataError: No link has a path, a delay spread is beyond reason, or a number is not finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):  # told below
        found = survey(links)
    if not found.finite:
        raise DataError(f"{where}: paths hold NaN or infinity; export them again")
    if not found.present.any():
        raise DataError(f"{where}: no link has a path; export it again, with paths")
    longest = float(np.nanmax(found.spread))
    if longest > LONGEST_SPREAD:
        raise DataError(
            f"{where}: a delay spread of {show(longest, 's')}: no radio channel has that; the "
            "delays are likely in ns, and seconds are needed: divide them by 1e9 and store them "
            "again"
        )
    return found
