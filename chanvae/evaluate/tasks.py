"""Use, not looks: what is trained on generated channels, tried on measured ones, and back."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from chanvae.catalogue.grid import Grid
from chanvae.channels import ChannelDataset
from chanvae.evaluate.compression import CODE, compressor
from chanvae.evaluate.distances import Estimate
from chanvae.evaluate.estimation import COMB, SNR_DB, estimator
from chanvae.evaluate.results import Verdict

TRAIN, TEST = 5_000, 2_000
"""Channels to train a task on and to try it on, at most."""
CLOSE_DB = 1.0
"""Loss that is close [dB]."""

Trained = Callable[[torch.Tensor], torch.Tensor]
"""Unit-power channels ``[n, rx, tx, time, freq]`` to what the task makes of them."""


@dataclass(frozen=True)
class Task:
    """Normalised mean squared error of one task, by what it was trained on and tried on.

    Args:
        name: Key in tables and JSON.
        label: The same for people.
        definition: What the task is.
        n: Channels that it was trained on, of either kind.
        measured: Trained and tried on measured channels [dB].
        generated_to_measured: Trained on generated, tried on measured channels [dB].
        measured_to_generated: Trained on measured, tried on generated channels [dB].
        generated: Trained and tried on generated channels [dB].
        loss: ``generated_to_measured - measured`` with its 95 % bootstrap interval [dB].
        floor: The same loss for other measured channels in the place of the generated [dB].
        verdict: The verdict on the loss.
        sentence: The same in words.
    """

    name: str
    label: str
    definition: str
    n: int
    measured: float
    generated_to_measured: float
    measured_to_generated: float
    generated: float
    loss: Estimate
    floor: float
    verdict: Verdict
    sentence: str


TASKS = (
    (
        "channel_estimation",
        "channel estimation",
        f"LMMSE interpolation from every {COMB}th frequency at {SNR_DB:g} dB, by the covariance "
        "of the training channels; every realisation has unit power",
        estimator,
    ),
    (
        "csi_compression",
        "CSI compression",
        f"a small autoencoder with a code of {CODE} real numbers, fitted to the training channels "
        "as angle-delay maps; every realisation has unit power and the strongest bin phase 0",
        compressor,
    ),
)


def tasks(
    measured: ChannelDataset,
    generated: ChannelDataset,
    training: ChannelDataset | None,
    seed: int = 0,
) -> tuple[Task, ...]:
    """Every task, trained on either kind and tried on either kind.

    Args:
        measured: Held-out channels; tried on them, and trained on half of them where there is no
            training set.
        generated: Generated channels; one part trains, another is tried on.
        training: Measured channels to train on.
        seed: Seed of every draw.
    """
    rng = np.random.default_rng(seed)
    sets = _parts(measured, generated, training, rng)
    return tuple(_task(*told, sets, Grid.of(measured), seed) for told in TASKS)


@dataclass(frozen=True)
class _Sets:
    """Channels to train on (two measured lots, one generated) and to try on."""

    measured: torch.Tensor
    other: torch.Tensor
    generated: torch.Tensor
    try_measured: torch.Tensor
    try_generated: torch.Tensor


def _parts(
    measured: ChannelDataset,
    generated: ChannelDataset,
    training: ChannelDataset | None,
    rng: np.random.Generator,
) -> _Sets:
    order, made = rng.permutation(len(measured)), rng.permutation(len(generated))
    if training is None:
        third = len(measured) // 3
        lots, held = (measured, order[:third], order[third : 2 * third]), order[2 * third :]
    else:
        half = len(training) // 2
        rows = rng.permutation(len(training))
        lots, held = (training, rows[:half], rows[half : 2 * half]), order
    rest = min(TEST, len(made) // 3)
    n = min(TRAIN, len(lots[1]), len(made) - rest)
    source = lots[0]
    return _Sets(
        _unit(source, lots[1][:n]),
        _unit(source, lots[2][:n]),
        _unit(generated, made[rest : rest + n]),
        _unit(measured, held[:TEST]),
        _unit(generated, made[:rest]),
    )


def _task(
    name: str,
    label: str,
    definition: str,
    train: Callable[[torch.Tensor, Grid, int], Trained],
    sets: _Sets,
    grid: Grid,
    seed: int,
) -> Task:
    by = {k: train(getattr(sets, k), grid, seed) for k in ("measured", "other", "generated")}
    errors = {k: _errors(by[k], sets.try_measured) for k in by}
    back = {k: _errors(by[k], sets.try_generated) for k in ("measured", "generated")}
    own, other, made = (_decibel(errors[k]) for k in ("measured", "other", "generated"))
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(errors["measured"]), size=(200, len(errors["measured"])))
    draws = _decibel(errors["generated"][rows]) - _decibel(errors["measured"][rows])
    low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
    loss = Estimate(float(made - own), low, high)
    floor = float(abs(other - own))
    if loss.low <= floor:
        verdict: Verdict = "within the floor"
    else:
        verdict = "close" if loss.value <= CLOSE_DB else "off"
    sentence = (
        f"{label} trained on generated channels has {made:.1f} dB on measured ones, "
        f"{abs(loss.value):.2f} dB {'worse' if loss.value > 0 else 'better'} than trained on "
        f"measured ones ({own:.1f} dB)"
    )
    return Task(
        name,
        label,
        definition,
        len(sets.generated),
        float(own),
        float(made),
        float(_decibel(back["measured"])),
        float(_decibel(back["generated"])),
        loss,
        floor,
        verdict,
        sentence,
    )


def _errors(trained: Trained, h: torch.Tensor) -> np.ndarray:
    """Squared error of every realisation over its mean power."""
    with torch.no_grad():
        parts = [(trained(x) - x).abs().square().flatten(1).mean(1) for x in h.split(500)]
    return torch.cat(parts).double().numpy()


def _decibel(errors: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(errors.mean(-1), 1e-12))


def _unit(dataset: ChannelDataset, rows: np.ndarray) -> torch.Tensor:
    h = dataset[np.sort(rows)].tensor()
    power = h.abs().square().flatten(1).mean(1)
    h, power = h[power > 0], power[power > 0]
    return h / power.sqrt()[:, None, None, None, None]
