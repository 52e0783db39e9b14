"""Memorisation: whether generated channels are nearer to training channels than they should."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.evaluate.distances import Estimate
from chanvae.evaluate.grid import Grid
from chanvae.evaluate.results import Verdict
from chanvae.transforms.registration import register

TRAINING = 10_000
"""Training channels that are searched, at most."""
QUERIES = 2_000
"""Generated and held-out channels whose nearest training channel is sought, at most."""
NEAR = 0.01
"""Share of the held-out channels that counts as near to the training set."""
LIMITS = 0.025, 0.05
"""Share of generated channels that near up to which the verdict is within the floor, or close."""
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


def memory(
    training: ChannelDataset,
    held_out: ChannelDataset,
    generated: ChannelDataset,
    seed: int = 0,
) -> Memory:
    """Compare distances to the training set.

    Args:
        training: What the model was fitted on.
        held_out: Measured channels of the same distribution that it was not fitted on.
        generated: Generated channels.
        seed: Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    known = shapes(_draw(training, TRAINING, rng))
    far, near = (nearest(shapes(_draw(d, QUERIES, rng)), known) for d in (held_out, generated))
    share = _shares(far, near, rng)
    inside, close = LIMITS
    verdict: Verdict = (
        "within the floor" if share.value <= inside else "close" if share.value <= close else "off"
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


def leakage(train: ChannelDataset, test: ChannelDataset, seed: int = 0) -> tuple[float, float]:
    """How near a held-out part is to the part that trains, against how near that is to itself.

    Args:
        train: The part that trains.
        test: The held-out part.
        seed: Seed of every draw.

    Returns:
        Share of held-out channels that are near copies of a training channel (a distance below
        0.3: 90 % of the power in common), and their median distance.
    """
    rng = np.random.default_rng(seed)
    known, asked = (shapes(_draw(d, n, rng)) for d, n in ((train, TRAINING), (test, QUERIES)))
    found = nearest(asked, known)
    return float((found < 0.3).mean()), float(np.median(found))


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
