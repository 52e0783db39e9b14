"""A set made ready for training, and the untrained model that fits it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from chanvae.channels import ChannelDataset
from chanvae.config import FitConfig
from chanvae.errors import DataError
from chanvae.io.read import require_enough
from chanvae.models.context import Context
from chanvae.models.priors import PosePrior
from chanvae.models.site import Registered, SiteModel
from chanvae.run import grid_of, split_for
from chanvae.signal.normalization import EACH, GAIN
from chanvae.training.registering import registered
from chanvae.training.room import require_memory
from chanvae.training.supply import map_bytes, maps_of
from chanvae.transforms.condition_vector import LOGARITHMIC, ConditionVector

VALIDATION = 2000
"""Validation realisations looked at, at most."""
SHORT = 500
"""The same of a fit whose time is limited."""
PREPARED = 10_000
"""Training realisations that models are started from, at most."""


@dataclass(frozen=True)
class Material:
    """A set made ready for training.

    Args:
        dataset: The set with its conditions.
        vector: Conditions of the model.
        known: Their values in the training part.
        gains: Power of the training part as measured, where each was scaled to unit power.
        model: The untrained model, its constants fitted to the training part.
        train: Registered training part; its maps stay in the file where they are many.
        validation: Registered validation part, at most :data:`VALIDATION` realisations.
        sizes: Realisations for training, validation and test.
    """

    dataset: ChannelDataset
    vector: ConditionVector
    known: dict[str, np.ndarray]
    gains: np.ndarray
    model: SiteModel
    train: Registered
    validation: Registered
    sizes: tuple[int, int, int]


def prepare(
    dataset: ChannelDataset,
    config: FitConfig,
    progress: bool,
    scales: ConditionVector | None = None,
    device: torch.device | str = "cpu",
) -> Material:
    """Split a set, register its training part, and build the model for it.

    Args:
        dataset: The set with its conditions.
        config: What to fit and how.
        progress: Show a progress bar.
        scales: Scales of conditions to keep, those of the run that a fit starts from.
        device: Where the model is to compute.

    Raises:
        DataError: The set is too small, lacks a condition, or its fit takes more memory than there
            is.
    """
    require_enough(dataset)
    for name in config.data.conditions:
        if name not in dataset.conditions:
            known = ", ".join(dataset.conditions) or "none"
            raise DataError(f"condition {name!r} is not in the data; they have: {known}")
    parts = split_for(dataset, config)
    names = tuple(n for n in (*LOGARITHMIC, *config.data.conditions) if n in dataset.conditions)
    known = {n: dataset.conditions[n][parts.train] for n in names}
    vector = ConditionVector.fit(known, dataset.condition_units, names)
    vector = vector if scales is None else vector.scaled_as(scales)
    grid = grid_of(dataset)
    told = Context(grid, vector.width).width
    require_memory(grid, told, config, len(parts.train), torch.device(device))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = SiteModel(grid, vector, config.model, dataset).to(device)
        limit = config.data.memory_gib * 2**30
        train = registered(dataset, parts.train, model, vector, limit, progress)
        model.pose_prior = PosePrior.fitted(train.pose, vector.width).to(device)
    model.context.fit(train.pose)
    if model.cvae.prepared:
        most = min(PREPARED, max(int(limit / 8) // map_bytes(model.grid), 256))
        some = torch.linspace(0, len(train) - 1, min(most, len(train))).long()
        maps = maps_of(train, some)
        told = model.context(train.c[some], train.pose[some])
        model.cvae.prepare(maps, told, config.seed)
    most = SHORT if config.training.seconds else VALIDATION
    few = parts.validation[: max(min(most, int(limit / 8) // map_bytes(model.grid)), 256)]
    validation = registered(dataset, few, model, vector)
    validation = replace(validation, x=validation.x.to(device))
    sizes = (len(parts.train), len(parts.validation), len(parts.test))
    known_gains = dataset.meta.normalization == EACH and GAIN in dataset.conditions
    gains = np.asarray(dataset.conditions[GAIN][parts.train] if known_gains else [], np.float64)
    return Material(dataset, vector, known, gains, model, train, validation, sizes)
