"""Statistics of a table against closed forms."""

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import STATISTICS, applicable
from chanvae.channels import ChannelDataset
from chanvae.evaluate.looks import compute, look


def tones(delays, powers, freqs=64):
    """One antenna; paths on bins of a 64 MHz band, so 1/64 µs apart."""
    freq = np.arange(-freqs // 2, freqs // 2) * 1e6
    waves = np.exp(-2j * np.pi * np.outer(freq, np.asarray(delays) / (freqs * 1e6)))
    h = waves @ np.sqrt(powers)
    return ChannelDataset(np.tile(h.astype(np.complex64), (3, 1, 1, 1, 1)), freq)


def test_two_paths_of_equal_power():
    values = compute(tones([4, 8], [1.0, 1.0]))
    bin_ = 1 / 64e6
    np.testing.assert_allclose(values["delay_spread"], 2 * bin_, rtol=1e-4)
    np.testing.assert_allclose(np.abs(values["excess_delay"]), 2 * bin_, rtol=1e-4)
    np.testing.assert_allclose(values["peak_share"], 0.5, rtol=1e-4)
    np.testing.assert_allclose(values["gain_db"], 10 * np.log10(2), atol=1e-4)
    np.testing.assert_allclose(values["sparsity"], (8 - 2**0.5) / 7, rtol=1e-4)


def test_excess_delay_before_the_strongest_is_negative():
    values = compute(tones([0, 2], [0.5, 1.0]))
    np.testing.assert_allclose(values["excess_delay"], -2 / 3 / 64e6, rtol=1e-4)


def test_a_wave_on_the_grid_of_an_array_is_one_bin():
    steer = np.exp(2j * np.pi * np.arange(8) * 2 / 8)
    h = np.tile(steer[:, None, None, None].astype(np.complex64), (5, 1, 1, 1, 16))
    dataset = ChannelDataset(h, np.arange(16) * 1e6, rx_array=ArrayGeometry.line(8))
    values = compute(dataset)
    np.testing.assert_allclose(values["peak_share"], 1, rtol=1e-5)
    np.testing.assert_allclose(values["sparsity"], 1, rtol=1e-5)
    np.testing.assert_allclose(values["effective_rank"], 1, rtol=1e-3)


def test_batches_do_not_matter(make):
    dataset = make(50, 0)
    whole, parts = compute(dataset), look(dataset, batch=7).values
    for name in whole:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(("antennas", "freqs"), [(1, 16), (4, 1), (2, 30), (1, 1), (4, 16)])
def test_only_what_applies(make, antennas, freqs):
    names = {s.name for s in applicable(Grid.of(make(5, 0, antennas=antennas, freqs=freqs)))}
    assert ("delay_spread" in names) == (freqs > 1)
    assert ("angular_spread_rx" in names) == (antennas > 1)
    assert "angular_spread_tx" not in names
    values = compute(make(5, 0, antennas=antennas, freqs=freqs))
    assert set(values) == names
    assert all(np.isfinite(v).all() for v in values.values())


def test_names_units_definitions():
    assert len({s.name for s in STATISTICS}) == len(STATISTICS)
    assert all(s.unit in ("s", "rad", "dB", "Hz", "bit/s/Hz", "1") for s in STATISTICS)
    assert all(s.definition.endswith(".") and s.resolution > 0 for s in STATISTICS)
