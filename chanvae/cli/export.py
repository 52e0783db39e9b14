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
@click.option("--onnx", metavar="FILE", type=click.Path(), help="Write the model as ONNX.")
@click.option(
    "--batch",
    type=click.IntRange(1, 256),
    default=64,
    show_default=True,
    help="Realisations that the ONNX graph draws at a time.",
)
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
    onnx: str | None,
    batch: int,
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
    in TR 38.901: delay, power and angles of each tap, as CSV and as JSON beside it. --onnx writes
    the whole model, from conditions and random numbers to channels, for use without torch.
    """
    from chanvae.files import refuse

    typed = typed_conditions(delay_spread, angular_spread, more)
    written = [Path(path) for path in (taps, onnx) if path]
    if not written:
        raise click.UsageError("say what to export: --taps FILE.csv, --onnx FILE.onnx")
    for path in written:
        refuse(path, overwrite)
    said = []
    if onnx:
        said.append(_onnx(source, onnx, batch, overwrite))
    if taps:
        from chanvae.exports.profile import write
        from chanvae.units import show

        table = _table(source, count, seed, typed, most)
        written += write(table, taps, overwrite)[1:]
        spread = show(table.delay_spread, "s")
        said.append(
            f"{taps}: {len(table.taps)} taps of {table.realisations:,} channels, delay spread "
            f"{spread}"
        )
    if as_json:
        click.echo(json.dumps({"files": [str(path) for path in written]}))
        return
    click.echo("\n".join(said))


def _onnx(source: str, path: str, batch: int, overwrite: bool) -> str:
    """Write the model of a run; what is said of it."""
    from chanvae.exports.onnx import export
    from chanvae.run import open_run

    drawing = export(open_run(source), path, batch, overwrite)
    needed, size = drawing.needs, Path(path).stat().st_size / 1e6
    return (
        f"{path}: {size:.1f} MB, {batch} channels at a time from {needed.normal:,} normal and "
        f"{needed.uniform:,} uniform numbers each"
    )


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
