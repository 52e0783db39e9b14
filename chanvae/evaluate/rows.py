"""Statistics and set figures as rows of one table, for people."""

from collections.abc import Mapping
from dataclasses import dataclass

from chanvae.evaluate.baselines.make import BASELINES
from chanvae.evaluate.conclusion import times_floor
from chanvae.evaluate.distances import Estimate
from chanvae.evaluate.report import Report
from chanvae.evaluate.results import SetResult, StatisticResult, Verdict
from chanvae.units import show


@dataclass(frozen=True)
class Row:
    """One figure of the report.

    Args:
        label: The figure.
        kind: What the distance is: ``W1/σ``, ``KS`` or the unit of a set figure.
        measured: Mean of the measured set with its unit; ``""`` for a set figure.
        generated: The same of the generated set.
        distance: Generated to measured; ``None`` where the measured set is constant.
        floor: Measured against measured.
        baselines: Name -> baseline to measured.
        times: Distance over the upper end of the floor.
        verdict: The verdict.
        definition: What it is.
    """

    label: str
    kind: str
    measured: str
    generated: str
    distance: Estimate | None
    floor: Estimate | None
    baselines: Mapping[str, Estimate]
    times: float
    verdict: Verdict
    definition: str

    @property
    def best(self) -> tuple[str, Estimate] | None:
        """Label and distance of the nearest baseline that makes new channels."""
        own = {k: v for k, v in self.baselines.items() if not BASELINES[k].copies}
        if not own:
            return None
        name = min(own, key=lambda k: own[k].value)
        return BASELINES[name].label, own[name]


def rows(report: Report) -> list[Row]:
    """Every figure of a report, statistics first."""
    return [*map(_statistic, report.statistics), *map(_figure, report.figures)]


def worst_first(table: list[Row]) -> list[Row]:
    """Rows by how many times their floor they are apart."""
    return sorted(table, key=lambda row: row.times, reverse=True)


def _statistic(result: StatisticResult) -> Row:
    pick = (lambda d: d.ks) if result.heavy_tails else (lambda d: d.w1_sigma)
    return Row(
        result.label,
        "KS" if result.heavy_tails else "W1/σ",
        _mean(result.measured.mean, result.unit),
        _mean(result.generated.mean, result.unit),
        None if result.distance is None else pick(result.distance),
        None if result.floor is None else pick(result.floor),
        {name: pick(d) for name, d in result.baselines.items()},
        times_floor(result),
        result.verdict,
        result.definition,
    )


def _mean(value: float, unit: str) -> str:
    """A mean with its unit; decibels to a thousandth, so that rounding errors do not show."""
    return show(round(value, 3) + 0.0 if unit == "dB" else value, unit)


def _figure(result: SetResult) -> Row:
    return Row(
        result.label,
        "" if result.unit == "1" else result.unit,
        "",
        "",
        result.distance,
        result.floor,
        result.baselines,
        times_floor(result),
        result.verdict,
        result.definition,
    )
