"""What trials found, one row a model: means over seeds, and sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Column:
    """One figure of a trial.

    Args:
        label: For people.
        get: Trial -> value, or ``None`` where it has none.
        show: Format of the value.
        definition: What it is.
    """

    label: str
    get: Callable[[dict[str, Any]], float | None]
    show: str
    definition: str


def _quality(key: str) -> Callable[[dict[str, Any]], float | None]:
    return lambda trial: (trial.get("quality") or {}).get(key)


def _statistic(name: str) -> Callable[[dict[str, Any]], float | None]:
    def get(trial: dict[str, Any]) -> float | None:
        found = (trial.get("quality") or {}).get("statistics", {}).get(name)
        return found and found["w1_sigma"]

    return get


def _fidelity(trial: dict[str, Any]) -> float | None:
    found = [v for v in (trial.get("quality") or {}).get("fidelity", {}).values() if v is not None]
    return float(np.mean(found)) if found else None


def _active(trial: dict[str, Any]) -> float | None:
    return None if trial.get("latents") is None else trial["active_latents"] / trial["latents"]


COLUMNS = (
    Column("AUC", _quality("auc"), "{:.3f}",
           "Area under the curve of a classifier on statistics, generated against held-out; 0.5 "
           "is indistinguishable."),
    Column("worst W1/σ", lambda t: ((t.get("quality") or {}).get("worst") or {}).get("w1_sigma"),
           "{:.2f}", "The statistic that is farthest from held-out channels."),
    Column("delay spread", _statistic("delay_spread"), "{:.3f}", "Its W1/σ."),
    Column("angular spread", _statistic("angular_spread_rx"), "{:.3f}", "Its W1/σ, receiver."),
    Column("sliced", _quality("sliced"), "{:.3f}", "Sliced W1/σ of whole channels."),
    Column("precision", _quality("precision"), "{:.2f}",
           "Share of generated channels inside the manifold of measured ones."),
    Column("recall", _quality("recall"), "{:.2f}",
           "Share of measured channels inside the manifold of generated ones."),
    Column("coverage", _quality("coverage"), "{:.2f}",
           "Share of measured channels with a generated one in their neighbourhood."),
    Column("fidelity", _fidelity, "{:.2f}",
           "Median error of asked spreads over their standard deviation, mean of both spreads."),
    Column("ELBO", lambda t: t.get("elbo"), "{:.0f}",
           "Bound of the log evidence of held-out maps [nats]; to be compared between models of a "
           "quantity."),
    Column("active", _active, "{:.0%}", "Latents that hold more than 0.01 nats."),
    Column("variation", lambda t: t.get("variation"), "{:.3f}",
           "Standard deviation of the validation loss over the last quarter, relative to its "
           "whole descent."),
    Column("channels/s", lambda t: t.get("per_second"), "{:,.0f}", "Drawn, in this process."),
    Column("parameters", lambda t: t.get("parameters"), "{:,.0f}", "Weights, critics included."),
    Column("memory MB", lambda t: t.get("memory_mb"), "{:,.0f}", "Largest resident, of the fit."),
    Column("passes", lambda t: t.get("passes"), "{:.2f}",
           "Passes over the training data within the budget."),
    Column("fit s", lambda t: t.get("fit_seconds"), "{:.0f}", "Time that the fit took."),
)  # fmt: skip
"""In the order of the table."""
PLACE = {column.label: k for k, column in enumerate(COLUMNS)}


@dataclass(frozen=True)
class Row:
    """One model.

    Args:
        name: The model, or model, setting and value.
        sound: Seeds that ended sound.
        seeds: Seeds tried.
        said: Why others did not end sound.
        cells: Mean over the sound seeds for each column, or ``None``.
        spread: Standard deviation over them; 0 for one.
    """

    name: str
    sound: int
    seeds: int
    said: str
    cells: tuple[float | None, ...]
    spread: tuple[float, ...]

    def shown(self) -> list[str]:
        """The cells for people."""
        texts = []
        for column, value, spread in zip(COLUMNS, self.cells, self.spread, strict=True):
            text = "–" if value is None else column.show.format(value)
            texts.append(f"{text} ± {column.show.format(spread)}" if spread else text)
        return texts


def rows(found: dict[str, Any]) -> list[Row]:
    """One row a model: the nearest to held-out channels by AUC first, those without it last.

    Those of a sweep stand as they were asked for.
    """
    names = list(dict.fromkeys(t["name"] for t in found["trials"]))
    table = [_row(name, [t for t in found["trials"] if t["name"] == name]) for name in names]
    return table if swept(found) else sorted(table, key=_area)


def swept(found: dict[str, Any]) -> bool:
    """Whether the trials differ in one setting."""
    return any(t["value"] for t in found["trials"])


def _area(row: Row) -> float:
    """The AUC to sort by; more than any where there is none."""
    area = row.cells[PLACE["AUC"]]
    return 2.0 if area is None else area


def _row(name: str, trials: Sequence[dict[str, Any]]) -> Row:
    sound = [t for t in trials if t["status"] == "sound"]
    said = "; ".join(dict.fromkeys(f"{t['status']}: {t['message']}" for t in trials
                                   if t["status"] != "sound"))  # fmt: skip
    cells, spread = [], []
    for column in COLUMNS:
        values = [v for v in map(column.get, sound or trials) if v is not None]
        cells.append(float(np.mean(values)) if values else None)
        spread.append(float(np.std(values)) if len(values) > 1 else 0.0)
    return Row(name, len(sound), len(trials), said, tuple(cells), tuple(spread))


def sentences(found: dict[str, Any]) -> list[str]:
    """Who is first in what, how fast the default draws, and who failed."""
    table = rows(found)
    said = []
    for label, best in (("AUC", min), ("worst W1/σ", min), ("sliced", min), ("coverage", max),
                        ("channels/s", max)):  # fmt: skip
        place = PLACE[label]
        known = {row.name: row.cells[place] for row in table
                 if row.sound and row.cells[place] is not None}  # fmt: skip
        if len(known) > 1:
            name = best(known, key=lambda k: known[k])  # pyright: ignore[reportArgumentType,reportCallIssue]
            said.append(f"First by {label}: {name} ({COLUMNS[place].show.format(known[name])}).")
    rate = {row.name: row.cells[PLACE["channels/s"]] for row in table}
    own = rate.get("cvae")
    for rival, what in (("ddpm", "DDPM"), ("flow_matching", "flow matching")):
        other = rate.get(rival)
        if own and other:
            steps = _evaluations(found, rival)
            times = f"{own / other:,.0f} times as fast as {what}"
            said.append(f"The default (cvae) draws {times} with {steps} network evaluations.")
    said += [f"{row.name}: {row.sound} of {row.seeds} seeds ended sound ({row.said})."
             for row in table if row.said]  # fmt: skip
    short = [row.name for row in table if (row.cells[PLACE["passes"]] or 1) < 1]
    if short:
        said.append(f"Less than one pass over the data within the budget: {', '.join(short)}.")
    return said


def _evaluations(found: dict[str, Any], name: str) -> int:
    model = next(t for t in found["trials"] if t["name"] == name)["told"]["config"]["model"]
    return model["steps"] if name == "ddpm" else 2 * model["midpoint_steps"]
