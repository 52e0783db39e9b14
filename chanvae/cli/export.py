"""``chanvae export``: a model in a form that is used without chanvae."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chanvae.cli.asking import condition_options, typed_conditions

if TYPE_CHECKING:
    from chanvae.exports.profile import TapTable


@click.command("export")
@click.argument("source", metavar="RUN|FILE", type=click.Path())
@click.option("--taps", metavar="CSV", type=click.Path(), help="Write the mean profile as taps.")
@click.option(
    "--most", type=click.IntRange(1), default=24, show_default=True, help="Taps at most."
)
@click.option("-n", "count", type=click.IntRange(1), default=2000, show_default=True,
              help="Realisations drawn for the mean.")  # fmt: skip
@condition_options
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    source: str,
    taps: str | None,
    most: int,
    count: int,
    delay_spread: str | None,
    angular_spread: str | None,
    more: tuple[str, ...],
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Export the model in RUN, or the channels in FILE.

    --taps writes the mean profile, for the conditions asked, as a table like those of TDL and CDL
    in TR 38.901: delay, power and angles of each tap, as CSV and as JSON beside it.
    """
    if taps is None:
        raise click.UsageError("say what to export: --taps FILE.csv")
    typed = typed_conditions(delay_spread, angular_spread, more)
    from chanvae.exports.profile import write
    from chanvae.files import refuse

    refuse(taps, overwrite)
    table = _table(source, count, seed, typed, most)
    files = write(table, taps, overwrite)
    if as_json:
        click.echo(json.dumps({"taps": len(table.taps), "files": [str(f) for f in files]}))
        return
    from chanvae.units import show

    spread = show(table.delay_spread, "s")
    click.echo(f"{len(table.taps)} taps of {table.realisations:,} channels, delay spread {spread}")
    click.echo("\n".join(str(file) for file in files))


def _table(source: str, count: int, seed: int, typed: dict[str, str], most: int) -> "TapTable":
    """The taps of a run's channels for the conditions typed, or of a file's."""
    from chanvae.errors import DataError
    from chanvae.exports.profile import tap_table

    if Path(source).is_dir():
        from chanvae.generate import parse_conditions
        from chanvae.run import open_run

        run = open_run(source)
        asked = parse_conditions(run, typed)
        return tap_table(run.batches(count, seed=seed, **asked), asked, most)
    if typed:
        raise DataError(f"{source}: is a file; only a run can be asked for {', '.join(typed)}")
    from chanvae.io.read import load

    return tap_table(load(source).batches(), {}, most)
