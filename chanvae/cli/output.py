"""Writing channels to a file, with a bar on anything that takes a while."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset


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
    batches: "Iterable[ChannelDataset]",
    count: int,
    output: str,
    doing: str,
    overwrite: bool,
    as_json: bool,
    compression: Literal["gzip"] | None = None,
    more: Mapping[str, float] | None = None,
) -> None:
    """Write batches as they come, then print the path and the rate (or both as JSON).

    ``more`` is filled while the batches come, and told with the rest.
    """
    import itertools

    from chanvae.files import refuse
    from chanvae.io.hdf5 import Writer

    refuse(output, overwrite)
    start = time.monotonic()
    with bar(doing, as_json) as told:
        rest = iter(batches)
        first = next(rest)
        with Writer(output, first, count, overwrite, compression) as writer:
            for batch in itertools.chain([first], rest):
                writer.append(batch)
                told(writer.written, count)
    seconds = time.monotonic() - start
    figures: dict[str, object] = {
        "path": output,
        "realisations": count,
        "seconds": round(seconds, 2),
    }
    figures |= more or {}
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(
            f"{output}: {count:,} channels in {seconds:.1f} s ({count / seconds:,.0f} a second)"
        )
        if more:
            click.echo(f"{more['acceptance']:.1%} of {more['candidates']:,} candidates were near")
