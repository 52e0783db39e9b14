"""Sets on other frequencies: brought to a common grid on request, else refused."""

import dataclasses

import numpy as np
import pytest

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.evaluate.compare import compare
from chanvae.evaluate.resampling import common_grid, resampled


def tones(freq, n=40, seed=0):
    """Three paths within 0.5 µs, the same for any frequencies."""
    rng = np.random.default_rng(seed)
    delays, gains = rng.uniform(0.05e-6, 0.5e-6, (n, 3)), rng.normal(size=(n, 3, 2))
    h = np.einsum("np,npf->nf", gains @ [1, 1j], np.exp(-2j * np.pi * delays[..., None] * freq))
    return ChannelDataset(h[:, None, None, None].astype(np.complex64), freq)


def test_interpolation_is_the_channel_in_between():
    coarse = tones(np.arange(-64, 64) * 0.5e6)
    freq = np.linspace(-20e6, 20e6, 61)
    found, expected = resampled(coarse, freq), tones(freq)
    # 0.5 µs of a period of 2 µs: the Kaiser-windowed kernel of 32 points is exact to 1e-4.
    np.testing.assert_allclose(found.h, expected.h, atol=2e-3 * np.abs(expected.h).max())
    np.testing.assert_allclose(found.freq, freq)


def test_the_same_grid_is_left_alone():
    sets = tones(np.arange(16) * 1e6), tones(np.arange(16) * 1e6, seed=1)
    assert common_grid(*sets, None) == (*sets, None)


def test_different_grids_are_compared_on_request():
    one = tones(np.arange(-64, 64) * 0.5e6, 200, 1)
    other = tones(np.arange(-100, 100) * 0.4e6 + 1e6, 200, 2)
    with pytest.raises(DataError, match="axis freq has length 200, measured has 128; add --resa"):
        compare(one, other, quick=True)
    moved = tones(np.arange(-64, 64) * 0.5e6 + 3e6, 200, 2)
    with pytest.raises(DataError, match="frequency grid differs .* add --resample"):
        compare(one, moved, quick=True)
    for generated in (other, moved):
        report = compare(one, generated, training=one, quick=True, resample=True)
        assert "off" not in {s.verdict for s in report.statistics}
        assert report.measured["freq"] == report.generated["freq"] <= 128


def test_what_cannot_be_resampled():
    one = tones(np.arange(-8, 8) * 1e6)
    apart = tones(np.arange(-8, 8) * 1e6 + 50e6)
    with pytest.raises(DataError, match="share fewer than 4 frequencies"):
        common_grid(one, apart, None)
    single = tones(np.zeros(1))
    with pytest.raises(DataError, match="a single frequency cannot be resampled"):
        common_grid(one, single, None)


def test_other_antennas_are_refused_whatever_is_asked(make):
    with pytest.raises(DataError, match="axis rx has length 8, measured has 4"):
        compare(make(40, 1), make(40, 2, antennas=8), quick=True, resample=True)


def test_heavy_tails_are_judged_by_ks(make):
    """One channel of a set a million times stronger makes up the standard deviation of gain."""
    measured, generated = make(600, 1), make(600, 2)
    h = measured.h[:].copy()
    h /= np.sqrt((np.abs(h) ** 2).mean((1, 2, 3, 4), keepdims=True))
    h[:3] *= 1e8
    jitter = np.exp(0.01 * np.random.default_rng(0).normal(size=(600, 1, 1, 1, 1)))
    heavy = dataclasses.replace(measured, h=(h * jitter).astype(np.complex64))
    report = compare(heavy, generated, quick=True)
    (gain,) = (s for s in report.statistics if s.name == "gain_db")
    assert gain.heavy_tails and gain.verdict == "off" and "KS" in gain.sentence
    assert any("standard deviation" in note and "gain" in note for note in report.notes)


def test_statistics_that_a_set_does_not_define_are_named(make):
    report = compare(
        make(60, 1), dataclasses.replace(make(60, 2), h=0 * make(60, 2).h), quick=True
    )
    assert "delay_spread" not in {s.name for s in report.statistics}
    assert any("define them: delay spread" in note for note in report.notes)


def test_realisations_without_power_are_counted(make):
    h = make(100, 1).h[:].copy()
    h[:5] = 0
    report = compare(make(100, 2), dataclasses.replace(make(100, 1), h=h), quick=True)
    (spread,) = (s for s in report.statistics if s.name == "delay_spread")
    assert spread.generated.undefined == 5 and spread.generated.n == 95
    assert any("5 % of generated" in note for note in report.notes)
