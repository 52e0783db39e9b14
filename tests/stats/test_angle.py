import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.stats.angle import (
    angular_power_spectrum,
    angular_spread,
    beam_angles,
    circular_angular_spread,
)
from chanvae.stats.fading import gain


def plane_wave(array, angle):
    """[rx]: the response of the axis that is looked at, equal on all other antennas."""
    pol, rows, columns = array.shape
    turns = array.column_spacing if columns > 1 else array.row_spacing
    place = torch.arange(columns if columns > 1 else rows, dtype=torch.float64)
    line = torch.exp(2j * math.pi * turns * place * math.sin(angle))
    return (line if columns > 1 else line[:, None]).expand(pol, rows, columns).reshape(-1)


def random_channels(rx, seed=0, batch=4):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, rx, 2, 1, 6, dtype=torch.complex64, generator=generator)


ARRAYS = [
    ArrayGeometry.line(16),
    ArrayGeometry.line(5),
    ArrayGeometry(rows=8),
    ArrayGeometry(rows=3, columns=8, polarizations=2),
    ArrayGeometry(rows=8, polarizations=2, row_spacing=0.7, column_spacing=0.2),
]


@pytest.mark.parametrize("array", ARRAYS, ids=str)
@pytest.mark.parametrize("degrees", [-37, 0, 20])
@pytest.mark.parametrize("end", ["rx", "tx"])
def test_a_plane_wave_peaks_at_its_angle(array, degrees, end):
    h = plane_wave(array, math.radians(degrees)).reshape(1, -1, 1, 1, 1)
    h = h if end == "rx" else h.transpose(1, 2)
    power = angular_power_spectrum(h, array, end, oversampling=64)[0]
    found = beam_angles(array, oversampling=64)[power.argmax()]
    # Half a bin at 64 times oversampling is under 0.6° for these arrays.
    assert math.degrees(found.item()) == pytest.approx(degrees, abs=0.6)


@pytest.mark.parametrize("oversampling", [1, 2, 3, 4])
def test_spectrum_is_the_zero_padded_fft(oversampling):
    array, h = ArrayGeometry(rows=2, columns=5, polarizations=2), random_channels(20)
    x = h.numpy().astype(complex).reshape(4, 2, 2, 5, -1)
    expected = np.abs(np.fft.fft(x, 5 * oversampling, axis=3)) ** 2 / (5 * oversampling)
    expected = np.fft.fftshift(expected.mean((1, 2, 4)), -1)
    power = angular_power_spectrum(h, array, oversampling=oversampling)
    np.testing.assert_allclose(power.numpy(), expected, rtol=1e-9, atol=1e-12)


def test_spectrum_keeps_the_power():
    array, h = ArrayGeometry.line(12), random_channels(12)
    total = angular_power_spectrum(h, array).sum(-1)
    torch.testing.assert_close(total, 12 * gain(h), rtol=1e-6, atol=0)


def test_invisible_space_holds_no_power():
    array = ArrayGeometry(columns=8, column_spacing=0.25)
    power, angle = angular_power_spectrum(random_channels(8), array), beam_angles(array)
    invisible = (torch.arange(32) - 16).abs() > 8
    assert (power[:, invisible] == 0).all()
    assert (power[:, ~invisible] > 0).all()
    assert (angle[invisible].abs() == math.pi / 2).all()
    assert (angle.diff() >= 0).all()


def test_the_annex_a_definition_on_paper():
    angle = torch.deg2rad(torch.tensor([-60.0, 0.0, 60.0], dtype=torch.float64))
    power = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0]])
    spread = circular_angular_spread(power, angle)
    assert math.degrees(spread[0].item()) == pytest.approx(67.46, abs=0.01)  # sqrt(2 ln 2)
    assert spread[1].item() == 0
    assert spread[2].item() == pytest.approx(math.sqrt(-2 * math.log(2 / 3)), rel=1e-12)
    assert spread[3].isnan()


def test_opposite_directions_have_no_mean_angle():
    spread = circular_angular_spread(torch.ones(4), torch.arange(4) * math.pi / 2)
    assert spread.item() > 5, "the resultant is rounding: sqrt(-2 ln 1e-8) = 6 at the least"


@settings(deadline=None, max_examples=40)
@given(turn=st.floats(-10, 10), scale=st.floats(1e-12, 1e12), seed=st.integers(0, 99))
def test_circular_spread_does_not_depend_on_rotation_or_gain(turn, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    power, angle = torch.rand(2, 3, 9, dtype=torch.float64, generator=generator)
    spread = circular_angular_spread(power, angle[0])
    turned = circular_angular_spread(power * scale, angle[0] + turn)
    torch.testing.assert_close(turned, spread, rtol=1e-9, atol=1e-7)


def test_angular_spread_does_not_depend_on_phase_gain_or_other_antennas():
    array, h = ArrayGeometry.line(16), random_channels(16)
    spread = angular_spread(h, array)
    assert spread.dtype == torch.float64
    assert spread.shape == (4,)
    stacked = ArrayGeometry(rows=2, columns=16)
    torch.testing.assert_close(angular_spread(torch.cat([h, -h], 1), stacked), spread)
    torch.testing.assert_close(angular_spread(h.transpose(1, 2), array, "tx"), spread)
    for factor in (1j, 1e-7, 1e5):
        torch.testing.assert_close(angular_spread(h * factor, array), spread, rtol=1e-6, atol=0)


def test_the_spread_of_two_waves_grows_with_their_distance():
    array = ArrayGeometry.line(32)
    waves = [
        torch.stack([plane_wave(array, math.radians(s * a)) for s in (-1, 1)], -1)
        for a in (0, 10, 25, 45)
    ]
    spread = angular_spread(torch.stack(waves)[:, :, None, None, :], array)
    assert (spread.diff() > math.radians(2)).all()
    assert math.degrees(spread[0].item()) == pytest.approx(5.86, abs=0.01), "resolution alone"


def test_nothing_to_see():
    h = random_channels(4)
    h[1] = 0
    spread = angular_spread(h, ArrayGeometry.line(4))
    assert spread.isnan().tolist() == [False, True, False, False]
    dual = ArrayGeometry(polarizations=2)
    assert angular_spread(h[:, :2], dual).isnan().all(), "two polarisations are no aperture"


def test_the_wrong_array_is_refused():
    with pytest.raises(DataError, match=r"h has 4 rx antennas, the rx array .* has 8"):
        angular_spread(random_channels(4), ArrayGeometry.line(8))
