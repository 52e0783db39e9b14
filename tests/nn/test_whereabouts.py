"""Networks know of each place of a map where it lay before registration."""

import math

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.models.context import Context
from chanvae.nn.blocks import Patches
from chanvae.nn.whereabouts import Whereabouts, delays, harmonics
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose, peak_bin
from chanvae.transforms.traits import TRAITS

LINEAR = AngleDelay(ArrayGeometry(1, 8), ArrayGeometry(), 1, 32)


def poses(*positions):
    position = torch.tensor(positions, dtype=torch.float64)
    one = torch.ones(len(position))
    return Pose(one, 0 * one, position, torch.zeros(len(one), TRAITS))


def features(grid, patch, width, *positions):
    context = Context(grid, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Whereabouts(grid, Patches(grid.shape, patch), width, context.width)
    with torch.no_grad():
        return network(context(torch.zeros(len(positions), 1), poses(*positions)))


def test_waves_are_octaves_of_the_moved_axes_alone():
    plane = AngleDelay(ArrayGeometry(1, 2, polarizations=2), ArrayGeometry(), 1, 9)
    assert {a: k.tolist() for a, k in harmonics(LINEAR).items()} == {
        0: [1, 2, 4],
        1: [1, 2, 4, 8, 16],
    }
    assert {a: k.tolist() for a, k in harmonics(plane).items()} == {1: [1], 2: [1, 2, 4]}


@pytest.mark.parametrize("patch", [1, 4])
def test_a_place_is_known_by_where_it_lay(patch):
    """Two maps moved by whole patches apart: the same places, the same features."""
    bins = 2 * patch
    near, far = features(LINEAR, patch, 5, [0.0, 0.1], [2 * patch / 8 % 1, 0.1 + bins / 32])
    across = near.roll((-2 % near.shape[1], -2), (1, 2))
    assert torch.allclose(across, far, atol=1e-4)
    assert not torch.allclose(near, far, atol=1e-2)


def test_the_place_of_the_strongest_path_is_the_pose():
    """At the bin it stands on, features are those of delay 0 wherever the pose is delay 0."""
    _, bin_ = peak_bin(LINEAR)
    found = features(LINEAR, 1, 3, *([0.0, k / 32] for k in range(4)))
    for k in range(4):  # delay 0 lies k bins before the strongest path
        assert torch.allclose(found[k, :, 0, bin_ - k], found[0, :, 0, bin_], atol=1e-4)


def test_delays_near_0_are_told_to_a_thousandth_of_a_bin():
    context = Context(LINEAR, 1)
    late = torch.tensor([0.0, 0.317, 5.5, 31.9])
    found = delays(
        LINEAR, context(torch.zeros(4, 1), poses(*([0.2, float(t) / 32] for t in late)))
    )
    assert found is not None
    expected = (torch.arange(32) - peak_bin(LINEAR)[1] + late[:, None] + 16) % 32 - 16
    near = expected.abs() < 7.9
    assert torch.allclose(found[near], expected[near], atol=1e-3)
    assert found[expected.abs() > 8.1].isinf().all()
    assert delays(LINEAR, torch.zeros(4, 3)) is None  # a model that is told nothing


def test_contexts_hold_the_place_between_bins():
    context = Context(LINEAR, 2)
    first, second = context(torch.zeros(2, 2), poses([0.0, 0.0], [0.0, 0.5 / 32]))
    assert context.width == len(first)
    assert math.isclose(float((first - second).abs().max()), 1.0, abs_tol=1e-5)  # cycle 16


def test_models_that_are_told_nothing_learn_nothing_here():
    network = Whereabouts(LINEAR, Patches(LINEAR.shape, 4), 3, 1)
    assert not list(network.parameters())
    assert torch.equal(network(torch.ones(5, 1)), torch.zeros(1, 3, 1, 1))
