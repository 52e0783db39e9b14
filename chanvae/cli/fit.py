"""``chanvae fit``: from a file of channels to a run directory."""

import shlex
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.device import device_option
from chanvae.cli.reading import load_options, reading_options
from chanvae.launched import leads

if TYPE_CHECKING:
    from chanvae.config import FitConfig


@click.command("fit")
@click.option("--data", multiple=True, metavar="FILE", help="File of channels, or several.")
@click.option("-o", "output", default="run", show_default=True, help="Run directory to make.")
@click.option("-c", "preset", metavar="YAML", help="alike, best, default, quick, or your own.")
@click.option("--quick", is_flag=True, help="The fast preset: small, one pass, minutes.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting.")
@click.option(
    "--split", metavar="HOW", help="group:NAME, hole:delay_spread=80ns..120ns, time:0.8 or random."
)
@click.option("--seed", type=click.IntRange(0), help="Seed of weights, batches and split.")
@click.option(
    "--init", metavar="RUN", help="Start from the weights of a run, as of simulated channels."
)
@device_option
@click.option("--resume", is_flag=True, help="Go on with a fit that was stopped.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the directory.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reading_options
def command(
    data: tuple[str, ...],
    output: str,
    preset: str | None,
    quick: bool,
    changes: tuple[str, ...],
    split: str | None,
    seed: int | None,
    init: str | None,
    device: str,
    resume: bool,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Fit a model to the channels of a file.

    Delay spread and angular spread are conditions of every model; --condition adds labels of the
    file. A tenth of the data is held out for `chanvae evaluate`, parted by --group where the
    file has groups. Ctrl-C keeps what there is; --resume goes on.

    Without -c the preset is default, or with --quick quick. Where realisations are near copies
    of each other, as measurements of few places or of a narrow band are, it is alike.

    Where measurements are few, --init starts from a run that was fitted on many channels of the
    same shape: with its model and settings, at a lower rate.
    """
    import json

    from chanvae.errors import DataError
    from chanvae.presets import configure
    from chanvae.run import CHECKPOINT, open_run
    from chanvae.training.fit import fit
    from chanvae.training.start import settings

    if not data and not resume:
        raise click.UsageError("name a file of channels: --data FILE")
    config = start = None
    if not resume:
        if quick and preset:
            raise click.UsageError("--quick and -c both name a preset; choose one")
        asked: dict[str, Any] = (
            {"data.conditions": list(given["condition"])} if given["condition"] else {}
        )
        if given["group"]:
            apart = given["group"][0] == "random" and given["independent_antennas"]
            asked["data.group"] = "realisation" if apart else given["group"][0]
        if split is not None:
            asked["data.split"] = split
        if seed is not None:
            asked["seed"] = seed
        start = open_run(init) if init else None
        if preset or start:
            own = settings(start) if start and not quick else "quick"
            config = configure(preset or own, changes, asked)
        else:
            config = partial(_suited, quick, changes, asked)
    elif changes or preset or quick or split or init or seed is not None:
        raise DataError("--resume goes on with the settings of the run; leave other settings out")
    try:
        run = fit(
            data or None,
            output,
            config,
            reading=load_options(given),
            init=start,
            resume=resume,
            overwrite=overwrite,
            progress=not as_json and sys.stderr.isatty(),
            say=lambda line: click.echo(line, err=True),
            device=device,
        )
    except KeyboardInterrupt as stop:
        if not leads():
            raise click.exceptions.Abort from stop
        if Path(output, CHECKPOINT).is_file():
            go_on = f"chanvae fit --resume -o {shlex.quote(output)}"
            click.echo(f"stopped; the best so far is kept; go on with: {go_on}", err=True)
        else:
            click.echo("stopped before the first checkpoint; nothing was written", err=True)
        raise click.exceptions.Abort from stop
    if not leads():
        return
    written = {k: f"{output}/{k}" for k in ("model.safetensors", "card.md", "training.png")}
    if as_json:
        click.echo(json.dumps({"run": output, "conditions": list(run.known), "written": written}))
    else:
        click.echo("\n".join(written.values()))
        click.echo(f"next: chanvae generate {output} -n 10000 -o generated.h5")


def _suited(
    quick: bool, changes: tuple[str, ...], asked: Mapping[str, Any], preset: str
) -> "FitConfig":
    """The preset that suits the data, or the fast one instead of the usual one."""
    from chanvae.presets import configure

    return configure("quick" if quick and preset == "default" else preset, changes, asked)
