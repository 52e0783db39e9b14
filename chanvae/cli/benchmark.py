"""``chanvae benchmark``: every kind of model under the same wall time on the same data."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.reading import load_options, reading_options

if TYPE_CHECKING:
    from chanvae.benchmark.plan import Trial


@click.command("benchmark")
@click.option("--data", required=True, metavar="FILE", help="File of channels.")
@click.option("--budget", default="300s", show_default=True, help="Wall time of each fit.")
@click.option("--clock", type=click.Choice(("wall", "cpu")), default="wall", show_default=True,
              help="What the budget is of; cpu where others use the cores too.")  # fmt: skip
@click.option("--models", metavar="A,B,...", help="Kinds of models.  [default: all of them]")
@click.option("--sweep", metavar="X=A,B,...", help="beta=, latent= or annealing= of one model.")
@click.option("-o", "--output", default="benchmark", show_default=True, metavar="DIR")
@click.option("-c", "preset", metavar="YAML", help="Preset or file that models are changes of.")
@click.option("--quick", is_flag=True, help="The fast preset.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change every model.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Fits each.")
@click.option("-n", type=click.IntRange(min=64), default=4000, show_default=True,
              help="Channels of each that are judged, at most.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Keep the run directories.")
@click.option("--overwrite", is_flag=True, help="Make trials anew that have other settings.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reading_options
def command(
    data: str,
    budget: str,
    clock: str,
    models: str | None,
    sweep: str | None,
    output: str,
    preset: str | None,
    quick: bool,
    changes: tuple[str, ...],
    seeds: int,
    n: int,
    keep: bool,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Fit every kind of model within the same wall time, and judge what they draw.

    Stability, sample quality beside its floor, diversity, speed, memory and the bound stand in one
    table, as benchmark.json and as one page, benchmark.html. Every trial is kept when it is done:
    the same command goes on where it was stopped. --sweep draws the trade-off of one setting.
    Without -c the preset is the one that `chanvae fit` would take.
    """
    from chanvae.benchmark.benchmark import benchmark
    from chanvae.benchmark.page import save
    from chanvae.benchmark.plan import MODELS
    from chanvae.io.options import settled
    from chanvae.io.read import load, require_enough
    from chanvae.training.suited import preset_for
    from chanvae.units import parse

    if quick and preset:
        raise click.UsageError("--quick and -c both name a preset; choose one")
    asked: dict[str, Any] = {"training.clock": clock}
    if given["condition"]:
        asked["data.conditions"] = list(given["condition"])
    if given["group"]:
        asked["data.group"] = given["group"][0]
    seconds = parse(budget, "s", "--budget")
    names = models.split(",") if models else ["cvae"] if sweep else list(MODELS)
    plan = partial(_plan, sweep, names, seconds, seeds, changes=changes, asked=asked)
    trials = plan("quick" if quick else preset or "default")
    options = load_options(given)
    dataset = load(data, **options)
    require_enough(dataset)  # before any trial, which would say the same
    say = partial(click.echo, err=True)
    if not preset and preset_for(dataset, say) == "alike":
        trials = plan("alike")
    reading = json.loads(json.dumps(settled(options)))
    source = {"path": str(Path(data).resolve()), "reading": reading}
    try:
        with _bar(hidden=as_json) as progress:
            found = benchmark(source, trials, output, n, overwrite, keep, progress)
    except KeyboardInterrupt:
        click.echo(f"stopped; trials that are done are kept in {shlex.quote(output)}; "
                   "the same command goes on", err=True)  # fmt: skip
        raise click.exceptions.Abort from None
    paths = save(found, output)
    if as_json:
        click.echo(paths[0].read_text().strip())
        return
    show(found)
    for path in paths:
        click.echo(str(path))


def _plan(sweep: str | None, names: list[str], *rest: Any, **more: Any) -> list[Trial]:
    from chanvae.benchmark.plan import models_plan, sweep_plan

    if not sweep:
        return models_plan(names, *rest, **more)
    if len(names) != 1:
        raise click.UsageError("--sweep is about one model: --models cvae")
    return sweep_plan(sweep, names[0], *rest, **more)


@contextmanager
def _bar(hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar of trials on standard error, where that is a terminal, that says which one runs."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as shown:
        task = shown.add_task("reading", total=None)
        yield lambda doing, done, of: shown.update(
            task, description=doing, completed=done, total=of
        )


def show(found: dict[str, Any]) -> None:
    """Print the table and who is first in what."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from chanvae.benchmark.table import COLUMNS, rows, sentences, swept

    of_sweeps, of_kinds = ("fidelity", "active"), ("delay spread", "channels/s", "parameters")
    most = of_sweeps if swept(found) else of_kinds  # what 80 columns hold
    shown = {"AUC", "worst W1/σ", "coverage", *most}
    places = [k for k, column in enumerate(COLUMNS) if column.label in shown]
    title = f"{found['budget_seconds']:g} s ({found['clock']}) each"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", no_wrap=True)  # names of a sweep differ at their ends
    table.add_column("sound")
    for k in places:
        label = COLUMNS[k].label
        table.add_column(label, justify="right", no_wrap=" " not in label)
    for row in rows(found):
        cells = row.shown()
        table.add_row(row.name, f"{row.sound}/{row.seeds}", *(cells[k] for k in places))
    Console().print(table)
    for sentence in sentences(found):
        click.echo(sentence)
