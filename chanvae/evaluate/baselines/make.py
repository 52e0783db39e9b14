"""All baselines from one training set, and which of them are left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.evaluate.baselines.gaussian import covariance, mixture
from chanvae.evaluate.baselines.resample import interpolated, nearest, resampled
from chanvae.evaluate.baselines.tr38901 import tr38901
from chanvae.evaluate.effort import FULL


@dataclass(frozen=True)
class Baseline:
    """A simpler way to make channels.

    Args:
        label: What it is, for people.
        definition: How it makes channels, in a sentence.
        copies: It hands out training channels, so it makes none that are new.
        make: Training set, how many, generator -> channels.
    """

    label: str
    definition: str
    copies: bool
    make: Callable[[ChannelDataset, int, np.random.Generator], ChannelDataset]


BASELINES: Mapping[str, Baseline] = {
    "resampled": Baseline("training data", "Training channels drawn at random.", True, resampled),
    "nearest": Baseline(
        "nearest in condition",
        "For the delay and angular spread of a training channel, another training channel with "
        "the nearest ones.",
        True,
        nearest,
    ),
    "interpolated": Baseline(
        "interpolated",
        "The same by linear interpolation between two training channels of common phase.",
        False,
        interpolated,
    ),
    "covariance": Baseline(
        "complex Gaussian",
        "Zero-mean complex Gaussian channels with the sample covariance of the training set, "
        "block-circulant where it has too many bins.",
        False,
        covariance,
    ),
    "mixture": Baseline(
        "Gaussian mixture",
        "Zero-mean complex Gaussian mixture by cplx-gmm, with full covariances up to 64 bins, "
        "block-circulant beyond.",
        False,
        mixture,
    ),
    "tr38901": Baseline(
        "refitted 3GPP",
        "TR 38.901, clause 7.5, in short: log-normal delay and angular spread with their "
        "correlation, exponential profile, refitted to the training set.",
        False,
        tr38901,
    ),
}
"""Name -> baseline, in the order of the report."""


def baselines(
    training: ChannelDataset, n: int, seed: int = 0, fitted: int = FULL.fitted
) -> dict[str, Callable[[], ChannelDataset | None]]:
    """What makes the channels of every baseline, each on its own, so that few are in memory.

    Args:
        training: What the model was fitted on.
        n: Channels of each.
        seed: Seed of every draw.
        fitted: Training channels that they are fitted on, drawn at random where there are more.

    Returns:
        Name -> a call that makes them; ``None`` where the extra ``benchmark`` is not installed.
    """
    if len(training) < 20:
        raise DataError(f"training: {len(training)} realisation(s); baselines need at least 20")
    used = training
    if len(training) > fitted:
        rows = np.random.default_rng(seed).permutation(len(training))[:fitted]
        used = training[np.sort(rows)]
    return {
        name: partial(_made, baseline, used, n, np.random.default_rng([seed, k]))
        for k, (name, baseline) in enumerate(BASELINES.items())
    }


def _made(
    baseline: Baseline, training: ChannelDataset, n: int, rng: np.random.Generator
) -> ChannelDataset | None:
    try:
        return baseline.make(training, n, rng)
    except ModuleNotFoundError:
        return None
