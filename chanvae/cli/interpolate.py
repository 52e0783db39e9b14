"""``chanvae interpolate``: channels along a path between two conditions or two realisations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset
    from chanvae.interpolate import Bend, Step


@click.command("interpolate")
@click.argument("run", type=click.Path())
@click.option("--from", "start", metavar="NAME=VALUE,...", help="Conditions at the first stop.")
@click.option("--to", "end", metavar="NAME=VALUE,...", help="Conditions at the last stop.")
@click.option(
    "--between",
    type=click.IntRange(0),
    nargs=2,
    metavar="I J",
    help="Instead: a latent path between realisations I and J of the data, from 0.",
)
@click.option(
    "--bend",
    type=click.Choice(("linear", "spherical")),
    default="spherical",
    show_default=True,
    help="How a latent path goes.",
)
@click.option("--data", metavar="FILE", help="The data the run was fitted on, if they moved.")
@click.option("--steps", type=click.IntRange(2), default=7, show_default=True)
@click.option(
    "-n", "count", type=click.IntRange(1), default=500, show_default=True, help="At each stop."
)
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@click.option("--extrapolate", is_flag=True, help="Allow conditions outside the known range.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    run: str,
    start: str | None,
    end: str | None,
    between: tuple[int, int] | None,
    bend: str,
    data: str | None,
    steps: int,
    count: int,
    output: str,
    extrapolate: bool,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Generate channels with the model in RUN at stops along a path.

    From condition to condition in a straight line, spreads by their logarithm; or through the
    latent space from one realisation of the data to another. Writes the channels of all stops to
    one file, with the spreads achieved, and a picture of the angle-delay power beside it.
    """
    import numpy as np

    from chanvae.cli.output import bar
    from chanvae.errors import DataError
    from chanvae.files import refuse
    from chanvae.interpolate import along_conditions
    from chanvae.interpolate import between as latent_path
    from chanvae.io.hdf5 import Writer
    from chanvae.run import open_run

    if (between is None) == (start is None or end is None) or (between and (start or end)):
        raise click.UsageError("name a path: --from and --to, or --between I J")
    picture = str(Path(output).with_suffix(".png"))
    for path in (output, picture):
        refuse(path, overwrite)
    fitted, common = open_run(run), (steps, count, seed)
    stops: Iterator[tuple[Step, ChannelDataset]]
    if between is None:
        first, last = _conditions(fitted, start, "from"), _conditions(fitted, end, "to")
        stops = along_conditions(fitted, first, last, *common, extrapolate=extrapolate)
    else:
        dataset = fitted.dataset(data)
        beyond = [k for k in between if k >= len(dataset)]
        if beyond:
            raise DataError(
                f"--between: there is no realisation {beyond[0]}; the data have 0 to "
                f"{len(dataset) - 1}"
            )
        stops = latent_path(fitted, dataset[np.array(between)], *common, bend=cast("Bend", bend))
    seen: list[Step] = []
    with bar("interpolating", as_json) as told:
        step, made = next(stops)
        with Writer(output, made, steps * count, overwrite) as writer:
            while True:
                writer.append(made)
                seen.append(step)
                told(len(seen), steps)
                following = next(stops, None)
                if following is None:
                    break
                step, made = following
    _draw(seen, made, picture)
    _tell(seen, [output, picture], as_json)


def _conditions(fitted: Any, text: str | None, option: str) -> dict[str, Any]:
    """Conditions as typed: ``delay_spread=30ns,los=1``."""
    from chanvae.generate import parse_conditions

    typed = {}
    for part in (text or "").split(","):
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise click.UsageError(f"--{option} {text}: write NAME=VALUE, with commas between")
        typed[name.strip()] = value
    return parse_conditions(fitted, typed)


def _draw(seen: list[Step], dataset: ChannelDataset, path: str) -> None:
    """The mean angle-delay power at up to seven stops, one scale of colours."""
    import matplotlib as mpl
    import numpy as np
    from matplotlib.figure import Figure

    from chanvae.evaluate import figures
    from chanvae.files import whole
    from chanvae.stats.delay import delay_axis
    from chanvae.units import show

    chosen = [seen[k] for k in np.unique(np.linspace(0, len(seen) - 1, 7).round().astype(int))]
    delay = delay_axis(_frequencies(dataset)).numpy()
    peak = max(step.power.max() for step in chosen)
    with mpl.rc_context(figures.STYLE):
        figure = Figure(figsize=(2.0 * len(chosen) + 0.6, 2.6), layout="constrained")
        axes = figure.subplots(1, len(chosen), sharey=True, squeeze=False)[0]
        for k, (ax, step) in enumerate(zip(axes, chosen)):
            figures.angle_delay(
                ax, step.power, delay, peak, figures.GENERATED, k + 1 == len(chosen)
            )
            spread = step.achieved.get("delay_spread")
            name = "" if spread is None else f"\ndelay spread {show(spread[1], 's')}"
            ax.set_title(f"{step.position:.0%} of the way{name}", fontsize=8)
            if k:
                ax.set_ylabel("")
        with whole(path, overwrite=True) as temporary:
            figure.savefig(temporary, format="png", dpi=130)


def _frequencies(dataset: ChannelDataset):
    import torch

    return torch.as_tensor(dataset.freq)


def _tell(seen: list[Step], paths: list[str], as_json: bool) -> None:
    """A table of what was asked and what came out, or JSON."""
    if as_json:
        told = [
            {
                "position": s.position,
                "asked": dict(s.asked),
                "achieved": {
                    k: dict(zip(("p10", "median", "p90"), v)) for k, v in s.achieved.items()
                },
            }
            for s in seen
        ]
        click.echo(json.dumps({"paths": paths, "steps": told}))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from chanvae.stats.conditions import UNITS

    columns = [("way", [f"{s.position:.0%}" for s in seen])]
    for name in seen[0].asked:
        unit, said = _scaled([s.asked[name] for s in seen], UNITS.get(name, "1"))
        columns.append(("\n".join(["asked", *name.split("_"), *unit]), said))
    for name in seen[0].achieved:
        unit, said = _scaled([v for s in seen for v in s.achieved[name]], UNITS[name])
        heads = ("10 %", "\n".join([*name.split("_"), *unit, "50 %"]), "90 %")
        columns += [(head, said[k::3]) for k, head in enumerate(heads)]
    table = Table(
        title="asked, and what came out", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for head, _ in columns:
        table.add_column(head, justify="right", vertical="bottom")
    for row in zip(*(said for _, said in columns), strict=True):
        table.add_row(*row)
    Console().print(table)
    for path in paths:
        click.echo(path)


def _scaled(values: list[Any], unit: str) -> tuple[list[str], list[str]]:
    """The unit that values of a column share, in parentheses, and each of them in it."""
    from chanvae.units import handy

    if not all(isinstance(value, float) for value in values):
        return [], [str(value) for value in values]
    name, size = handy(max(map(abs, values)), unit)
    return [f"({name})"] if name else [], [f"{value / size:.3g}" for value in values]
