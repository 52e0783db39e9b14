"""Which preset suits a set of channels."""

from collections.abc import Callable
from math import prod

import numpy as np
import torch

from chanvae.channels import ChannelDataset
from chanvae.run import grid_of
from chanvae.transforms.registration import register

LOOKED_AT, IN_A_ROW = 2_000, 100
"""Realisations that are compared, at most, and how many of them stand together in the set."""
ENTRIES = 2**25
"""Entries of all of them together, at most."""
ALIKE = 0.9
"""Share of a realisation that the nearest other one explains, at which they are alike."""


def preset_for(dataset: ChannelDataset, say: Callable[[str], object] = lambda line: None) -> str:
    """``alike`` where realisations are near copies of each other, else ``default``.

    Args:
        dataset: The set.
        say: Called with the reason, where it is not the usual one.
    """
    share = likeness(dataset)
    if share < ALIKE:
        return "default"
    say(
        f"realisations are near copies: the nearest other explains {share:.1%} of one (median), "
        "so the preset is alike; -c takes another"
    )
    return "alike"


def likeness(dataset: ChannelDataset) -> float:
    """How much of a realisation's power the nearest other one explains; median, 0 to 1.

    Realisations are registered before, so that delay, direction, phase and strength of the
    strongest path do not count. Where few paths of random phase meet, as in a simulated street,
    the nearest of 2,000 explains a third of 16 x 64 coefficients; in measurements of one place,
    or of a band too narrow for many paths, nearly all.

    Args:
        dataset: The set; blocks of realisations are read from all over it.

    Returns:
        The share; 0 where the set has too few realisations to say.
    """
    n = min(LOOKED_AT, len(dataset), ENTRIES // prod(dataset.h.shape[1:]))
    if n < 3:
        return 0.0
    starts = np.linspace(0, len(dataset) - min(IN_A_ROW, n), max(n // IN_A_ROW, 1)).astype(int)
    rows = np.unique(starts[:, None] + np.arange(min(IN_A_ROW, n)))
    grid = grid_of(dataset)
    x = register(grid.unfold(torch.as_tensor(np.asarray(dataset.h[rows]))), grid)[0].flatten(1)
    x = x / x.norm(dim=1, keepdim=True).clamp(min=1e-30)
    explained = (x @ x.mH).abs().square().fill_diagonal_(0.0)
    return float(explained.max(1).values.median())
