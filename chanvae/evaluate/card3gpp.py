"""Large-scale parameters as TR 38.901 lays them out: means, spreads and cross-correlations."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chanvae.evaluate.distances import Estimate

ROWS = (
    ("DS", "delay spread (DS)", "lgDS = log10(DS / 1 s)", "delay_spread"),
    ("ASD", "AoD spread (ASD)", "lgASD = log10(ASD / 1°)", "angular_spread_tx"),
    ("ASA", "AoA spread (ASA)", "lgASA = log10(ASA / 1°)", "angular_spread_rx"),
    ("SF", "shadow fading (SF)", "SF [dB]", "gain_db"),
    ("K", "K-factor (K)", "K [dB]", "k_factor_db"),
)
"""Short name, group of the table, quantity, and the statistic it comes from."""

PAIRS = (
    ("ASD", "DS"),
    ("ASA", "DS"),
    ("ASA", "SF"),
    ("ASD", "SF"),
    ("DS", "SF"),
    ("ASD", "ASA"),
    ("ASD", "K"),
    ("ASA", "K"),
    ("DS", "K"),
    ("SF", "K"),
)
"""Cross-correlations, in the order of the table."""

LEAST = 1e-4
"""Standard deviation of a column below which it is constant and correlates with nothing."""

NOTE = (
    "Laid out as 3GPP TR 38.901 V19.2, table 7.5-6, with arrival at the receive and departure at "
    "the transmit array. SF is the gain as it is in the data, path loss included. The angular "
    "spreads contain the resolution of the arrays and K is by moments over the band, so they are "
    "for measured against generated and not for comparison with the table's own values."
)


@dataclass(frozen=True)
class CardRow:
    """One line of the card.

    Args:
        group: The line of the table that it belongs to.
        parameter: Which parameter.
        measured: Value and 95 % bootstrap interval in the measured set.
        generated: The same in the generated set.
    """

    group: str
    parameter: str
    measured: Estimate
    generated: Estimate


@dataclass(frozen=True)
class Card:
    """Large-scale parameters of both sets.

    Args:
        rows: The lines.
        note: What they are.
    """

    rows: tuple[CardRow, ...]
    note: str = NOTE

    def csv(self) -> str:
        """The card as comma-separated values with a line of names."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        ends = ("", "_low", "_high")
        names = [f"{s}{e}" for s in ("measured", "generated") for e in ends]
        writer.writerow(["group", "parameter", *names])
        for row in self.rows:
            values = [
                getattr(e, k)
                for e in (row.measured, row.generated)
                for k in ("value", "low", "high")
            ]
            writer.writerow([row.group, row.parameter, *(f"{v:.6g}" for v in values)])
        return stream.getvalue()


def card(
    measured: Mapping[str, np.ndarray], generated: Mapping[str, np.ndarray], seed: int = 0
) -> Card:
    """The card of two sets.

    Args:
        measured: Statistic -> values ``[n]``.
        generated: The same of the generated set.
        seed: Seed of the bootstrap.
    """
    one, other = (_parameters(v, seed) for v in (measured, generated))
    rows = [
        CardRow(group, parameter, value, other[group, parameter])
        for (group, parameter), value in one.items()
        if (group, parameter) in other
    ]
    return Card(tuple(rows))


def _parameters(
    values: Mapping[str, np.ndarray], seed: int, repeats: int = 200
) -> dict[tuple[str, str], Estimate]:
    known = [row for row in ROWS if row[3] in values]
    table = np.stack([_scaled(row[3], values[row[3]]) for row in known], 1)
    table = table[np.isfinite(table).all(1)]
    n = len(table)
    if n < 2:
        return {}
    center = table.mean(0)
    x = table - center
    rng = np.random.default_rng(seed)
    weights = np.concatenate(
        [np.full((1, n), 1 / n), rng.multinomial(n, np.full(n, 1 / n), repeats) / n]
    )
    mean = weights @ x
    second = (weights @ (x[:, :, None] * x[:, None]).reshape(n, -1)).reshape(-1, *[len(known)] * 2)
    covariance = second - mean[:, :, None] * mean[:, None]
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2).clip(min=0))
    place = {row[0]: i for i, row in enumerate(known)}
    found = {}
    for i, (_, group, quantity, _) in enumerate(known):
        found[group, f"μ of {quantity}"] = _estimate(mean[:, i] + center[i])
        found[group, f"σ of {quantity}"] = _estimate(sigma[:, i])
    for a, b in PAIRS:
        if a in place and b in place:
            i, j = place[a], place[b]
            product = sigma[:, i] * sigma[:, j]
            constant = min(sigma[0, i], sigma[0, j]) < LEAST
            safe = np.where(constant | (product <= 0), np.nan, product)
            found["cross-correlations", f"{a} vs {b}"] = _estimate(covariance[:, i, j] / safe)
    return found


def _scaled(name: str, values: np.ndarray) -> np.ndarray:
    if name.endswith("_db"):
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(np.degrees(values) if name.startswith("angular") else values)


def _estimate(draws: np.ndarray) -> Estimate:
    rest = draws[1:][np.isfinite(draws[1:])]
    if not np.isfinite(draws[0]) or not len(rest):
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(rest, [0.025, 0.975])
    return Estimate(float(draws[0]), float(low), float(high))
