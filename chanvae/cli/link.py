"""``chanvae link``: the same link over measured and generated channels, and baselines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.reading import load_options, reading_options

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset
    from chanvae.link.comparison import Contender
    from chanvae.run import Run


@click.command("link")
@click.argument("measured", type=click.Path())
@click.argument("generated", type=click.Path())
@click.option("-o", "--output", default="link", show_default=True, metavar="DIR")
@click.option("-c", "preset", metavar="YAML", help="default, quick, nr30, or a file of your own.")
@click.option("--quick", is_flag=True, help="The preset quick: fewer code words, coarser SNRs.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one setting.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reading_options
def command(
    measured: str,
    generated: str,
    output: str,
    preset: str | None,
    quick: bool,
    changes: tuple[str, ...],
    seed: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Run a 5G-like link over the channels of MEASURED and those of GENERATED, a run or a file.

    LDPC, QAM, pilots, LMMSE and least-squares estimation; beside them the nearest TDL and CDL
    and i.i.d. Rayleigh fading. Where MEASURED is what the run was fitted on, the link uses the
    part that the fit held out. SNRs are found by themselves. Writes link.json and link.png to DIR.
    """
    from chanvae.link.comparison import compare_links
    from chanvae.link.report import save, to_dict
    from chanvae.link.settings import LinkConfig
    from chanvae.presets import read

    if quick and preset:
        raise click.UsageError("--quick and -c both name a preset; choose one")
    config = read(LinkConfig, "link", "quick" if quick else preset or "default", changes)

    def say(line: str) -> None:
        click.echo(line, err=True)

    sets = _sets(measured, generated, load_options(given), say)
    with _bar(hidden=as_json) as progress:
        found = compare_links(*sets, config, seed, say, progress)
    paths = save(found, config, seed, output)
    if as_json:
        click.echo(json.dumps(to_dict(found, config, seed), allow_nan=False))
        return
    _show(found)
    for path in paths:
        click.echo(str(path))


def _sets(
    measured: str, generated: str, options: dict[str, Any], say: Callable[[str], object]
) -> tuple[ChannelDataset, Run | ChannelDataset]:
    """The measured channels, those held out of a fit to them if it was, and the generated."""
    from chanvae.io.read import is_ours, load
    from chanvae.run import open_run

    options = {} if is_ours(measured) else options
    if not Path(generated).is_dir():
        return load(measured, **options), load(generated)
    run = open_run(generated)
    source = run.source.get("path")
    known, own = Path(measured), Path(source) if isinstance(source, str) else None
    if own is not None and own.exists() and known.exists() and known.samefile(own):
        dataset = run.dataset(measured)
        held = run.split(dataset).test
        say(f"{measured}: the run was fitted on it; the link uses the {len(held):,} held out")
        return dataset[held], run
    return load(measured, **options), run


@contextmanager
def _bar(hidden: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar of curves on standard error, where that is a terminal, that says where it is."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=hidden or not console.is_terminal) as shown:
        task = shown.add_task("drawing channels", total=None)
        yield lambda doing, done, of: shown.update(
            task, description=doing, completed=done, total=of
        )


def _show(found: Sequence[Contender]) -> None:
    from rich.console import Console
    from rich.table import Table

    from chanvae.link.comparison import OUTAGE, SNR_DB, TARGETS

    console, ten = Console(), SNR_DB.index(10)
    for estimator in found[0].curves:
        table = Table("channels", title=f"{estimator.upper()} estimation: SNR beyond measured")
        for target in TARGETS:
            table.add_column(f"SNR at {target:g}", justify="right")
            table.add_column("gap in dB (95 %)", justify="right")
        for contender in found:
            cells = []
            for k, target in enumerate(TARGETS):
                snr = contender.curves[estimator].crossing(target)
                cells.append(f"{snr:.2f} dB" if snr == snr else "not reached")
                gaps = contender.gaps.get(estimator)
                cells.append(_words(gaps[k]) if gaps else "")
            table.add_row(contender.label, *cells)
        console.print(table)
    table = Table("channels", "ergodic", *(f"{o:.0%} outage" for o in OUTAGE),
                  title="capacity at 10 dB in bit/s/Hz")  # fmt: skip
    for contender in found:
        c = contender.capacity
        table.add_row(contender.label, f"{c.ergodic[ten]:.2f} ± {1.96 * c.error[ten]:.2f}",
                      *(f"{c.outage[o][ten]:.2f}" for o in OUTAGE))  # fmt: skip
    console.print(table)


def _words(gap: Any) -> str:
    return f"{gap.db:+.2f} ({gap.low:+.2f} to {gap.high:+.2f})" if gap.db == gap.db else "-"
