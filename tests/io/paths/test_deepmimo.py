"""DeepMIMO scenario arrays: decibels and degrees, padding, users without a path."""

import numpy as np
import pytest
import scipy.io

from chanvae.errors import DataError
from chanvae.io.read import load, reading

GRID = {"bandwidth": 50e6, "subcarriers": 32}
FREQ = (np.arange(32) - 16) * 50e6 / 32


def direct(values, user: int, rx=(1, 1), tx=(1, 1)) -> np.ndarray:
    """One user's channel path by path, from the definitions: ``[rx, tx, freq]``."""
    total = np.zeros((rx[0] * rx[1], tx[0] * tx[1], 32), complex)
    for p in range(5):
        power, phase, delay = (float(values[k][user, p]) for k in ("power", "phase", "delay"))
        if np.isnan(power):
            continue
        gain = 10 ** (power / 20) * np.exp(1j * np.deg2rad(phase))
        ends = []
        for name, (rows, columns) in (("aoa", rx), ("aod", tx)):
            az, el = (np.deg2rad(float(values[f"{name}_{k}"][user, p])) for k in ("az", "el"))
            ends.append(
                np.array(
                    [
                        np.exp(1j * np.pi * (c * np.sin(el) * np.sin(az) + r * np.cos(el)))
                        for r in range(rows)
                        for c in range(columns)
                    ]
                )
            )
        total += gain * np.einsum("r,t,f->rtf", *ends, np.exp(-2j * np.pi * FREQ * delay))
    return total


def test_users(deepmimo_values, tmp_path) -> None:
    """User 0 has no path and is left out, counted; user 1 has one and stays."""
    np.savez(tmp_path / "scenario.npz", **deepmimo_values)
    data = load(tmp_path / "scenario.npz", **GRID, conditions=("los", "paths"))
    assert data.shape == (79, 1, 1, 1, 32)
    assert data.meta.provenance["links_without_path"] == 1
    assert data.conditions["paths"][0] == 1
    for user in (1, 2, 79):
        expected = direct(deepmimo_values, user)[:, :, None]
        np.testing.assert_allclose(data.h[user - 1], expected, atol=1e-4 * np.abs(expected).max())
    los = (deepmimo_values["inter"] == 0).any(1)[1:]
    np.testing.assert_array_equal(data.conditions["los"], los)


def test_antennas_see_the_angles(deepmimo_values, tmp_path) -> None:
    np.savez(tmp_path / "scenario.npz", **deepmimo_values)
    data = load(tmp_path / "scenario.npz", **GRID, rx_array="1x2", tx_array="2x4")
    for user in (1, 40):
        expected = direct(deepmimo_values, user, (1, 2), (2, 4))[:, :, None]
        np.testing.assert_allclose(data.h[user - 1], expected, atol=1e-4 * np.abs(expected).max())
    assert data.tx_array.rows == 2


@pytest.mark.parametrize("kind", ["mat", "npz", "npy"])
def test_a_scenario_folder(deepmimo_values, tmp_path, kind: str) -> None:
    """One array a file, as the scenarios are stored: any one of them names all."""
    for name, values in deepmimo_values.items():
        path = tmp_path / f"{name}_t001_tx000_r002.{kind}"
        if kind == "mat":
            scipy.io.savemat(path, {name: values})
        elif kind == "npz":
            np.savez(path, **{name: values})
        else:
            np.save(path, values)
    np.savez(tmp_path / "whole.npz", **deepmimo_values)
    whole = load(tmp_path / "whole.npz", **GRID, tx_array="1x4")
    for name in ("power", "aoa_az"):
        path = tmp_path / f"{name}_t001_tx000_r002.{kind}"
        np.testing.assert_array_equal(load(path, **GRID, tx_array="1x4").h[:], whole.h[:])
    assert reading(path, **GRID).layout == "DeepMIMO v4 scenario arrays"
    (tmp_path / f"delay_t001_tx000_r002.{kind}").unlink()
    with pytest.raises(DataError, match="has no delay, which the paths need"):
        load(path, **GRID)


def test_bad_scenarios(deepmimo_values, tmp_path) -> None:
    def saved(**changed):
        np.savez(tmp_path / "s.npz", **{k: v for k, v in {**deepmimo_values, **changed}.items()
                                        if v is not None})  # fmt: skip
        return tmp_path / "s.npz"

    with pytest.raises(DataError, match="seconds are needed"):
        load(saved(delay=deepmimo_values["delay"] * 1e9), **GRID)
    with pytest.raises(DataError, match="--tx-array needs aod_az, which is not there"):
        load(saved(aod_az=None), **GRID, tx_array="1x4")
    with pytest.raises(DataError, match="aoa_az has shape"):
        load(saved(aoa_az=np.zeros((80, 4))), **GRID)
    with pytest.raises(DataError, match="NaN or infinity"):
        load(saved(power=np.full((80, 5), 1e5)), **GRID)
    with pytest.raises(DataError, match=r"aod_el is <?.*\(80,\); real numbers"):
        load(saved(aod_el=np.array(["a"] * 80)), **GRID)
    with pytest.raises(DataError, match="no link has a path"):
        load(saved(power=np.full((80, 5), np.nan)), **GRID)


def test_generated_channels_are_an_array_like_any_other(tmp_path) -> None:
    """DeepMIMO's ``channel`` is [user, rx, tx, subcarrier]; a user without a path is zero."""
    rng = np.random.default_rng(0)
    h = rng.normal(size=(70, 1, 8, 16, 2)).view(complex)[..., 0]
    h[3] = 0
    np.savez(tmp_path / "channels.npz", channel=h.astype(np.complex64), rx_pos=np.zeros((70, 3)))
    says = {"axes": "n,rx,tx,freq", "subcarrier_spacing": 15e3}
    with pytest.raises(DataError, match="1 of 70 realisations: only zeros"):
        load(tmp_path / "channels.npz", **says)
    data = load(tmp_path / "channels.npz", **says, drop_invalid=True)
    assert len(data) == 69
    assert data.meta.provenance["dropped_realisations"] == {"only zeros in /h": 1}
