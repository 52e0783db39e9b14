"""``chanvae convert``: a file of channels in another format."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from chanvae.cli.reading import load_options, reading_options


@click.command("convert")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@click.option(
    "--to",
    type=click.Choice(["own", "mat", "sionna", "npz"]),
    help="Format; otherwise the ending says it: .h5 own, .mat, .npz.",
)
@reading_options
@click.option("--uncompressed", is_flag=True, help="A larger file that is read faster.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    files: tuple[str, ...],
    output: str,
    to: Any,
    uncompressed: bool,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Write the channels of FILE (or several as one set) in another format, piece by piece.

    own is chanvae's file format, mat is MATLAB's v7.3, sionna is HDF5 with a and tau, npz is
    numpy's. Grid, arrays, conditions and groups go along; a label goes along as --condition or
    --group.
    """
    from chanvae.cli.output import bar
    from chanvae.io.convert import convert
    from chanvae.io.read import reading

    options, start = load_options(given), time.monotonic()
    with bar("converting", as_json) as told:
        dataset = convert(
            files,
            output,
            to,
            overwrite=overwrite,
            compress=not uncompressed,
            progress=told,
            **options,
        )
    seconds = time.monotonic() - start
    how = reading(files, **{k: v for k, v in options.items() if k != "drop_invalid"})
    left = [label.name for label in how.labels if not label.role]
    figures = {
        "path": output,
        "realisations": len(dataset),
        "conditions": list(dataset.conditions),
        "groups": list(dataset.groups),
        "left_out": left,
        "seconds": round(seconds, 2),
    }
    if as_json:
        click.echo(json.dumps(figures))
        return
    along = ", ".join([*dataset.conditions, *dataset.groups]) or "none"
    click.echo(f"{output}: {len(dataset):,} channels in {seconds:.1f} s; labels: {along}")
    if left:
        click.echo(f"left out: {', '.join(left)}; --condition {left[0]} takes one along")
