"""Classifier two-sample tests on equal, near and far sets."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score

from chanvae.catalogue.grid import Grid
from chanvae.evaluate import channel_classifier
from chanvae.evaluate.channel_classifier import Redraw, channels_test, uniform_delays
from chanvae.evaluate.twosample import TwoSample, auc, samples_needed, statistics_test


def test_area_is_sklearns_and_its_error_is_right():
    """DeLong's error is within 20 % of the spread of 300 draws (4 standard errors)."""
    rng = np.random.default_rng(0)
    draws = [(rng.normal(size=80), rng.normal(0.7, 1, size=60)) for _ in range(300)]
    area, _ = auc(*draws[0])
    label = np.repeat([0, 1], [80, 60])
    assert area == pytest.approx(roc_auc_score(label, np.concatenate(draws[0])))
    areas, errors = np.array([auc(*d) for d in draws]).T
    assert errors.mean() == pytest.approx(areas.std(), rel=0.2)


def test_statistics_equal_near_far():
    """Equal: the standard error is 0.013, so 0.45-0.55 fails for one seed in 5,000."""
    rng = np.random.default_rng(1)
    measured, equal = rng.normal(size=(2, 1000, 4))
    shift = np.array([1.0, 0, 0, 0])
    assert 0.45 < statistics_test(measured, equal).auc < 0.55
    assert 0.65 < statistics_test(measured, equal + shift).auc < 0.80  # by theory 0.76
    assert statistics_test(measured, equal + 5 * shift).auc > 0.98


def test_statistics_take_undefined_values_and_few_rows():
    x = np.random.default_rng(2).normal(size=(2, 20, 3))
    x[0, :5, 1] = np.inf
    assert 0 <= statistics_test(x[0], x[1]).auc <= 1


def test_channels_equal_near_far(make, monkeypatch):
    """Equal: the standard error is 0.030, so 0.44-0.56 fails for one seed in 20."""
    monkeypatch.setattr(channel_classifier, "STEPS", 80)
    measured = make(600, 1)
    assert 0.44 < channels_test(measured, make(600, 2)).auc < 0.56
    near = channels_test(measured, make(600, 3, spread=170e-9)).auc
    assert 0.55 < near < 0.98
    assert channels_test(measured[:200], make(200, 4, k=30.0)).auc > 0.98


def test_a_global_phase_is_not_told_apart(make, monkeypatch):
    """Equal but for the phase; the false-alarm rate of 0.43-0.57 is one seed in 500."""
    monkeypatch.setattr(channel_classifier, "STEPS", 80)
    measured, same = make(600, 1), make(600, 2)
    first = same.h[:, :1, :, :, :1]
    turned = dataclasses.replace(same, h=np.abs(first) / first * same.h)
    assert 0.43 < channels_test(measured, turned).auc < 0.57


@pytest.mark.parametrize(("antennas", "freqs"), [(1, 64), (2, 30), (3, 1), (1, 1)])
def test_channels_of_any_shape(make, antennas, freqs, monkeypatch):
    monkeypatch.setattr(channel_classifier, "STEPS", 20)
    sets = [make(40, s, antennas=antennas, freqs=freqs) for s in (1, 2)]
    assert 0 <= channels_test(*sets, epochs=1).auc <= 1


def test_seeded_and_alone(make, monkeypatch):
    """The same seed gives the same area, and torch's own generator is left as it was."""
    monkeypatch.setattr(channel_classifier, "STEPS", 30)
    sets = [make(60, s, antennas=2, freqs=8) for s in (1, 2)]
    state = torch.random.get_rng_state()
    assert channels_test(*sets) == channels_test(*sets)
    assert torch.equal(state, torch.random.get_rng_state())


def test_samples_needed_are_those_of_a_rank_test():
    """Shifted normal scores: at the number told, a one-sided rank test finds it in 80 %."""
    rng = np.random.default_rng(3)
    test = TwoSample(*auc(rng.normal(size=4000), rng.normal(0.4, 1, 4000)), 4000, 4000)
    n, at_least = samples_needed(test)
    assert not at_least
    found = [
        mannwhitneyu(rng.normal(0.4, 1, n), rng.normal(size=n), alternative="greater").pvalue
        < 0.05
        for _ in range(400)
    ]
    # Standard error 2 %, and 5 % of the number from the area's own error.
    assert np.mean(found) == pytest.approx(0.8, abs=0.1)


def test_samples_needed_of_equal_sets_are_a_bound():
    equal = TwoSample(0.501, 0.004, 5000, 5000)
    n, at_least = samples_needed(equal)
    assert at_least and n > 5000
    assert samples_needed(TwoSample(1.0, 0.0, 100, 100)) == (2, False)


def test_delays_are_drawn_anew_only_where_they_are_uniform(make):
    """A shift of all delays is seen; where delays are uniform anyway it is not."""
    near = make(600, 1, antennas=1, freqs=32)
    maps = Grid.of(near).angle_delay
    still = maps.forward(maps.unfold(near.tensor())).unsqueeze(1)
    assert not uniform_delays(still)
    rng = np.random.default_rng(0)
    turned = [spun(make(600, s, antennas=1, freqs=32), rng) for s in (1, 2)]
    spinning = maps.forward(maps.unfold(turned[0].tensor())).unsqueeze(1)
    assert uniform_delays(spinning)
    late = dataclasses.replace(
        near, h=(near.h[:] * np.exp(-2j * np.pi * 400e-9 * near.freq)).astype(np.complex64)
    )
    assert channels_test(make(600, 2, antennas=1, freqs=32), late).auc > 0.95
    # Equal: the standard error is 0.030.
    assert 0.4 < channels_test(*turned).auc < 0.6


def test_redrawing_keeps_the_channel():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 2, 8, dtype=torch.complex64, generator=generator)
    again = Redraw(True, generator)(x)
    power, other = (v.abs().square().sum(1) for v in (x, again))
    for a, b in zip(power, other, strict=True):
        rolls = torch.stack([a.roll(-k) for k in range(8)])
        assert (rolls - b).abs().sum(1).min() < 1e-5
    torch.testing.assert_close(Redraw(False, generator)(x).abs(), x.abs())


def spun(dataset, rng):
    """The same channels, each with a delay uniform over the period."""
    start = rng.random((len(dataset), 1)) / dataset.subcarrier_spacing
    ramp = np.exp(-2j * np.pi * start * dataset.freq)[:, None, None, None]
    return dataclasses.replace(dataset, h=(dataset.h[:] * ramp).astype(np.complex64))
