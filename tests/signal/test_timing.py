"""The clock's delay and phase are found and taken out; what differs between antennas stays."""

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.timing import mean_delay, remove_timing

FREQ = (np.arange(32) - 16) * 312.5e3


def paths(n: int = 40, rx: int = 3) -> np.ndarray:
    rng = np.random.default_rng(3)
    gain = rng.normal(size=(n, rx, 4)) + 1j * rng.normal(size=(n, rx, 4))
    delay = rng.uniform(0, 300e-9, (n, 1, 4))
    h = np.einsum("nrp,nrpf->nrf", gain, np.exp(-2j * np.pi * delay[..., None] * FREQ))
    return h[:, :, None, None, :]


def clocked(h: np.ndarray) -> tuple[ChannelDataset, np.ndarray]:
    rng = np.random.default_rng(4)
    delay, phase = rng.uniform(-600e-9, 600e-9, len(h)), rng.uniform(0, 2 * np.pi, len(h))
    turned = (
        h * np.exp(-2j * np.pi * delay[:, None] * FREQ + 1j * phase[:, None])[:, None, None, None]
    )
    return ChannelDataset(
        turned.astype(np.complex64), FREQ, rx_array=ArrayGeometry.line(h.shape[1])
    ), delay


def test_one_path_has_its_delay() -> None:
    delay = np.array([0.0, 130e-9, -1.2e-6])
    h = np.exp(-2j * np.pi * delay[:, None] * FREQ)[:, None, None, None]
    np.testing.assert_allclose(mean_delay(h, FREQ)[:, 0], delay, atol=1e-14)
    uneven = FREQ[[0, 1, 2, 4, 5, 9, 10]]
    h = np.exp(-2j * np.pi * delay[:, None] * uneven)[:, None, None, None]
    np.testing.assert_allclose(mean_delay(h, uneven)[:, 0], delay, atol=1e-14)


def test_any_clock_gives_the_same_channel() -> None:
    h = paths()
    still, _ = clocked(h)
    plain = ChannelDataset(h.astype(np.complex64), FREQ, rx_array=ArrayGeometry.line(3))
    a, b = remove_timing(still).h, remove_timing(plain).h
    np.testing.assert_allclose(a, b, atol=1e-4 * np.abs(h).max())
    np.testing.assert_allclose(np.abs(a), np.abs(h), rtol=1e-4, atol=1e-4)
    ratio = np.angle((h[:, 0] * h[:, 1].conj()).sum((-1, -2, -3)))
    kept = np.angle((a[:, 0] * a[:, 1].conj()).sum((-1, -2, -3)))
    np.testing.assert_allclose(np.exp(1j * kept), np.exp(1j * ratio), atol=1e-3)
    np.testing.assert_allclose(mean_delay(a, FREQ), 0, atol=1e-12)
    np.testing.assert_allclose(np.angle(a.sum((1, 2, 4))), 0, atol=1e-5)


def test_the_removed_delays_are_reported() -> None:
    h = np.ones((500, 1, 1, 1, 32))
    data, delay = clocked(h)
    (done,) = remove_timing(data).meta.provenance["signal"]
    assert done["median_s"] == pytest.approx(np.median(delay), abs=1e-10)
    assert done["p90_s"] == pytest.approx(np.quantile(delay, 0.9), abs=1e-10)
    assert done["realisations"] == 500 and "ns" in done["said"]


def test_every_time_has_its_own_clock() -> None:
    delay = np.array([0.0, 100e-9, 400e-9])
    h = np.exp(-2j * np.pi * delay[:, None] * FREQ)[None, None, None].astype(np.complex64)
    out = remove_timing(ChannelDataset(h, FREQ, time=np.arange(3) * 1e-3))
    np.testing.assert_allclose(out.h, 1, atol=1e-4)


def test_a_single_frequency_has_no_delay() -> None:
    data = ChannelDataset(np.ones((4, 1, 1, 1, 1), np.complex64), np.zeros(1))
    with pytest.raises(DataError, match="--remove-timing: a single frequency"):
        remove_timing(data)
