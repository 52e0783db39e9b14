"""Masks, order and grid of the frequencies."""

import numpy as np
import pytest

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.subcarriers import (
    fftshift,
    is_even,
    mask,
    positions,
    regrid,
    uneven_hint,
    usual_spacing,
)


def two_paths(freq: np.ndarray, n: int = 50, late: float = 0.0) -> ChannelDataset:
    """Paths 100 ns and 180 ns after ``late``, equally strong, at any frequencies."""
    turn = np.exp(2j * np.pi * np.random.default_rng(0).random((n, 1, 2)))
    delay = np.array([100e-9, 180e-9]) + late
    response = np.exp(-2j * np.pi * freq[:, None] * delay)
    h = (turn * response).sum(-1)
    return ChannelDataset(h[:, None, None, None, :].astype(np.complex64), freq)


GROUPED = np.array([*range(-28, 0, 2), -1, 1, *range(3, 28, 2), 28]) * 312.5e3
"""The 30 subcarriers that an Intel 5300 reports of 20 MHz."""


@pytest.mark.parametrize(
    ("text", "found"),
    [("0-2,5", [0, 1, 2, 5]), ("7", [7]), (" 1 - 3 , 2-4", [1, 2, 3, 4]), ("7,0", [0, 7])],
)
def test_positions(text: str, found: list[int]) -> None:
    assert positions(text, 8).tolist() == found


@pytest.mark.parametrize("text", ["", "a", "1-", "-3", "3-1", "8", "0-8", "1.5", "0;3", "0,,2"])
def test_positions_that_are_none(text: str) -> None:
    with pytest.raises(
        DataError, match="--mask .*(write --mask 0-5|not within the positions 0-7)"
    ):
        positions(text, 8)


def test_mask_takes_positions_of_ascending_frequency() -> None:
    data = two_paths((np.arange(8) - 4) * 1e6)
    out = mask(data, "0-1,4,7")
    np.testing.assert_array_equal(out.freq, np.array([-2, -1, 1, 2]) * 1e6)
    np.testing.assert_array_equal(out.h, data.h[..., [2, 3, 5, 6]])
    (done,) = out.meta.provenance["signal"]
    assert done["said"] == "4 of 8 frequencies masked, 4 stay"
    assert done["masked"] == [0, 1, 4, 7]


def test_auto_masks_what_is_zero_in_every_realisation() -> None:
    data = two_paths((np.arange(8) - 4) * 1e6)
    data.h[..., [0, 4]] = 0
    data.h[:-1, ..., 6] = 0  # one realisation has power there
    assert mask(data, "auto").meta.provenance["signal"][0]["masked"] == [0, 4]
    data.h[..., 1:] = 0
    with pytest.raises(DataError, match="leaves 0 of 8 frequencies"):
        mask(data, "auto")


def test_fftshift_puts_fft_order_right() -> None:
    for size in (7, 8):
        freq = (np.arange(size) - size // 2) * 1e6
        right = two_paths(freq)
        wrong = ChannelDataset(np.fft.ifftshift(right.h, axes=-1), freq)
        np.testing.assert_array_equal(fftshift(wrong).h, right.h)
    with pytest.raises(DataError, match="leave --fftshift out"):
        fftshift(two_paths(GROUPED))


def test_regrid_finds_the_channel_between_grouped_subcarriers() -> None:
    """Two paths have a known response everywhere: the spline is within 2 % of it."""
    data = two_paths(GROUPED)
    assert not is_even(data.freq) and usual_spacing(data.freq) == pytest.approx(625e3)
    out = regrid(data)
    assert is_even(out.freq) and len(out.freq) == 29
    np.testing.assert_allclose(out.freq[[0, -1]], data.freq[[0, -1]])
    error = np.abs(out.h - two_paths(out.freq).h).max()
    assert error < 0.02 * np.abs(data.h).max()
    assert "30 uneven frequencies interpolated to 29 even ones" in str(out.meta.provenance)


def test_regrid_does_not_mind_a_late_arrival() -> None:
    """A bulk delay near half the delay window turns the phase by almost pi a subcarrier."""
    late = 0.45 / 625e3
    out = regrid(two_paths(GROUPED, late=late))
    error = np.abs(out.h - two_paths(out.freq, late=late).h).max()
    assert error < 0.02 * np.abs(out.h).max()


def test_regrid_of_an_even_grid_changes_nothing() -> None:
    data = two_paths((np.arange(8) - 4) * 1e6)
    out = regrid(data)
    np.testing.assert_array_equal(out.h, data.h)
    assert "even already" in out.meta.provenance["signal"][0]["said"]
    with pytest.raises(DataError, match="2 frequencies have no grid"):
        regrid(two_paths(np.array([0.0, 1e6])))


def test_an_uneven_grid_is_told() -> None:
    assert uneven_hint((np.arange(8) - 4) * 1e6) == ""
    assert "312 kHz to 625 kHz apart" in uneven_hint(GROUPED).replace("313", "312")
    assert "--regrid" in uneven_hint(GROUPED)
