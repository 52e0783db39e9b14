"""Mean profiles as taps: what was put in comes out, in the form of TR 38.901."""

import csv
import json
import math

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.exports.profile import tap_table, write

SPACING = 1e6
BINS = np.array([0, 3, 4, 11])
LEVELS = np.array([1.0, 0.5, 0.25, 0.1])
ANGLES = np.radians([20.0, -10.0, 0.0, 45.0])


def line(n: int = 400, freq: int = 64, late: bool = True, gain: float = 1e-9) -> ChannelDataset:
    """Taps at exact delays and angles, the first steady, the others Rayleigh, begun anywhere."""
    rng = np.random.default_rng(0)
    fading = (rng.normal(size=(n, 4)) + 1j * rng.normal(size=(n, 4))) / math.sqrt(2)
    fading[:, 0] = np.exp(2j * np.pi * rng.random(n))
    start = rng.integers(0, freq if late else 1, (n, 1))
    delay = (BINS + start) / (freq * SPACING)
    grid = (np.arange(freq) - freq // 2) * SPACING
    space = np.exp(2j * np.pi * 0.5 * np.sin(ANGLES)[:, None] * np.arange(8))
    band = np.exp(-2j * np.pi * delay[:, :, None] * grid)
    h = np.einsum("np,pa,npf->naf", fading * np.sqrt(LEVELS * gain), space, band)
    return ChannelDataset(
        h=h[:, :, None, None].astype(np.complex64),
        freq=grid,
        rx_array=ArrayGeometry(columns=8),
        meta=Meta(carrier_frequency=3.5e9, provenance={"source": "a line"}),
    )


def test_taps_put_in_come_out():
    """Rayleigh power of 400 draws is 5 % off; the first tap begins each realisation."""
    table = tap_table([line()])
    assert len(table.taps) == 4
    delay = np.array([t.delay for t in table.taps])
    np.testing.assert_allclose(delay, BINS / (64 * SPACING), atol=1e-12)
    power = 10 ** (np.array([t.power_db for t in table.taps]) / 10)
    np.testing.assert_allclose(power / power.sum(), LEVELS / LEVELS.sum(), rtol=0.25)
    assert table.delay_spread == pytest.approx(
        math.sqrt(
            (power * delay**2).sum() / power.sum() - ((power * delay).sum() / power.sum()) ** 2
        )
    )
    np.testing.assert_allclose(
        [t.normalised_delay for t in table.taps], delay / table.delay_spread
    )
    assert table.realisations == 400 and table.carrier_frequency == 3.5e9


def test_taps_come_from_where_they_came():
    """Eight antennas see a plane wave 11 degrees wide; its middle is right to a degree."""
    found = tap_table([line()]).taps
    angles = np.array([t.rx_angle_deg for t in found])
    np.testing.assert_allclose(angles[:3], np.degrees(ANGLES)[:3], atol=1.5)
    assert abs(angles[3] - 45) < 4
    assert all(8 < t.rx_angle_spread_deg < 25 for t in found)
    assert all(t.tx_angle_deg is None for t in found)


def test_joined_taps_stand_where_their_power_does():
    whole, few = tap_table([line()]), tap_table([line()], most=2)
    assert len(few.taps) == 2

    power = np.array([10 ** (t.power_db / 10) for t in whole.taps])
    delay = np.array([t.delay for t in whole.taps])
    near = (power[:3] * delay[:3]).sum() / power[:3].sum()
    assert few.taps[1].delay == pytest.approx(delay[3] - near, rel=1e-6)
    assert few.taps[1].power_db == pytest.approx(10 * math.log10(power[3] / power[:3].sum()))
    assert few.delay_spread < whole.delay_spread


def test_batches_do_not_matter():
    whole, parts = tap_table([line(200)]), tap_table(line(200).batches(30))
    for a, b in zip(whole.taps, parts.taps, strict=True):
        assert a.power_db == pytest.approx(b.power_db, abs=1e-9)


def test_files_hold_the_table_and_are_not_overwritten(tmp_path):
    table = tap_table([line(100)], {"delay_spread": 8e-8})
    files = write(table, tmp_path / "line.csv")
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert [r["tap"] for r in rows] == ["1", "2", "3", "4"]
    assert list(rows[0]) == ["tap", "delay_s", "normalised_delay", "power_db",
                             "rx_angle_deg", "rx_angle_spread_deg"]  # fmt: skip
    said = json.loads(files[1].read_text())
    assert said["conditions"] == {"delay_spread": 8e-8}
    assert said["taps"][1]["delay"] == pytest.approx(float(rows[1]["delay_s"]), rel=1e-5)
    with pytest.raises(DataError, match="add --overwrite"):
        write(table, tmp_path / "line.csv")
    with pytest.raises(DataError, match=r"end it with \.csv"):
        write(table, tmp_path / "line.json")


def test_what_has_no_delays_is_said():
    with pytest.raises(DataError, match="a single frequency has no delays"):
        tap_table([line(4, freq=1)])
    with pytest.raises(DataError, match="no channel with power"):
        tap_table([line(4, gain=0.0)])
