"""Sionna's a and tau, on a grid: padded and missing paths, with and without an antenna axis."""

import json
import pickle

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from chanvae.cli.inspect import command
from chanvae.errors import DataError
from chanvae.io.convert import save
from chanvae.io.read import load, reading

GRID = {"bandwidth": 20e6, "subcarriers": 16}
FREQ = (np.arange(16) - 8) * 1.25e6


def summed(a: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The definition, written out: ``[batch, num_rx, rx, tx, freq]``."""
    if tau.ndim == 4:
        tau = tau[:, :, None, :, None]
    there = tau >= 0
    turn = np.exp(-2j * np.pi * tau.astype(float)[..., None] * FREQ) * there[..., None]
    return np.einsum("brisjpt,brisjpf->brsijf", a.astype(complex),
                     np.broadcast_to(turn, (*a.shape[:6], 16)))[:, :, 0]  # fmt: skip


@pytest.mark.parametrize("kind", ["h5", "npz"])
@pytest.mark.parametrize("full", [False, True])
def test_one_link(sionna_file, full: bool, kind: str) -> None:
    path, a, tau = sionna_file(full=full, kind=kind)
    data = load(path, **GRID)
    assert data.shape == (69, 2, 3, 1, 16)
    np.testing.assert_allclose(data.freq, FREQ)
    expected = summed(a, tau)[1:, 0]
    np.testing.assert_allclose(data.h[:][:, :, :, 0], expected, atol=1e-5)
    rows = np.array([60, 3, 3])
    np.testing.assert_allclose(data.h[rows][:, :, :, 0], expected[rows], atol=1e-5)
    how = reading(path, **GRID)
    assert how.layout == "Sionna paths (a, tau)"
    assert any("1 of 70 links have no path" in s for s in how.assumptions)
    assert data.meta.provenance["links_without_path"] == 1
    labels = load(path, **GRID, conditions="paths").conditions["paths"]
    first = tau.reshape(70, -1, 6)[:, 0]
    np.testing.assert_array_equal(labels, (first >= 0).sum(1)[1:])


def test_sionna_s_own_sum(sionna_file) -> None:
    """What cir_to_ofdm_channel makes of the same paths (those that are there), to 1e-5."""
    import torch

    path, a, tau = sionna_file()
    with torch.random.fork_rng(devices=[]):
        from sionna.phy.channel import cir_to_ofdm_channel

        keep = np.where((tau >= 0)[:, :, None, :, None, :, None], a, 0).astype(np.complex128)
        late = np.maximum(tau, 0).astype(np.float64)
        theirs = cir_to_ofdm_channel(
            torch.as_tensor(FREQ), torch.as_tensor(keep), torch.as_tensor(late)
        )
    np.testing.assert_allclose(
        load(path, **GRID).h[:][:, :, :, 0], theirs.cpu().numpy()[1:, 0, :, 0, :, 0], atol=1e-5
    )


def test_a_list_of_paths_is_fitted_and_converted(sionna_file, tmp_path) -> None:
    """Everything downstream takes it: another format, a worker process, the trainer."""
    path, *_ = sionna_file(batch=100)
    data = load(path, **GRID)
    save(data, tmp_path / "own.h5")
    np.testing.assert_array_equal(load(tmp_path / "own.h5").h[:], data.h[:])
    again = pickle.loads(pickle.dumps(data.h))
    np.testing.assert_array_equal(again[5:9], data.h[5:9])
    cut = load(path, **GRID, band=(-5e6, 5e6), normalization="unit_power_per_realisation")
    assert not isinstance(cut.h, np.ndarray) and cut.shape[-1] == 9
    np.testing.assert_allclose(np.mean(np.abs(cut.h[:]) ** 2, (1, 2, 3, 4)), 1, rtol=1e-5)


def test_several_receivers_are_realisations(sionna_file) -> None:
    path, a, tau = sionna_file(batch=30, num_rx=4)
    data = load(path, **GRID)
    lost = int((~(tau >= 0).any(-1)).sum())
    assert len(data) == 120 - lost
    expected = summed(a, tau).reshape(120, 2, 3, 16)[(tau >= 0).any(-1).ravel()]
    np.testing.assert_allclose(data.h[:][:, :, :, 0], expected, atol=1e-5)
    kept = np.repeat(np.arange(30), 4)[(tau >= 0).any(-1).ravel()]
    np.testing.assert_array_equal(data.groups["batch"], kept)
    assert not load(path, **GRID, groups="random").groups


def test_without_a_batch(tmp_path) -> None:
    """What the ray tracer gives for 70 receivers: six axes."""
    rng = np.random.default_rng(2)
    a = rng.normal(size=(70, 2, 1, 1, 3, 1, 2)).view(complex)[..., 0]
    tau = rng.uniform(0, 1e-7, (70, 1, 3))
    np.savez(tmp_path / "rt.npz", a=a, tau=tau)
    data = load(tmp_path / "rt.npz", **GRID)
    assert data.shape == (70, 2, 1, 1, 16) and not data.groups
    turn = np.exp(-2j * np.pi * tau[..., None] * FREQ)
    expected = np.einsum("rip,rpf->rif", a[:, :, 0, 0, :, 0], turn[:, 0])
    np.testing.assert_allclose(data.h[:][:, :, 0, 0], expected, atol=1e-5)


def test_inspect_reports_it(sionna_file) -> None:
    path, *_ = sionna_file()
    text = (
        CliRunner()
        .invoke(command, [str(path), "--bandwidth", "20MHz", "--subcarriers", "16"])
        .output
    )
    for said in ("Sionna paths (a, tau)", "69 realisations of 2 rx x 3 tx x 1 time x 16 freq",
                 "negative delay are padding", "--bandwidth 20MHz --subcarriers 16"):  # fmt: skip
        assert said in text
    found = json.loads(
        CliRunner()
        .invoke(command, [str(path), "--bandwidth", "20MHz", "--subcarriers", "16", "--json"])
        .output
    )
    assert found["reading"]["layout"] == "Sionna paths (a, tau)"


def test_bad_paths(sionna_file, tmp_path) -> None:
    path, a, tau = sionna_file()
    with pytest.raises(DataError, match="list of paths .*--bandwidth 100MHz --subcarriers 64"):
        load(path)
    with pytest.raises(DataError, match="--axes: its layout is known; leave it out"):
        load(path, **GRID, axes="n,rx")
    with pytest.raises(DataError, match="--pilots: a list of paths has none"):
        load(path, **GRID, pilots="x.npy")
    with pytest.raises(DataError, match="--subcarriers 0: there must be at least one"):
        load(path, bandwidth=1e6, subcarriers=0)
    with pytest.raises(DataError, match="--rx-array 1x3 has 3 antennas; the data has 2"):
        load(path, **GRID, rx_array="1x3")
    with pytest.raises(DataError, match="no such label; it has: paths, batch"):
        load(path, **GRID, groups="day")
    nanoseconds, *_ = sionna_file(late=1e9)
    with pytest.raises(DataError, match="delays are likely in ns, and seconds are needed"):
        load(nanoseconds, **GRID)
    with h5py.File(tmp_path / "half.h5", "w") as file:
        file["a"], file["tau"] = a, tau[:, :, :, :4]
    with pytest.raises(DataError, match=r"tau must have the shape \(70, 1, 1, 6\)"):
        load(tmp_path / "half.h5", **GRID)
    with h5py.File(tmp_path / "none.h5", "w") as file:
        file["a"], file["tau"] = a, -np.ones_like(tau)
    with pytest.raises(DataError, match="no link has a path"):
        load(tmp_path / "none.h5", **GRID)
    a[5, 0, 0, 0, 0, :, 0] = np.nan
    with h5py.File(tmp_path / "nan.h5", "w") as file:
        file["a"], file["tau"] = a, tau
    with pytest.raises(DataError, match="NaN or infinity"):
        load(tmp_path / "nan.h5", **GRID)


def test_a_delay_beyond_the_window_is_told(sionna_file) -> None:
    path, *_ = sionna_file()
    how = reading(path, bandwidth=100e6, subcarriers=16)
    assert any("beyond the delay window of 160 ns" in s for s in how.assumptions)
    with pytest.raises(DataError, match="--subcarriers is for lists of paths"):
        np.savez(path.with_suffix(".npz"), h=np.ones((70, 4), complex))
        load(path.with_suffix(".npz"), axes="n,freq", subcarrier_spacing=1e3, subcarriers=4)
