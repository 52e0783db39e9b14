"""Measured realisations kept in memory: their places, labels, latents, and which is nearest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.explore.latents import LatentSpace, posterior_means, prior_draws
from chanvae.io.read import load
from chanvae.run import Run
from chanvae.seeds import generator_for
from chanvae.stats.conditions import with_channel_conditions
from chanvae.transforms.registration import Pose

MOST = 4096
"""Realisations in memory, at most."""
BYTES = 1 << 26
"""Their bytes, at most."""
BLOCK = 64
"""Realisations read from one place of the file; near copies stand side by side."""
REFERENCE = 256
"""Measured realisations whose own nearest neighbours say what a usual distance is."""
DEFINITION = (
    "sqrt(1 - |<x, y>|^2) of unit channels after registration: 0 is a copy, 1 has nothing in "
    "common; delay, direction, phase and strength of the strongest path do not count"
)


@dataclass(frozen=True)
class Neighbour:
    """A measured realisation near to a generated one.

    Args:
        index: Its place among those held.
        row: Its number in the data, from 0.
        distance: As :data:`DEFINITION` says.
    """

    index: int
    row: int
    distance: float


@dataclass(frozen=True)
class Held:
    """Some of the measured realisations, evenly taken from the data.

    Args:
        dataset: They, in memory, with conditions and groups.
        rows: Their numbers in the data ``[n]``.
        total: How many the data hold.
        shapes: Registered maps of unit norm, complex ``[n, k]``.
        space: Their latents.
        usual: Distance of a measured realisation to the nearest of the others that do not stand
            beside it in the data: the median, and what 1 % and 90 % are below.
    """

    dataset: ChannelDataset
    rows: np.ndarray
    total: int
    shapes: Tensor
    space: LatentSpace
    usual: tuple[float, float, float]

    def nearest(self, run: Run, made: ChannelDataset, k: int = 3) -> list[Neighbour]:
        """The held realisations nearest to one generated channel."""
        x = run.model.register(made.tensor()[:1])[0].flatten(1)
        x = x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=1e-30)
        overlap = (x.to(self.shapes.dtype) @ self.shapes.mH).abs()[0].double().clamp(max=1)
        best = overlap.topk(min(k, len(self.rows)))
        return [
            Neighbour(i, int(self.rows[i]), (1 - value * value) ** 0.5)
            for value, i in zip(best.values.tolist(), best.indices.tolist())
        ]

    def labels(self) -> dict[str, np.ndarray]:
        """What the realisations can be coloured by: conditions and groups, name -> ``[n]``."""
        return {**self.dataset.conditions, **self.dataset.groups}


def hold(
    run: Run,
    path: str | Path | None = None,
    say: Callable[[str], object] = lambda step: None,
) -> Held:
    """Read realisations of the data a run was fitted on.

    Args:
        run: The model.
        path: The file, if it has moved.
        say: Called with what is being done.

    Raises:
        DataError: The data are not where they were, or are not those of the run.
    """
    where = path or run.source.get("path")
    if where is None:
        raise DataError("the run was fitted on data in memory; name their file with --data")
    say("reading the measured set")
    dataset = load(where, **run.source.get("reading", {}))
    if len(dataset) != run.realisations:
        raise DataError(
            f"{where}: holds {len(dataset)} realisations, the run was fitted on a set of "
            f"{run.realisations}; name that file with --data"
        )
    rows = chosen_rows(len(dataset), 8 * prod(dataset.shape[1:]))
    some = with_channel_conditions(dataset[rows], batch=256)
    usable = np.flatnonzero(np.abs(some.h[:]).any((1, 2, 3, 4)))
    finite = [np.isfinite(v[usable]) for k, v in some.conditions.items() if _number(v)]
    usable = usable[np.all(finite, 0)] if finite else usable
    if len(usable) < 2:
        raise DataError(f"{where}: has no realisations with power")
    some, rows = some[usable], rows[usable]
    parts = []
    for these in torch.arange(len(rows)).split(256):
        say("finding their latents")
        parts.append(run.model.register(some.tensor()[these]))
    x = torch.cat([maps for maps, _ in parts])
    shapes = x.flatten(1)
    shapes = shapes / torch.linalg.vector_norm(shapes, dim=1, keepdim=True)
    c = run.vector.encode(some.conditions, len(rows)).split(256)
    space = _space(run, [(maps, pose, told) for (maps, pose), told in zip(parts, c)])
    return Held(some, rows, len(dataset), shapes, space, _usual(shapes, rows))


def _space(run: Run, parts: list[tuple[Tensor, Pose, Tensor]]) -> LatentSpace:
    """Latents of registered maps; drawn ones for a kind of model without an encoder."""
    try:
        means = [posterior_means(run.model, *part) for part in parts]
    except DataError:
        return drawn_space(run)
    return LatentSpace.of(run.model, torch.cat(means))


def drawn_space(run: Run, n: int = 1024) -> LatentSpace:
    """Latents drawn from the prior for training conditions, where the data are not at hand."""
    known = dict(run.known)
    total = len(next(iter(known.values()), ()))
    rows = np.unique(np.linspace(0, max(total - 1, 0), n if not total else min(n, total)).round())
    rows = rows.astype(np.int64)
    size = len(rows) if total else n
    c = run.vector.encode({k: v[rows] for k, v in known.items()}, size)
    return LatentSpace.of(
        run.model, prior_draws(run.model, c, generator_for(0, "space", 0)), False
    )


def latent_space(run: Run, data: str | Path | None = None) -> LatentSpace:
    """The latents of the data a run was fitted on, as the explorer's second map shows them.

    Args:
        run: The model.
        data: The file, if it has moved.
    """
    return hold(run, data).space


def chosen_rows(n: int, row_bytes: int) -> np.ndarray:
    """Rows to hold: all, or blocks evenly spaced over the data."""
    most = int(min(MOST, max(BYTES // row_bytes, 2)))
    if n <= most:
        return np.arange(n)
    starts = np.linspace(0, n - BLOCK, max(most // BLOCK, 1)).astype(np.int64)
    return np.unique((starts[:, None] + np.arange(min(BLOCK, most))).ravel())


def label_kinds(labels: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """For each label whether it is a number or one of a few values."""
    kinds: dict[str, Any] = {}
    for name, values in labels.items():
        found = np.unique(values)
        if len(found) < 2:
            continue
        few = len(found) <= 8 and values.dtype.kind in "bUSTOiu"
        if few or _number(values):
            kinds[name] = [str(v) for v in found] if few else None
    return kinds


def _number(values: np.ndarray) -> bool:
    return values.dtype.kind in "fiu"


def _usual(shapes: Tensor, rows: np.ndarray) -> tuple[float, float, float]:
    pick = torch.linspace(0, len(rows) - 1, min(REFERENCE, len(rows))).round().long().unique()
    overlap = (shapes[pick] @ shapes.mH).abs().double().clamp(max=1)
    apart = np.abs(rows[pick.numpy()][:, None] - rows) >= BLOCK
    if not apart.any(1).all():  # a small set: only the realisation itself is left out
        apart = rows[pick.numpy()][:, None] != rows
    best = torch.where(torch.as_tensor(apart), overlap, 0.0).amax(1)
    distance = (1 - best.square()).sqrt().numpy()
    middle, low, high = np.quantile(distance, [0.5, 0.01, 0.9])
    return float(middle), float(low), float(high)
