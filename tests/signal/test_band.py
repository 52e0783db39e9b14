"""The occupied band: found where it is, on synthetic spectra and on a measured file."""

import numpy as np
import pytest

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.read import load
from chanvae.signal.band import cut, empty_hint, occupied, spectrum
from tests.conftest import shared

FREQ = (np.arange(64) - 32) * 1e6


def shaped(power_db: np.ndarray, n: int = 400, seed: int = 0) -> ChannelDataset:
    """Rayleigh fading under a mean spectrum, each realisation with a gain of its own."""
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(n, 64, 2)).view(complex)[..., 0] * 10 ** (power_db / 20)
    h *= 10 ** rng.normal(0, 0.7, (n, 1))
    return ChannelDataset(h[:, None, None, None].astype(np.complex64), FREQ)


def box(low: int, high: int, floor: float = -25.0) -> np.ndarray:
    level = np.full(64, floor)
    level[low:high] = 0
    return level


@pytest.mark.parametrize(("low", "high"), [(16, 48), (0, 20), (30, 34), (0, 64), (60, 64)])
@pytest.mark.parametrize("floor", [-60.0, -15.0])
def test_a_box_is_found_exactly(low: int, high: int, floor: float) -> None:
    """With 400 realisations a mean power varies by 0.2 dB: the edges cannot be missed."""
    out = cut(shaped(box(low, high, floor)), "auto")
    np.testing.assert_array_equal(out.freq, FREQ[low:high])
    (done,) = out.meta.provenance["signal"]
    assert (done["frequencies"], done["before"]) == (high - low, 64)
    assert (done["low_hz"], done["high_hz"]) == (FREQ[low], FREQ[high - 1])


def test_a_notch_is_bridged_and_a_spur_is_not() -> None:
    level = box(16, 48)
    level[31:33] = -60  # around the carrier
    level[60] = -5  # a spur far away
    out = cut(shaped(level), "auto")
    np.testing.assert_array_equal(out.freq, FREQ[16:48])


def test_slopes_are_cut_at_ten_decibels() -> None:
    level = -np.abs(np.arange(64) - 31.5).clip(min=16) + 16  # flat, then 1 dB a frequency
    found = occupied(spectrum(shaped(level, n=4000)))
    assert abs(found.start - 6) <= 1 and abs(found.stop - 58) <= 1


def test_a_strong_realisation_does_not_decide() -> None:
    data = shaped(box(16, 48))
    data.h[0] = 0
    data.h[0, ..., 2] = 1e6
    np.testing.assert_array_equal(cut(data, "auto").freq, FREQ[16:48])


def test_fft_order_is_told_and_not_cut() -> None:
    level = np.fft.ifftshift(box(16, 48))
    with pytest.raises(DataError, match="as in FFT order; add --fftshift"):
        cut(shaped(level), "auto")
    assert "--fftshift" in empty_hint(spectrum(shaped(level)))


def test_a_band_that_is_said() -> None:
    data = shaped(box(0, 64))
    out = cut(data, (-10e6, 5e6))
    np.testing.assert_array_equal(out.freq, np.arange(-10, 6) * 1e6)
    np.testing.assert_array_equal(out.h, data.h[..., 22:38])
    assert out.subcarrier_spacing == data.subcarrier_spacing
    for band in ((40e6, 50e6), (0.1e6, 0.2e6)):
        with pytest.raises(DataError, match="--band .*lie in it; say a wider band"):
            cut(data, band)
    with pytest.raises(DataError, match="say auto, or two frequencies"):
        cut(data, "automatic")


def test_the_hint_comes_above_a_quarter() -> None:
    assert "50 % of the frequencies are empty" in empty_hint(spectrum(shaped(box(16, 48))))
    assert empty_hint(spectrum(shaped(box(8, 56)))) == ""  # 25 %
    assert empty_hint(spectrum(shaped(box(16, 48, floor=-15.0)))) == ""
    assert empty_hint(spectrum(shaped(np.zeros(64)))) == ""


def test_measured_taps_twice_as_dense_as_the_band() -> None:
    """499.2 MHz were sounded: 64 of 128 frequencies; the filter's skirts add a few."""
    data = load(shared("uwb_cirs_2018.h5"))
    assert "--band auto" in empty_hint(spectrum(data))
    out = cut(data, "auto")
    assert 60 <= len(out.freq) <= 76
    assert abs(out.freq.mean()) < 10e6 and out.bandwidth == pytest.approx(530e6, rel=0.1)
    assert not isinstance(out.h, np.ndarray)
    rows = np.array([5, 3000])
    inside = np.searchsorted(data.freq, out.freq)
    np.testing.assert_array_equal(out.h[rows], data.h[rows][..., inside])
    assert empty_hint(spectrum(out)) == ""
