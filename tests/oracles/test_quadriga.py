"""Our spreads and K-factor against quadriga-lib's, where the definitions agree."""

import math

import numpy as np
import pytest
import torch

from chanvae.stats.angle import circular_angular_spread
from chanvae.stats.delay import rms_delay_spread
from chanvae.stats.fading import k_factor

tools = pytest.importorskip("quadriga_lib", reason="quadriga-lib is a development extra").tools


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def test_delay_spread():
    """Both weigh by power about the mean; its threshold is set below every path."""
    power, delay = uniform(20, 24) + 1e-3, uniform(24, seed=1) * 1e-6
    theirs = tools.calc_delay_spread([delay] * 20, list(power), threshold=200.0)[0]
    ours = rms_delay_spread(torch.as_tensor(power), torch.as_tensor(delay))
    np.testing.assert_allclose(ours.numpy(), np.ravel(theirs), rtol=1e-6)


def azimuth_spread(angle, power):
    flat = [np.zeros(angle.shape[1])] * len(angle)
    return np.ravel(tools.calc_angular_spread(list(angle), flat, list(power), wrapping=True)[0])


def test_narrow_angular_spread():
    """Its spread is the RMS about the mean, ours of the resultant: equal to second order."""
    rng = np.random.default_rng(0)
    power, angle = rng.random((20, 30)) + 1e-3, rng.normal(0.3, 5e-4, (20, 30))
    ours = [circular_angular_spread(*map(torch.as_tensor, pair)) for pair in zip(power, angle)]
    # The fourth order is σ²/4 of it, 6e-8.
    np.testing.assert_allclose(ours, azimuth_spread(angle, power), rtol=1e-6)


@pytest.mark.parametrize("half", [0.1, 0.7, 1.4])
def test_wide_angular_spread_of_two_paths(half):
    """Equal power at ±φ: theirs is φ, ours sqrt(-2 ln cos φ), so either follows from the other."""
    angle, power = np.array([[half, -half]]), np.ones((1, 2))
    ours = circular_angular_spread(torch.as_tensor(power), torch.as_tensor(angle)).item()
    theirs = azimuth_spread(angle, power)[0]
    assert math.acos(math.exp(-(ours**2) / 2)) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("k", [0.5, 3.0, 40.0])
def test_k_factor(k):
    """A set that is exactly Rician: its K by moments is that of its paths.

    The diffuse part has the second and fourth moment of a complex Gaussian (power 0 or 2 alike
    often) and phases that cancel, so that the moments are exact and not estimated.
    """
    phase = np.exp(2j * math.pi * np.arange(8) / 8)
    h = math.sqrt(k) + np.concatenate([0 * phase, math.sqrt(2) * phase])
    ours = k_factor(torch.as_tensor(h).reshape(1, 1, 1, 1, -1)).item()
    ends = np.array([[0.0], [0.0], [0.0]]), np.array([[10.0], [0.0], [0.0]])
    powers, lengths = [np.array([k, 0.4, 0.6])], [np.array([10.0, 13.0, 17.0])]
    theirs = np.ravel(tools.calc_rician_k_factor(powers, lengths, *ends)[0])[0]
    assert ours == pytest.approx(theirs, rel=1e-6)
