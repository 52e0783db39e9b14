"""``chanvae join``: the shards of one set as one file."""

from __future__ import annotations

import json

import click


@click.command("join")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(shards: tuple[str, ...], output: str, overwrite: bool, as_json: bool) -> None:
    """Join the files that --shard made, as one file that says where they lie.

    It holds no channels: keep the shards where they are from it. Because it refers to other files
    it is read with --trusted, which inspect, convert, fit, evaluate and compare have;
    `chanvae convert JOINED --trusted -o FILE` makes one file that holds all.
    """
    from chanvae.io.join import join

    n = join(shards, output, overwrite)
    if as_json:
        click.echo(json.dumps({"path": output, "realisations": n, "shards": len(shards)}))
    else:
        click.echo(f"{output}: {n:,} channels in {len(shards)} shards")
