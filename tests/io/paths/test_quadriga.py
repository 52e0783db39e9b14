"""QuaDRiGa's files, written by quadriga-lib itself: paths vary by snapshot."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.errors import DataError
from chanvae.io.read import load, reading

GRID = {"bandwidth": 100e6, "subcarriers": 32}
FREQ = (np.arange(32) - 16) * 100e6 / 32


def written(path: Path, wide: bool = False, channels: int = 12, late: float = 1.0) -> list[dict]:
    """Channels of six snapshots, 2 x 4 antennas, 3 to 8 paths."""
    pytest.importorskip("quadriga_lib", reason="quadriga-lib is not installed")
    from quadriga_lib import channel

    rng = np.random.default_rng(0)
    antennas = (2, 4) if wide else (1, 1)
    channel.hdf5_create_file(str(path), channels)
    made = []
    for ix in range(channels):
        paths = rng.integers(3, 9, 6)
        one = {
            "rx_position": rng.normal(size=(3, 6)),
            "tx_position": np.zeros((3, 1)),
            "coeff_re": [rng.normal(size=(2, 4, p)) for p in paths],
            "coeff_im": [rng.normal(size=(2, 4, p)) for p in paths],
            "delay": [late * rng.uniform(0, 2e-7, (*antennas, p)) for p in paths],
            "name": "site_user",
            "center_frequency": 3.5e9,
        }
        channel.hdf5_write_channel(str(path), one, ix=ix)
        made.append(one)
    return made


@pytest.mark.parametrize("wide", [False, True])
def test_written_by_the_library_and_read_here(tmp_path: Path, wide: bool) -> None:
    """Coefficients and delays are stored in float32: 1e-4 of the largest after summing."""
    made = written(tmp_path / "q.hdf5", wide)
    data = load(tmp_path / "q.hdf5", **GRID)
    assert data.shape == (72, 2, 4, 1, 32) and data.meta.carrier_frequency == 3.5e9
    for channel, snapshot in ((0, 0), (5, 3), (11, 5)):
        re, im, tau = (made[channel][k][snapshot] for k in ("coeff_re", "coeff_im", "delay"))
        turn = np.exp(-2j * np.pi * tau[..., None] * FREQ)
        expected = ((re + 1j * im)[..., None] * turn).sum(2)
        found = data.h[channel * 6 + snapshot][:, :, 0]
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_array_equal(data.groups["channel"], np.repeat(np.arange(1, 13), 6))
    how = reading(tmp_path / "q.hdf5", **GRID)
    assert how.layout == "QuaDRiGa HDF5 (quadriga-lib)"
    counts = load(tmp_path / "q.hdf5", **GRID, conditions="paths").conditions["paths"]
    truth = [re.shape[2] for one in made for re in one["coeff_re"]]
    np.testing.assert_array_equal(counts, truth)


def test_bad_files(tmp_path: Path) -> None:
    written(tmp_path / "ns.hdf5", late=1e9)
    with pytest.raises(DataError, match="seconds are needed"):
        load(tmp_path / "ns.hdf5", **GRID)
    written(tmp_path / "q.hdf5", channels=2)
    with pytest.raises(DataError, match="list of paths"):
        load(tmp_path / "q.hdf5")
    with h5py.File(tmp_path / "q.hdf5", "a") as file:
        file["channel_2"].attrs["CenterFrequency"] = np.float32(28e9)
    with pytest.raises(DataError, match="channels at 2 carriers"):
        load(tmp_path / "q.hdf5", **GRID)
    with h5py.File(tmp_path / "q.hdf5", "a") as file:
        del file["channel_1/Snap_0/coeff_im"]
    with pytest.raises(DataError, match="/channel_1/Snap_0/coeff_im is missing"):
        load(tmp_path / "q.hdf5", **GRID)
    with h5py.File(tmp_path / "q.hdf5", "a") as file:
        del file["channel_1"], file["channel_2"]
    with pytest.raises(DataError, match="hold no coeff_re"):
        load(tmp_path / "q.hdf5", **GRID)
