"""The preset that suits the data: near copies are seen, whatever their delay and phase."""

from dataclasses import replace

import numpy as np
import pytest

import chanvae
from chanvae.presets import configure
from chanvae.training import suited
from chanvae.training.fit import fit
from chanvae.training.suited import likeness, preset_for
from tests.conftest import SHORT, paths


def copies(n: int = 400, places: int = 20, noise: float = 0.05, seed: int = 0):
    """Channels of a few places, each with another delay, phase and noise."""
    rng = np.random.default_rng(seed)
    base = paths(places, seed=seed)
    h = base.h[rng.integers(places, size=n)]
    late = np.exp(-2j * np.pi * rng.random((n, 1)) * np.arange(16) / 8)
    h = h * late[:, None, None, None] * np.exp(2j * np.pi * rng.random((n, 1, 1, 1, 1)))
    power = np.abs(h).std((1, 2, 3, 4), keepdims=True)
    h = h + noise * power * (rng.normal(size=h.shape) + 1j * rng.normal(size=h.shape))
    rows = base[np.zeros(n, int)]
    return replace(rows, h=h.astype(np.complex64), conditions={}, condition_units={})


def test_near_copies_are_seen():
    assert likeness(copies()) > 0.95
    assert preset_for(copies()) == "alike"
    sample = chanvae.load("datasets/umi_8x32.h5")
    assert likeness(sample) < 0.6
    assert preset_for(sample) == "default"


def test_noise_hides_them_and_one_pair_is_not_enough():
    assert likeness(copies(noise=2.0)) < 0.6
    sample = chanvae.load("datasets/umi_8x32.h5")[:40]
    twice = np.concatenate([np.arange(40), [0]])
    assert likeness(sample[twice]) < 0.6


def test_what_is_too_few_or_too_large_to_say_is_the_usual_one(monkeypatch):
    assert preset_for(copies(2)) == "default"
    monkeypatch.setattr(suited, "ENTRIES", 2 * 4 * 16)
    assert preset_for(copies()) == "default"


@pytest.mark.parametrize(("n", "mean"), [(400, "everywhere"), (2, "peak")])
def test_a_fit_takes_the_preset_that_suits(n, mean):
    said = []

    def settings(preset: str):
        return configure(preset, [*SHORT, "training.refinement=null", "model.selection=null"])

    data = copies() if n == 400 else paths(120)
    run = fit(data, config=settings, say=said.append)
    assert run.config.model.likelihood.mean == mean
    assert any("near copies" in line for line in said) is (mean == "everywhere")
