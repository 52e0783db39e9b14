"""Memorisation: copies are caught, moved and turned ones too, and independent channels are not."""

import dataclasses

import numpy as np
import pytest

from chanvae.evaluate.memory import leakage, memory, nearest, shapes


def moved(dataset, seed):
    """Copies at another delay, direction, phase and strength."""
    rng = np.random.default_rng(seed)
    n, rx = dataset.shape[:2]
    ramp = np.exp(-2j * np.pi * rng.random((n, 1)) * 1e-7 * dataset.freq)
    turn = np.exp(2j * np.pi * rng.random((n, 1)) * np.arange(rx))
    level = rng.lognormal(size=(n, 1, 1)) * np.exp(2j * np.pi * rng.random((n, 1, 1)))
    change = (level * turn[:, :, None] * ramp[:, None])[:, :, None, None]
    return dataclasses.replace(dataset, h=(dataset.h[:] * change).astype(np.complex64))


def test_a_moved_copy_is_at_no_distance(make):
    training = make(50, 1)
    far = nearest(shapes(make(50, 2)), shapes(training))
    near = nearest(shapes(moved(training, 0)), shapes(training))
    assert np.quantile(near, 0.9) < 0.1 < 0.2 < np.median(far)


@pytest.mark.parametrize("copies", [0, 100, 1000])
def test_copies_are_counted(make, copies):
    training, held_out = make(1000, 1), make(1000, 2)
    fresh = make(1000, 3)
    h = np.concatenate([moved(training[:copies], 4).h[:], fresh.h[copies:]])
    found = memory(training, held_out, dataclasses.replace(fresh, h=h))
    assert found.verdict == ("off" if copies else "within the floor")
    assert found.near.low <= found.near.value <= found.near.high
    assert found.near.value == pytest.approx(copies / 1000, abs=0.1)
    assert ("copies no" in found.sentence) == (copies == 0)


def test_a_channel_without_power_is_left_out(make):
    h = make(20, 1).h[:].copy()
    h[3] = 0
    assert len(shapes(dataclasses.replace(make(20, 1), h=h))) == 19


def test_leakage_of_a_random_split(make):
    one, other = make(200, 1), make(200, 2)
    assert "--split" not in leakage(one, other).sentence
    noise = np.random.default_rng(0).normal(size=(*one.shape, 2)).view(complex)[..., 0]
    again = dataclasses.replace(one, h=(1j * one.h[:] + 0.01 * noise).astype(np.complex64))
    assert "--split group:NAME" in leakage(one, again).sentence
