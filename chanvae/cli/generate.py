"""``chanvae generate``: channels from a fitted model, streamed to a file."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.asking import condition_options, typed_conditions
from chanvae.cli.device import device_option
from chanvae.cli.output import sharing_options, stream

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset


@click.command("generate")
@click.argument("run", type=click.Path())
@click.option("-n", "count", type=click.IntRange(1), required=True, help="Realisations.")
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@condition_options
@click.option("--like", metavar="FILE", help="Ask for the conditions of the channels in FILE.")
@click.option("--extrapolate", is_flag=True, help="Allow conditions outside the known range.")
@click.option(
    "--exact",
    is_flag=False,
    flag_value="5%",
    metavar="[TOLERANCE]",
    help="Keep only channels whose spreads are those asked for, to 5% or so much.",
)
@click.option(
    "--candidates",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="With --exact: channels drawn for each that is kept, at most.",
)
@click.option(
    "--again",
    type=click.IntRange(0),
    help="Times that draws which miss the spreads asked for are drawn anew.  [default: 3]",
)
@click.option(
    "--every",
    is_flag=True,
    help="Keep every draw, also what the model has learned to refuse: faster, less faithful.",
)
@device_option
@sharing_options
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    run: str,
    count: int,
    output: str,
    delay_spread: str | None,
    angular_spread: str | None,
    more: tuple[str, ...],
    like: str | None,
    extrapolate: bool,
    exact: str | None,
    candidates: int,
    again: int | None,
    every: bool,
    device: str,
    shard: str | None,
    resume: bool,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Generate channels from the model in RUN.

    Conditions that are not asked for are drawn as they occur in the training data. The same seed
    gives the same channels.
    """
    import chanvae
    from chanvae.errors import DataError
    from chanvae.exact import Exact
    from chanvae.generate import conditions_like, parse_conditions
    from chanvae.io.digest import digest
    from chanvae.io.kept import Work
    from chanvae.run import AGAIN, BATCH, MODEL, open_run
    from chanvae.shards import Shard
    from chanvae.units import parse

    model = open_run(run).to(device)
    typed = typed_conditions(delay_spread, angular_spread, more)
    if like and typed:
        raise DataError("--like asks for every condition; leave the others out")
    asked: dict[str, Any]
    asked = conditions_like(model, like, count) if like else parse_conditions(model, typed)
    near = None if exact is None else Exact(parse(exact, "share", "--exact"), candidates)
    if near:
        near.spreads(asked)
    again = AGAIN if again is None else again
    told = dict[str, Any]()

    def draw(blocks: range) -> "Iterator[ChannelDataset]":
        options: dict[str, Any] = {
            "seed": seed,
            "extrapolate": extrapolate,
            "exact": near,
            "again": again,
            "every": every,
            "blocks": blocks,
        }
        return _watched(model.batches(count, **options, **asked), told)

    task = {
        "model": digest(Path(run, MODEL))["sha256"],
        "conditions": digest(Path(like))["sha256"] if like else asked,
        "exact": near and asdict(near),
        "again": again,
        "every": every,
        "seed": seed,
        "device": model.device.type,
        "version": chanvae.__version__,
    }
    work = Work(draw, count, BATCH, task, Shard.parse(shard) if shard else Shard())
    stream(
        work, output, "generating", overwrite=overwrite, resume=resume, as_json=as_json, more=told
    )


def _watched(
    batches: "Iterable[ChannelDataset]", told: dict[str, Any]
) -> "Iterator[ChannelDataset]":
    """The batches; what they say of candidates so far is put into ``told``."""
    for batch in batches:
        if tally := batch.meta.provenance.get("exact"):
            told |= {"candidates": tally["drawn"], "acceptance": tally["near"] / tally["drawn"]}
        yield batch
