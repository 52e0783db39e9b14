"""``chanvae compare``: any two files of channels, whoever made them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.reading import load_options, reading_options

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset
    from chanvae.evaluate.report import Report

_UNLABELLED: dict[str, Any] = {"groups": (), "conditions": ()}
_OVERRULE = ("carrier", "rx_array", "tx_array", "groups", "conditions", "drop_invalid")
"""Reading options that a file in chanvae's own format takes."""


@click.command("compare")
@click.argument("measured", type=click.Path())
@click.argument("generated", type=click.Path())
@click.option("-o", "--output", default="comparison", show_default=True, metavar="DIR")
@click.option("--seed", default=0, show_default=True, help="Seed of every draw.")
@click.option(
    "--quick",
    is_flag=True,
    help="Leave out the classifier on channels, and tasks; fewer channels for baselines.",
)
@click.option("--training", metavar="FILE", help="What GENERATED was fitted on, for baselines.")
@click.option("--resample", is_flag=True, help="Compare on the frequencies that both cover.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@reading_options
def command(
    measured: str,
    generated: str,
    output: str,
    seed: int,
    quick: bool,
    training: str | None,
    resample: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """How far the channels in GENERATED are from those in MEASURED.

    Writes report.json, report.html and card.csv to DIR. The reading options are about every file
    that is not in chanvae's own format; labels are those of MEASURED.
    """
    from chanvae.evaluate.compare import compare

    options = load_options(given)
    with steps(quiet=as_json) as progress:
        progress("reading")
        sets = _load(measured, options), _load(generated, options | _UNLABELLED)
        known = None if training is None else _load(training, options | _UNLABELLED)
        report = compare(
            *sets, training=known, seed=seed, quick=quick, resample=resample, progress=progress
        )
    show(report, output, as_json)


def _load(path: str, options: dict[str, Any]) -> ChannelDataset:
    from chanvae.io.read import is_ours, load

    own = is_ours(path)
    return load(path, **{k: v for k, v in options.items() if k in _OVERRULE or not own})


@contextmanager
def steps(quiet: bool) -> Iterator[Callable[[str], object]]:
    """A line on stderr that says which step runs and for how long."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda step: bar.update(task, description=step)


def show(report: Report, directory: str, as_json: bool) -> None:
    """Save a report, then print it as JSON, or as a table with the paths written."""
    from rich.console import Console
    from rich.table import Table

    paths = report.save(directory)
    if as_json:
        click.echo(json.dumps(report.to_dict(), allow_nan=False))
        return
    table = Table("figure", "distance", "floor", "training data", "verdict",
                  title="generated against measured")  # fmt: skip
    for s in report.statistics:
        told = [s.distance, s.floor, s.baselines.get("resampled")]
        cells = [f"{d.w1_sigma.value:.3f}" if d else "-" for d in told]
        table.add_row(s.label, *(cells if s.distance else ["constant", "-", "-"]), s.verdict)
    for f in report.figures:
        unit = "" if f.unit == "1" else f" {f.unit}"
        cells = [f.distance, f.floor, f.baselines.get("resampled")]
        told = ["-" if d is None else f"{d.value:.3f}{unit}" for d in cells]
        table.add_row(f.label, *told, f.verdict)
    for c in report.classifiers:
        base = c.baselines.get("resampled")
        table.add_row(f"AUC on {c.name}", f"{c.test.auc:.3f}", "0.500",
                      "-" if base is None else f"{base.auc:.3f}", c.verdict)  # fmt: skip
    for t in report.tasks:
        table.add_row(t.label, f"{t.loss.value:.2f} dB", f"{t.floor:.2f} dB", "-", t.verdict)
    Console().print(table)
    for line in (*report.sentences, *map(str, paths)):
        click.echo(line)
