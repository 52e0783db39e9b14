"""Training material from a set: registered maps in memory, or left in the file if many."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from chanvae.channels import ChannelDataset
from chanvae.models.site import Registered, SiteModel
from chanvae.training.supply import FileMaps, map_bytes
from chanvae.transforms.condition_vector import ConditionVector
from chanvae.transforms.registration import Pose

_PIECE = 1 << 24
"""Bytes of channels registered at a time."""


def registered(
    dataset: ChannelDataset,
    rows: np.ndarray,
    model: SiteModel,
    vector: ConditionVector,
    limit: float = float("inf"),
    progress: bool = False,
) -> Registered:
    """Read and register realisations, a piece of them in memory beside the result.

    Args:
        dataset: The set.
        rows: The realisations of it that are meant, ascending ``[n]``.
        model: Registers them, and says where poses and conditions are kept; maps stay in memory
            of the processor.
        vector: Encodes their conditions.
        limit: Maps of more than this many bytes are left where they are; their poses and
            conditions are kept in memory.
        progress: Show a bar.
    """
    size = map_bytes(model.grid)
    keep = size * len(rows) <= limit
    x = torch.empty(len(rows) if keep else 0, *model.grid.shape, dtype=torch.complex64)
    step, found = min(max(_PIECE // size, 1), 2048), {}
    starts = range(0, len(rows), step)
    for start in track(starts, "registering", console=Console(stderr=True), disable=not progress):
        maps, pose = model.register(dataset[rows[start : start + step]].tensor().to(model.device))
        if keep:
            x[start : start + len(maps)] = maps
        for name, value in vars(pose).items():  # one tensor each: small ones fragment the heap
            if name not in found:
                found[name] = value.new_empty(len(rows), *value.shape[1:])
            found[name][start : start + len(value)] = value
    pose = Pose(**found)
    c = vector.encode({k: dataset.conditions[k][rows] for k in vector.names}, len(rows))
    if not keep:  # taken by indices just as a tensor is
        x = cast("torch.Tensor", FileMaps(dataset, rows, pose.cpu(), model.grid))
    return Registered(x, pose, c.to(model.device))
