"""Beams and phase steps of plane waves whose direction is known."""

import math

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.stats.beams import beam_power, strongest_beam
from chanvae.stats.fading import gain
from chanvae.stats.spatial import phase_step, second_to_first_db, singular_values


def wave(cycles, antennas=8):
    steer = torch.exp(2j * math.pi * cycles * torch.arange(antennas))
    return steer.reshape(1, antennas, 1, 1, 1) * torch.ones(1, 1, 1, 2, 3)


@pytest.mark.parametrize("beam", [-4, 0, 3])
def test_a_wave_on_a_beam(beam):
    h, array = wave(beam / 8), ArrayGeometry.line(8)
    assert strongest_beam(h, array).item() == beam + 4  # broadside is beam 4 of 8
    assert beam_power(h, array)[0, beam + 4].item() == pytest.approx(8 * gain(h).item(), rel=1e-5)


@pytest.mark.parametrize("cycles", [-0.4, 0.0, 0.31])
def test_the_phase_step_is_the_spatial_frequency(cycles):
    h = wave(cycles)
    expected = 2 * math.pi * cycles
    assert phase_step(h, ArrayGeometry.line(8)).item() == pytest.approx(expected, abs=1e-6)
    flipped = h.movedim(1, 2)
    assert phase_step(flipped, ArrayGeometry.line(8), "tx").item() == pytest.approx(
        expected, abs=1e-6
    )


def test_phase_step_without_power():
    assert phase_step(torch.zeros(1, 4, 1, 1, 2) + 0j, ArrayGeometry.line(4)).isnan().all()


def test_second_to_first_singular_value():
    h = torch.zeros(3, 2, 1, 1, 4, dtype=torch.complex64)
    h[0, 0, 0, 0, 0], h[0, 1, 0, 0, 1] = 2.0, 0.2
    h[1, 0, 0, 0, 0] = 1.0
    ratio = second_to_first_db(singular_values(h))
    assert ratio[0].item() == pytest.approx(-20, abs=1e-4)
    assert ratio[1].item() == -60
    assert ratio[2].isnan()
