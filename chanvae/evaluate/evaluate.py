"""A run against the channels that were held out of its fit."""

from collections.abc import Callable

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.evaluate.compare import compare
from chanvae.evaluate.report import Report
from chanvae.run import Run

LEAST, MOST = 1_000, 10_000
"""Channels that are generated unless asked otherwise: as many as are held out, within these."""


def evaluate(
    run: Run,
    dataset: ChannelDataset | None = None,
    n: int | None = None,
    seed: int = 0,
    quick: bool = False,
    progress: Callable[[str], object] = lambda step: None,
) -> Report:
    """Compare generated with held-out measured channels.

    Args:
        run: The fitted model.
        dataset: The set it was fitted on; opened anew if not given.
        n: Channels to generate; as many as are held out, from 1,000 to 10,000, if not given.
        seed: Seed of the generated channels and of every draw.
        quick: Leave out the classifier on channels.
        progress: Called with the name of each step.

    Raises:
        DataError: The data cannot be read or do not belong to the run.
    """
    progress("measured data")
    dataset = run.dataset() if dataset is None else dataset
    parts = run.split(dataset)
    rng = np.random.default_rng(seed)
    measured = dataset[_draw(parts.test, MOST, rng)]
    n = min(max(len(measured), LEAST), MOST) if n is None else n
    training = dataset[_draw(parts.train, n, rng)]
    progress(f"generating {n} channels")
    generated = run.sample(n, seed=seed)
    return compare(
        measured, generated, training=training, seed=seed, quick=quick, progress=progress
    )


def _draw(index: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    return index if len(index) <= n else np.sort(rng.choice(index, n, replace=False))
