"""Walks: channels along a path, as frames to show and as a set to take along."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.explore.asked import WalkAsked, point_of
from chanvae.explore.drawing import as_read
from chanvae.explore.held import Held
from chanvae.explore.latents import LatentSpace
from chanvae.explore.pictures import Pictures
from chanvae.interpolate import Step, along_conditions, between
from chanvae.io.read import load
from chanvae.run import Run
from chanvae.stats.conditions import with_channel_conditions


def stops(
    run: Run, asked: WalkAsked, space: LatentSpace | None, held: Held | None, data: str | None
) -> Iterator[tuple[Step, ChannelDataset]]:
    """Stop after stop of a walk: what was asked and came out, and the channels.

    Raises:
        DataError: The ends are not two points of the map, or the data of two realisations are not
            at hand.
    """
    common = (asked.steps, asked.n, asked.seed)
    if asked.kind == "rows":
        if asked.rows is None:
            raise DataError("a walk between realisations needs the numbers of two: rows")
        if held is None:
            raise DataError("the measured realisations are not at hand: name their file, --data")
        return between(run, measured_rows(run, held, asked.rows, data), *common, bend=asked.bend)
    start, end = (point_of(run, p, space) for p in (asked.start, asked.end))
    if asked.kind == "latent":
        return between(run, as_read(run, (start, end)), *common, bend=asked.bend)
    if not start.asked or not end.asked:
        raise DataError("a walk needs two points of the map, or two realisations")
    common = (asked.steps, asked.n, start.seed)
    return along_conditions(run, start.asked, end.asked, *common, extrapolate=True)


def measured_rows(run: Run, held: Held, rows: tuple[int, int], data: str | None) -> ChannelDataset:
    """Two realisations of the data with their conditions, held or read from the file."""
    beyond = [k for k in rows if k >= held.total]
    if beyond:
        raise DataError(
            f"there is no realisation {beyond[0]}; the data have 0 to {held.total - 1}"
        )
    place = {int(row): k for k, row in enumerate(held.rows)}
    if all(row in place for row in rows):
        return held.dataset[np.array([place[row] for row in rows])]
    whole = load(data or run.source["path"], **run.source.get("reading", {}))
    return with_channel_conditions(whole[np.array(rows)])


def frames(
    pictures: Pictures, walk: Iterator[tuple[Step, ChannelDataset]]
) -> list[dict[str, Any]]:
    """What the page shows at each stop: the first channel, and quantiles over all."""
    return [
        {
            "position": step.position,
            "asked": {k: v for k, v in step.asked.items() if isinstance(v, int | float | str)},
            "achieved": {k: list(v) for k, v in step.achieved.items()},
            "picture": pictures.of(made[:1])[0],
        }
        for step, made in walk
    ]


def together(walk: Iterator[tuple[Step, ChannelDataset]]) -> ChannelDataset:
    """All channels of a walk as one set, stop after stop."""
    parts = [made for _, made in walk]
    return replace(
        parts[-1],
        h=np.concatenate([p.h[:] for p in parts]),
        conditions={
            k: np.concatenate([p.conditions[k] for p in parts]) for k in parts[0].conditions
        },
        groups={k: np.concatenate([p.groups[k] for p in parts]) for k in parts[0].groups},
    )
