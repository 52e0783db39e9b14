"""Which realisations train a model, which choose it, and which judge it."""

from dataclasses import dataclass

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError


@dataclass(frozen=True)
class Split:
    """Ascending indices of the three parts, and what kept them apart.

    Args:
        train: Realisations a model is fitted on.
        validation: Realisations that choose the epoch to keep.
        test: Realisations only the referee sees.
        group: The group no two parts share, or ``""`` for a random split.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    group: str = ""


def split(
    dataset: ChannelDataset,
    group: str = "",
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
) -> Split:
    """Part a set for fitting and judging, by group where there are groups.

    Args:
        dataset: The set.
        group: A name in ``dataset.groups``; ``""`` takes the first there is, ``"random"`` none.
        validation: Share of the realisations, at least.
        test: Share of the realisations, at least.
        seed: Seed of the shuffle.

    Raises:
        DataError: The group is unknown or has fewer than three values.
    """
    name = group or next(iter(dataset.groups), "random")
    if name == "random":
        labels, name = np.arange(len(dataset)), ""
    elif name in dataset.groups:
        labels = np.unique(dataset.groups[name], return_inverse=True)[1]
    else:
        known = ", ".join(dataset.groups) or "none"
        raise DataError(f"group {name!r} is not in the data; it has: {known}")
    sizes = np.bincount(labels)
    if len(sizes) < 3:
        raise DataError(
            f"group {name!r} has {len(sizes)} value(s); a split into training, validation and "
            "test needs 3; use --group random"
        )
    order = np.random.default_rng(seed).permutation(len(sizes))
    filled = np.cumsum(sizes[order]) - sizes[order]
    part = np.full(len(sizes), 2)
    part[order[filled < (validation + test) * len(labels)]] = 1
    part[order[filled < test * len(labels)]] = 0
    part[order[-1]] = 2
    if not (part == 1).any():
        part[order[(part[order] == 0).sum()]] = 1
    of = part[labels]
    return Split(*(np.flatnonzero(of == k) for k in (2, 1, 0)), group=name)
