"""The report as files: JSON, the report card as CSV, and one self-contained HTML page."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes

from chanvae import __version__
from chanvae.evaluate import figures
from chanvae.evaluate.baselines.make import BASELINES
from chanvae.evaluate.report import Report
from chanvae.evaluate.results import StatisticResult
from chanvae.evaluate.rows import Row, rows, worst_first
from chanvae.files import whole
from chanvae.units import show

SHOWN = 10
"""Rows of the first table: the farthest from their floor."""


def save(report: Report, directory: Path) -> tuple[Path, ...]:
    """Write ``report.json``, ``report.html`` and ``card.csv``; see :meth:`Report.save`."""
    directory.mkdir(parents=True, exist_ok=True)
    texts = {
        "report.json": json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n",
        "report.html": html(report),
        "card.csv": report.card.csv(),
    }
    for name, text in texts.items():
        with whole(directory / name, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return tuple(directory / name for name in texts)


def html(report: Report) -> str:
    """The page: no script, no style and no picture from anywhere else."""
    environment = Environment(
        loader=PackageLoader("chanvae.evaluate", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["show"] = show
    table = rows(report)
    return environment.get_template("report.html.j2").render(
        report=report,
        version=__version__,
        rows=table,
        worst=worst_first(table)[:SHOWN],
        baselines=[(b.name, BASELINES[b.name].label, b) for b in report.baselines if b.n],
        six=list(_six(report)),
        cdfs=[(s, _svg(figures.cdf, result=s)) for s in report.statistics],
        maps=_maps(report),
    )


def _six(report: Report) -> Iterator[tuple[str, str]]:
    """Name and drawing of the six figures of the first screen."""
    pictures, drawn = report.pictures, 0
    for name in ("delay_spread", "angular_spread_rx", "angular_spread_tx"):
        found = [s for s in report.statistics if s.name == name]
        if found and drawn < 2:
            drawn += 1
            yield found[0].label, _small(figures.cdf, result=found[0])
    if len(pictures.delay) > 1:
        drawn += 1
        yield "power-delay profile", _small(figures.profiles, pictures=pictures)
    if len(pictures.measured_spectrum):
        drawn += 1
        yield "angular spectrum", _small(figures.spectra, pictures=pictures)
    for result in _others(report)[: 5 - drawn]:
        yield result.label, _small(figures.cdf, result=result)
    yield "distances over the floor", _small(figures.floors, rows=_scaled(report))


def _scaled(report: Report) -> list[Row]:
    """The eight figures farthest from their floor, of those that have one."""
    return [row for row in worst_first(rows(report)) if row.distance is not None][:8]


def _others(report: Report) -> list[StatisticResult]:
    """Statistics for the places that are left: K-factor, then the farthest from their floor."""
    first = {"delay_spread", "angular_spread_rx", "angular_spread_tx"}
    rest = [s for s in report.statistics if s.name not in first and s.distance is not None]
    far = {row.label: row.times for row in rows(report)}
    return sorted(rest, key=lambda s: (s.name != "k_factor_db", -far[s.label]))


def _maps(report: Report) -> dict[str, list[str]]:
    pictures = report.pictures
    peak = max(pictures.measured_maps.max(), pictures.generated_maps.max())
    return {
        name: [
            _svg(figures.angle_delay, power=p, delay=pictures.delay, peak=peak, color=color)
            for p in power
        ]
        for name, power, color in (
            ("measured", pictures.measured_maps, figures.MEASURED),
            ("generated", pictures.generated_maps, figures.GENERATED),
        )
    }


def _svg(plot: Callable[..., Axes], **arguments: Any) -> str:
    return figures.svg(partial(plot, **arguments))


def _small(plot: Callable[..., Axes], **arguments: Any) -> str:
    return figures.svg(partial(plot, **arguments), width=2.6, height=2.0)
