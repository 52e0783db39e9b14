"""A collapse provoked, seen by the monitor, and undone by each remedy."""

from functools import cache

import pytest

from chanvae.presets import configure
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training.material import prepare
from chanvae.training.monitor import collapse
from chanvae.training.schedules import cyclic
from chanvae.training.stages import stages
from tests.conftest import paths

SMALL = [
    "model.network.latent=16",
    "model.network.width=8",
    "training.optimisation.steps=220",
    "training.optimisation.patience=99",
]
PROVOKED = [
    "model.beta=12",
    "model.reading=0",
    "training.warmup=0",
    "training.beta_first=1",
    "seed=1",
]
"""A KL of much weight from the first step on: latents die before they have learned anything."""
REMEDIES = {
    "warm-up": ["training.warmup=0.9", "training.beta_first=0.02"],
    "cyclic annealing": [
        "training.annealing=cyclic",
        "training.warmup=0.9",
        "training.beta_first=0.02",
    ],
    "free bits": ["training.free_bits=0.1"],
    "a smaller weight": ["model.beta=2"],
}
WEAK = [
    *PROVOKED,
    "model.beta=7",
    "model.network.encoder_blocks=1",
    "training.optimisation.steps=150",
    "seed=0",
]
"""Less weight, but an encoder that sees too little to be worth it."""


@cache
def learned(*changes: str) -> tuple[dict, str]:
    """Figures of the last validation of the autoencoder, and what the monitor says of them."""
    config = configure("quick", [*SMALL, *changes])
    material = prepare(with_channel_conditions(paths(400)), config, False)
    stage, last = next(stages(material.model, material, config)), {}
    stage.run(lambda figures, validated: last.update(figures) if validated else None)
    return last, collapse(last, 1.0, config)


def test_a_collapse_is_seen_and_remedies_are_named():
    figures, warning = learned(*PROVOKED)
    assert figures["validation_active_latents"] <= 1
    assert len(figures["validation_kl_latents"]) == 16
    assert warning.startswith("warning: ")
    for remedy in ("free_bits", "annealing=cyclic", "warmup", "model.beta", "encoder_blocks"):
        assert remedy in warning


@pytest.mark.parametrize("remedy", REMEDIES)
def test_each_remedy_undoes_it(remedy):
    before, _ = learned(*PROVOKED)
    after, warning = learned(*PROVOKED, *REMEDIES[remedy])
    assert after["validation_active_latents"] >= 4
    assert after["validation_reconstruction"] > before["validation_reconstruction"]
    assert warning == ""


def test_a_stronger_encoder_undoes_it_where_the_encoder_is_too_weak():
    before, warning = learned(*WEAK)
    assert before["validation_active_latents"] <= 1
    assert "encoder_blocks" in warning
    after, warning = learned(*WEAK, "model.network.encoder_blocks=6")
    assert after["validation_active_latents"] >= 3
    assert after["validation_kl"] > 2 * before["validation_kl"]
    assert warning == ""


def test_nothing_is_said_while_the_weight_rises():
    config = configure("quick", ["training.warmup=0.5"])
    dead = {"validation_active_latents": 0.0, "validation_latents": 16.0}
    assert collapse(dead, 0.4, config) == ""
    assert "0 of 16" in collapse(dead, 0.6, config)


def test_cycles_begin_anew():
    weights = [cyclic(step, 100, 4, 0.1, 0.5) for step in range(100)]
    assert weights[0] == weights[25] == weights[75] == 0.1
    assert weights[20] == weights[45] == 1.0
    assert max(weights) == 1.0
