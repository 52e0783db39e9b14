"""A benchmark as files: JSON and one self-contained HTML page with figures."""

from __future__ import annotations

import json
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes

from chanvae.benchmark.table import COLUMNS, PLACE, Row, rows, sentences, swept
from chanvae.evaluate.figures import GENERATED, MEASURED, TEXT, svg
from chanvae.files import whole

_COLOURS = (MEASURED, GENERATED, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Of Okabe and Ito, and grey."""
_LINES = ("-", "--", ":")
_MARKERS = ("o", "^", "s")


def save(found: dict[str, Any], directory: str | Path) -> tuple[Path, ...]:
    """Write ``benchmark.json`` and ``benchmark.html``; what is there is replaced."""
    folder = Path(directory)
    texts = {
        "benchmark.json": json.dumps(
            found | {"sentences": sentences(found), "table": table(found)},
            indent=1, allow_nan=False,
        ) + "\n",
        "benchmark.html": html(found),
    }  # fmt: skip
    for name, text in texts.items():
        with whole(folder / name, overwrite=True) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return tuple(folder / name for name in texts)


def table(found: dict[str, Any]) -> list[dict[str, Any]]:
    """One object a model, ready for JSON."""
    return [
        {"name": row.name, "sound": row.sound, "seeds": row.seeds, "said": row.said}
        | dict(zip(PLACE, row.cells, strict=True))
        for row in rows(found)
    ]


def html(found: dict[str, Any]) -> str:
    """The page: no script, no style and no picture from anywhere else."""
    environment = Environment(
        loader=ChoiceLoader([
            PackageLoader("chanvae.benchmark", "templates"),
            PackageLoader("chanvae.evaluate", "templates"),
        ]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    return environment.get_template("benchmark.html.j2").render(
        found=found,
        rows=rows(found),
        columns=COLUMNS,
        sentences=sentences(found),
        figures=_figures(found),
        swept=swept(found),
        floor=_floor(found),
    )


def _floor(found: dict[str, Any]) -> dict[str, float]:
    """Measured against measured, of the first trial that was judged."""
    for trial in found["trials"]:
        if q := trial.get("quality"):
            worst = max(s["floor"] for s in q["statistics"].values())
            return {
                "AUC": q["auc_floor"],
                "worst W1/σ": worst,
                "delay spread": q["statistics"].get("delay_spread", {}).get("floor"),
                "angular spread": q["statistics"].get("angular_spread_rx", {}).get("floor"),
                "sliced": q["sliced_floor"],
                **{key: q["manifold_floor"][key] for key in ("precision", "recall", "coverage")},
            }
    return {}


def _figures(found: dict[str, Any]) -> dict[str, str]:
    table = rows(found)
    drawn: dict[str, str] = {}
    if swept(found):
        drawn["reconstruction against KL"] = svg(partial(trade_off, found=found))
        for label in ("AUC", "worst W1/σ", "active", "fidelity"):
            drawn[label] = svg(partial(along, table=table, label=label, found=found))
    else:
        drawn["quality against speed"] = svg(partial(speed, table=table), 4.6, 3.2)
        drawn["distance of statistics"] = svg(partial(distances, found=found), 4.6, 3.6)
    drawn["validation loss"] = svg(partial(losses, found=found), 4.6, 3.2)
    return drawn


def speed(axes: Axes, table: list[Row]) -> Axes:
    """AUC over channels a second, a point a model."""
    kinds = [(c, marker) for marker in _MARKERS for c in _COLOURS]
    for row, (colour, marker) in zip(table, cycle(kinds)):
        area, rate = row.cells[PLACE["AUC"]], row.cells[PLACE["channels/s"]]
        if area is not None and rate is not None:
            axes.plot(rate, area, marker, color=colour, markersize=5, label=row.name)
    axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_xscale("log")
    axes.set_xlabel("channels a second")
    axes.set_ylabel("AUC on statistics")
    axes.axhline(0.5, color=TEXT, linewidth=0.6)
    return axes


def distances(axes: Axes, found: dict[str, Any]) -> Axes:
    """W1/σ of every statistic, a line a model, over the floor."""
    first: dict[str, Any] = {}
    for trial in found["trials"]:
        if trial.get("quality"):
            first.setdefault(trial["name"], trial["quality"]["statistics"])
    if not first:
        return axes
    names = list(next(iter(first.values())))
    places = range(len(names))
    for (name, statistics), colour in zip(first.items(), cycle(_COLOURS)):
        values = [statistics[k]["w1_sigma"] if k in statistics else float("nan") for k in names]
        axes.plot(values, places, ".", color=colour, label=name, markersize=6)
    some = next(iter(first.values()))
    axes.plot([some[k]["floor"] for k in names], places, "|", color=TEXT, label="floor")
    axes.set_xscale("log")
    axes.set_yticks(places, [some[k]["label"] for k in names], fontsize=6)
    axes.set_xlabel("W1/σ")
    axes.legend(fontsize=6, ncols=2, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def losses(axes: Axes, found: dict[str, Any]) -> Axes:
    """Validation loss of the first stage over wall time, each from 1 at its start to 0 at best."""
    lines = [(c, line) for line in _LINES for c in _COLOURS]
    named: dict[str, tuple[str, str]] = {}
    for trial in found["trials"]:
        curve = [(s, v) for s, v in trial.get("losses") or () if v is not None]
        if len(curve) < 2:
            continue
        colour, line = named.setdefault(trial["name"], lines[len(named) % len(lines)])
        seconds, values = zip(*curve)
        descent = max(values[0] - min(values), 1e-12)
        axes.plot(seconds, [(v - min(values)) / descent for v in values], line, color=colour,
                  linewidth=1.2, label=trial["name"] if trial["seed"] == 0 else None)  # fmt: skip
    axes.set_ylim(-0.05, 1.5)
    axes.set_xlabel("wall time [s]")
    axes.set_ylabel("share of the descent to go")
    if named:
        axes.legend(fontsize=6, ncols=1, loc="upper left", bbox_to_anchor=(1, 1))
    return axes


def trade_off(axes: Axes, found: dict[str, Any]) -> Axes:
    """Reconstruction over KL of a sweep, in nats, a point a value."""
    points = [t for t in found["trials"] if t.get("kl") is not None]
    axes.plot([t["kl"] for t in points], [t["reconstruction"] for t in points], "o-",
              color=MEASURED, markersize=4, linewidth=1)  # fmt: skip
    for t in points:
        axes.annotate(t["value"], (t["kl"], t["reconstruction"]), xytext=(3, -8),
                      textcoords="offset points", fontsize=7)  # fmt: skip
    axes.set_xlabel("KL [nats]")
    axes.set_ylabel("reconstruction [nats]")
    return axes


def along(axes: Axes, table: list[Row], label: str, found: dict[str, Any]) -> Axes:
    """One column of a sweep over its values."""
    values = {t["name"]: t["value"] for t in found["trials"]}
    known = [(values[row.name], row.cells[PLACE[label]]) for row in table]
    known = [(value, cell) for value, cell in known if cell is not None]
    axes.plot(range(len(known)), [cell for _, cell in known], "o-", color=GENERATED, markersize=4)
    axes.set_xticks(range(len(known)), [value for value, _ in known])
    axes.set_xlabel(found["trials"][0]["name"].split("-")[1])
    axes.set_ylabel(label)
    return axes
