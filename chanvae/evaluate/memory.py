"""Memorisation: whether generated channels are nearer to training channels than they should."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from scipy.stats import binomtest
from torch import Tensor

from chanvae.catalogue.grid import Grid
from chanvae.channels import ChannelDataset
from chanvae.evaluate.distances import Estimate
from chanvae.evaluate.effort import FULL, Effort
from chanvae.evaluate.results import Verdict
from chanvae.transforms.registration import register

NEAR = 0.01
"""Share of the held-out channels that counts as near to the training set."""
LIMITS = 0.025, 0.05
"""Share of generated channels that near, at the lower end of its interval, up to which the verdict
is within the floor, or close."""
COPY = 0.95
"""Correlation of near copies."""
LEAK = 0.2
"""Share of held-out channels with a near copy above which a random split is not to be trusted."""
DEFINITION = (
    "Distance sqrt(1 - |<x, y>|²) of unit channels to the nearest training channel after "
    "registration: the delay, direction, phase and strength of the strongest path do not count, "
    "so that a copy moved to another place is a copy"
)


@dataclass(frozen=True)
class Memory:
    """Distances to the nearest training channel.

    Args:
        definition: What the distance is.
        training: Training channels searched.
        generated: Median distance of generated channels; 0 is a copy, 1 nothing in common.
        held_out: Median distance of held-out measured channels.
        near: Share of generated channels nearer than all but 1 % of the held-out ones, with its
            95 % interval; 0.01 where the model copies nothing.
        verdict: Whether it copies.
        sentence: The same in words.
    """

    definition: str
    training: int
    generated: Estimate
    held_out: Estimate
    near: Estimate
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class Leakage:
    """Near copies across a random split.

    Args:
        definition: What a near copy is.
        share: Share of the held-out realisations with a near copy among the training ones, with
            its 95 % interval (Wilson's).
        n: Held-out realisations that were looked at.
        sentence: The same in words.
    """

    definition: str
    share: Estimate
    n: int
    sentence: str


def memory(
    training: ChannelDataset,
    held_out: ChannelDataset,
    generated: ChannelDataset,
    seed: int = 0,
    effort: Effort = FULL,
) -> Memory:
    """Compare distances to the training set.

    Args:
        training: What the model was fitted on.
        held_out: Measured channels of the same distribution that it was not fitted on.
        generated: Generated channels.
        seed: Seed of every draw.
        effort: How many channels are looked at.
    """
    rng = np.random.default_rng(seed)
    known = shapes(_draw(training, effort.searched, rng))
    asked = [shapes(_draw(d, effort.queries, rng)) for d in (held_out, generated)]
    far, near = (nearest(x, known) for x in asked)
    share = _shares(far, near, rng)
    inside, close = LIMITS
    # By the lower end of the interval: of few held-out channels 1 % is hardly one.
    verdict: Verdict = (
        "within the floor" if share.low <= inside else "close" if share.low <= close else "off"
    )
    said = {
        "within the floor": "the model copies no training channels",
        "close": "some generated channels are near to training channels",
        "off": "the model copies training channels",
    }[verdict]
    sentence = (
        f"{said}: {100 * share.value:.2g} % of the generated channels are nearer to one than all "
        f"but {100 * NEAR:g} % of the held-out ones"
    )
    return Memory(
        DEFINITION, len(known), _median(near, rng), _median(far, rng), share, verdict, sentence
    )


def shapes(dataset: ChannelDataset, batch: int = 1024) -> Complex[Tensor, "n k"]:
    """Registered channels of unit norm, those without power left out."""
    transform, parts = Grid.of(dataset).angle_delay, []
    for part in dataset.batches(batch):
        h = transform.unfold(part.tensor())
        h = h[h.abs().flatten(1).sum(1) > 0]
        if len(h):
            x = register(h, transform)[0].flatten(1)
            parts.append(x / torch.linalg.vector_norm(x, dim=1, keepdim=True))
    return torch.cat(parts)


def nearest(
    x: Complex[Tensor, "n k"], known: Complex[Tensor, "m k"], block: int = 250
) -> Float[np.ndarray, " n"]:
    """Distance of each unit channel to the nearest of the known ones, whatever its phase."""
    best = [(part @ known.mH).abs().amax(1) for part in x.split(block)]
    overlap = torch.cat(best).double().clamp(max=1)
    return (1 - overlap.square()).sqrt().numpy()


def leakage(train: ChannelDataset, test: ChannelDataset, seed: int = 0) -> Leakage:
    """How many held-out channels are near copies of training ones, after a random split.

    Args:
        train: The part that trains.
        test: The held-out part.
        seed: Seed of every draw.

    Near copies are not registered, since realisations of one place share their pose.
    """
    rng = np.random.default_rng(seed)
    known, asked = _unit(_draw(train, FULL.searched, rng)), _unit(_draw(test, FULL.queries, rng))
    copies = int((nearest(asked, known) <= (1 - COPY**2) ** 0.5).sum())
    share = copies / len(asked)
    text = (
        "Realisations were parted at random: "
        f"{100 * share:.2g} % of the held-out ones have a near copy (correlation of {COPY:g} or "
        "more) among the training ones"
    )
    if share > LEAK:
        text += (
            ", so a model that memorises looks good here; fit with --split group:NAME, by the "
            "label that says which realisations belong together"
        )
    low, high = binomtest(copies, len(asked)).proportion_ci(method="wilson")
    definition = f"a training realisation with a correlation of {COPY:g} or more, at any phase"
    return Leakage(definition, Estimate(share, low, high), len(asked), text + ".")


def _unit(dataset: ChannelDataset) -> Complex[Tensor, "n k"]:
    x = dataset.tensor().flatten(1)
    return x / torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp(min=1e-30)


def _median(x: np.ndarray, rng: np.random.Generator) -> Estimate:
    draws = np.median(x[rng.integers(len(x), size=(200, len(x)))], 1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(float(np.median(x)), float(low), float(high))


def _shares(far: np.ndarray, near: np.ndarray, rng: np.random.Generator) -> Estimate:
    value = float((near < np.quantile(far, NEAR)).mean())
    draws = [
        (near[rng.integers(len(near), size=len(near))]
         < np.quantile(far[rng.integers(len(far), size=len(far))], NEAR)).mean()
        for _ in range(200)
    ]  # fmt: skip
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _draw(dataset: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    return dataset[np.sort(rng.permutation(len(dataset))[:n])]
