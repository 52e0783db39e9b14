"""Recordings of pilots: refused, and read once the pilots are known."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.errors import DataError
from chanvae.io.read import load, reading

FFT, CP, PREFIX = 64, 16, 10


def recorded(path: Path, paired: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """25 frames, 1 cell, 3 users, 4 antennas: known channels times pilots, rounded to int16."""
    rng = np.random.default_rng(0)
    pilots = np.zeros(FFT, complex)
    pilots[1:27] = rng.choice([-1, 1], 26)
    pilots[-26:] = rng.choice([-1, 1], 26)
    taps = rng.normal(size=(25, 1, 3, 4, 8, 2)).view(complex)[..., 0]
    h = np.fft.fft(taps, FFT)
    symbol = np.fft.ifft(h * pilots)
    symbol *= 0.5 / np.abs(symbol).max()
    h *= 0.5 / np.abs(np.fft.ifft(h * pilots)).max()
    slot = np.zeros((25, 1, 3, 4, PREFIX + CP + FFT + 14), complex)
    slot[..., PREFIX : PREFIX + CP] = symbol[..., -CP:]
    slot[..., PREFIX + CP : PREFIX + CP + FFT] = symbol
    parts = np.round(np.stack([slot.real, slot.imag], -1) * 32768).astype(np.int16)
    with h5py.File(path, "w") as file:
        room = file.create_group("Data")
        room["Pilot_Samples"] = parts if paired else parts.reshape(*parts.shape[:4], -1)
        room.attrs.update(
            PREFIX_LEN=PREFIX, CP_LEN=CP, FFT_SIZE=FFT, RATE=5e6, FREQ=3.6e9, POSTFIX_LEN=14
        )
    return pilots, h


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("ascending", [False, True])
def test_least_squares_finds_the_channel(tmp_path: Path, paired: bool, ascending: bool) -> None:
    """Rounding to int16 adds 1e-5 of full scale a sample, 1e-4 a bin."""
    pilots, h = recorded(tmp_path / "trace.hdf5", paired)
    np.save(tmp_path / "p.npy", np.fft.fftshift(pilots) if ascending else pilots)
    data = load(tmp_path / "trace.hdf5", pilots=str(tmp_path / "p.npy"), conditions="user")
    assert data.shape == (75, 4, 1, 1, 52)
    assert data.meta.carrier_frequency == pytest.approx(3.6e9)
    bins = [*range(-26, 0), *range(1, 27)]
    np.testing.assert_allclose(data.freq, np.array(bins) * 5e6 / FFT)
    expected = h.reshape(75, 4, FFT)[..., bins]
    np.testing.assert_allclose(data.h[:][:, :, 0, 0], expected, atol=5e-4)
    rows = np.array([70, 2])
    np.testing.assert_allclose(data.h[rows][:, :, 0, 0], expected[rows], atol=5e-4)
    np.testing.assert_array_equal(data.conditions["user"], np.tile(np.arange(3), 25))
    how = reading(tmp_path / "trace.hdf5", pilots=str(tmp_path / "p.npy"))
    assert how.layout.startswith("RENEW/Argos") and "52 of 64 bins" in how.assumptions[0]


def test_refused_with_the_reason(tmp_path: Path) -> None:
    pilots, _ = recorded(tmp_path / "trace.hdf5")
    with pytest.raises(DataError, match=r"received samples .*, not channels.*--pilots FILE"):
        load(tmp_path / "trace.hdf5")
    with pytest.raises(DataError, match="--bandwidth: pilots say their grid"):
        load(tmp_path / "trace.hdf5", bandwidth=5e6)
    np.save(tmp_path / "p.npy", pilots[:32])
    with pytest.raises(DataError, match="has 32 pilots; the recording's FFT has 64"):
        load(tmp_path / "trace.hdf5", pilots=str(tmp_path / "p.npy"))
    np.save(tmp_path / "real.npy", pilots.real)
    with pytest.raises(DataError, match="needs one complex array"):
        load(tmp_path / "trace.hdf5", pilots=str(tmp_path / "real.npy"))
    np.save(tmp_path / "p.npy", pilots)
    with h5py.File(tmp_path / "trace.hdf5", "a") as file:
        file["Data"].attrs["CP_LEN"] = 60
    with pytest.raises(DataError, match="too few for a symbol of 64 from sample 70"):
        load(tmp_path / "trace.hdf5", pilots=str(tmp_path / "p.npy"))
    with h5py.File(tmp_path / "trace.hdf5", "a") as file:
        del file["Data"].attrs["RATE"]
    with pytest.raises(DataError, match="attribute RATE of the recording is missing"):
        load(tmp_path / "trace.hdf5", pilots=str(tmp_path / "p.npy"))
    np.save(tmp_path / "h.npy", np.ones((70, 4), complex))
    with pytest.raises(DataError, match="--pilots is for received pilots"):
        load(tmp_path / "h.npy", axes="n,freq", subcarrier_spacing=1e3, pilots="p.npy")
