"""The report as a JSON file and as one self-contained HTML page."""

import json
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment
from matplotlib.axes import Axes

from chanvae import __version__
from chanvae.evaluate import figures
from chanvae.evaluate.report import Report
from chanvae.files import whole
from chanvae.units import show


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
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["show"] = show
    template = files("chanvae.evaluate").joinpath("report.html.j2").read_text(encoding="utf-8")
    pictures = report.pictures
    peak = max(pictures.measured_maps.max(), pictures.generated_maps.max())
    maps = {
        name: [
            _svg(figures.angle_delay, power=p, delay=pictures.delay, peak=peak, color=color)
            for p in power
        ]
        for name, power, color in (
            ("measured", pictures.measured_maps, figures.MEASURED),
            ("generated", pictures.generated_maps, figures.GENERATED),
        )
    }
    return environment.from_string(template).render(
        report=report,
        version=__version__,
        cdfs=[(s, _svg(figures.cdf, result=s)) for s in report.statistics],
        profiles=_svg(figures.profiles, width=7.0, pictures=pictures),
        maps=maps,
    )


def _svg(plot: Callable[..., Axes], width: float = 3.4, **arguments: Any) -> str:
    return figures.svg(partial(plot, **arguments), width)
