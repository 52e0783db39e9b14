"""Conditions that are hit: candidates are drawn until one comes out with the spreads asked for."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.stats.conditions import UNITS, with_channel_conditions
from chanvae.units import show

_LEAST = 1e-30
"""Spread [s, rad] that stands for none, of which nothing is a share."""
ROUND = 1024
"""Candidates in memory at a time."""

Draw = Callable[[np.ndarray, int], ChannelDataset]
"""From rows ``[m]`` of what is asked and the number of a round to ``m`` candidates."""


@dataclass(frozen=True)
class Exact:
    """How near is near enough, and what it may cost.

    Args:
        tolerance: Largest relative error of a spread: 0.05 is 5 %.
        candidates: Channels drawn for each one that is kept, at most, on average over 1,024.
    """

    tolerance: float = 0.05
    candidates: int = 100

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1 or self.candidates < 1:
            raise DataError(
                f"exact: a tolerance of {self.tolerance:.4g} and {self.candidates} candidates; "
                "give a tolerance between 0 and 1 (0.05 is 5 %) and at least one candidate"
            )

    def spreads(self, asked: Mapping[str, np.ndarray]) -> tuple[str, ...]:
        """The conditions that are looked at: those asked for that channels have."""
        names = tuple(name for name in UNITS if name in asked)
        if not names:
            raise DataError(f"exact: ask for {' or '.join(UNITS)}; nothing else can be checked")
        return names


@dataclass(frozen=True)
class Tally:
    """What was drawn, and how much of it was near enough."""

    drawn: int = 0
    near: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.drawn + other.drawn, self.near + other.near)

    @property
    def rate(self) -> float:
        """Share of the candidates that were within the tolerance."""
        return self.near / max(self.drawn, 1)


@dataclass
class _Search:
    """Rows that are still open, the best seen for each, and what was kept."""

    size: int
    best: np.ndarray = field(init=False)
    kept: dict[int, tuple[ChannelDataset, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.best = np.full(self.size, np.inf)

    @property
    def open(self) -> np.ndarray:
        return np.setdiff1d(np.arange(self.size), list(self.kept))


def exactly(
    draw: Draw, asked: Mapping[str, np.ndarray], exact: Exact
) -> tuple[ChannelDataset, Tally]:
    """Draw until every row has a channel whose spreads are the asked ones.

    Args:
        draw: Makes candidates.
        asked: Name -> ``[n]``.
        exact: Tolerance and cost.

    Returns:
        The first candidate of each row that is near enough, in order; the tally.

    Raises:
        DataError: The cost is reached before every row has one.
    """
    names = exact.spreads(asked)
    search, tally = _Search(len(asked[names[0]])), Tally()
    number, budget = 0, exact.candidates * search.size
    while len(open_ := search.open):
        likely = max(tally.rate, 1 / exact.candidates) if tally.drawn else 0.25
        copies = int(np.clip(math.ceil(2 / likely), 1, max(ROUND // len(open_), 1)))
        rows = np.tile(open_, copies)[: min(budget, ROUND)]
        if not len(rows):
            raise DataError(_told(search, asked, exact, tally))
        made = draw(rows, number)
        achieved = with_channel_conditions(made).conditions
        wanted = {k: asked[k][rows] for k in names}
        apart = [np.abs(achieved[k] - v) / np.maximum(v, _LEAST) for k, v in wanted.items()]
        off = np.max(apart, 0)
        off = np.where(np.isfinite(off), off, np.inf)
        np.minimum.at(search.best, rows, off)
        near = np.flatnonzero(off <= exact.tolerance)
        first = near[np.unique(rows[near], return_index=True)[1]]
        chosen = made[first]
        search.kept |= {int(row): (chosen, k) for k, row in enumerate(rows[first])}
        tally = tally + Tally(len(rows), len(near))
        budget, number = budget - len(rows), number + 1
    return _gathered(search), tally


def _gathered(search: _Search) -> ChannelDataset:
    """What was kept, in the order of the rows."""
    found = [search.kept[row] for row in range(search.size)]
    first = found[0][0]
    return replace(
        first,
        h=np.stack([made.h[k] for made, k in found]),
        conditions={
            name: np.stack([made.conditions[name][k] for made, k in found])
            for name in first.conditions
        },
    )


def _told(search: _Search, asked: Mapping[str, np.ndarray], exact: Exact, tally: Tally) -> str:
    row = int(search.open[np.argmax(search.best[search.open])])
    wanted = ", ".join(
        f"{k} = {show(float(asked[k][row]), UNITS[k])}" for k in UNITS if k in asked
    )
    best, most = search.best[row], 100 * exact.tolerance
    mend = f"allow {math.ceil(100 * best + 1e-9)} %, " if best < 1 else ""
    return (
        f"exact: none of the channels drawn for {wanted} came within {most:.3g} % of it "
        f"({100 * tally.rate:.2g} % of {tally.drawn:,} candidates did over all); {mend}more than "
        f"{exact.candidates} candidates, or conditions nearer to the training data"
    )
