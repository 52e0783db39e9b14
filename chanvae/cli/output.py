"""Writing batches of channels to a file, with a bar on anything that takes a while."""

import json
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset


def stream(
    batches: "Iterable[ChannelDataset]",
    count: int,
    output: str,
    doing: str,
    overwrite: bool,
    as_json: bool,
    compression: Literal["gzip"] | None = None,
) -> None:
    """Write batches as they come, then print the path and the rate (or both as JSON)."""
    import itertools

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    from chanvae.files import refuse
    from chanvae.io.hdf5 import Writer

    refuse(output, overwrite)
    start = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal) as bar:
        task = bar.add_task(doing, total=count)
        rest = iter(batches)
        first = next(rest)
        with Writer(output, first, count, overwrite, compression) as writer:
            for batch in itertools.chain([first], rest):
                writer.append(batch)
                bar.advance(task, len(batch))
    seconds = time.monotonic() - start
    figures = {"path": output, "realisations": count, "seconds": round(seconds, 2)}
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(
            f"{output}: {count:,} channels in {seconds:.1f} s ({count / seconds:,.0f} a second)"
        )
