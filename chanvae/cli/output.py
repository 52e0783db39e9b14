"""Writing channels to a file, with a bar on anything that takes a while."""

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset
    from chanvae.io.kept import Work


@contextmanager
def bar(doing: str, hidden: bool) -> "Iterator[Callable[[int, int], None]]":
    """A bar on standard error, where that is a terminal; yields what is told (done, of all)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as shown:
        task = shown.add_task(doing, total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)


def stream(
    work: "Work",
    output: str,
    doing: str,
    *,
    overwrite: bool,
    resume: bool,
    as_json: bool,
    compression: Literal["gzip"] | None = None,
    more: Mapping[str, float] | None = None,
) -> None:
    """Write blocks as they come, then print the path and the rate (or both as JSON).

    ``more`` is filled while the blocks come, and told with the rest.
    """
    from chanvae.errors import DataError
    from chanvae.files import refuse
    from chanvae.io.hdf5 import Writer
    from chanvae.io.kept import Kept

    start, count = time.monotonic(), work.count
    kept = Kept(output, work, resume)
    done = kept.done
    if done:
        kept.clear()
    else:
        refuse(output, overwrite)
        try:
            with bar(doing, as_json) as told, kept:
                rest = (_of_shard(block, work) for block in kept.blocks())
                first = next(rest)
                with Writer(output, first, count, overwrite, compression) as writer:
                    for batch in itertools.chain([first], rest):
                        writer.append(batch)
                        told(writer.written, count)
        except (KeyboardInterrupt, DataError) as stop:
            if kept.begun:
                click.echo("stopped; go on with the same command and --resume", err=True)
            if isinstance(stop, DataError):
                raise
            raise click.exceptions.Abort from stop
    seconds = time.monotonic() - start
    figures: dict[str, object] = {
        "path": output,
        "realisations": count,
        "seconds": round(seconds, 2),
    }
    figures |= more or {}
    if as_json:
        click.echo(json.dumps(figures))
    elif done:
        click.echo(f"{output}: is there already, whole")
    else:
        click.echo(
            f"{output}: {count:,} channels in {seconds:.1f} s ({count / seconds:,.0f} a second)"
        )
        if more:
            click.echo(f"{more['acceptance']:.1%} of {more['candidates']:,} candidates were near")


def _of_shard(block: "ChannelDataset", work: "Work") -> "ChannelDataset":
    """A block that says of which shard it is; as it is where there is but one."""
    from dataclasses import replace

    if work.shard.of == 1:
        return block
    first = work.blocks.start * work.size
    said = {"shard": str(work.shard), "first": first, "realisations": work.n}
    meta = replace(block.meta, provenance={**block.meta.provenance, **said})
    return replace(block, meta=meta)


def sharing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--shard`` and ``--resume``, the same for everything that draws channels."""
    shard = click.option("--shard", metavar="K/N", help="The K-th of N parts of the file, from 0.")
    resume = click.option("--resume", is_flag=True, help="Go on with what was stopped or killed.")
    return shard(resume(command))
