"""Every measured and simulated file that lies beside the checkout, read as docs/format.md says."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from click.testing import CliRunner

from chanvae.cli.inspect import command
from chanvae.errors import DataError
from chanvae.io.filearray import FileArray
from chanvae.io.read import load, reading

Measured = Callable[[str], Path]
COST2100 = ("--meta", "cost2100_meta_v73.mat")
TYPED = {
    "uwb_cirs_2018.h5": (),
    "uwb_cirs_2018_int16.h5": ("--carrier", "3.9936GHz"),
    "wifi_wsr_v73.mat": ("--carrier", "5.5GHz"),
    "wifi_polyu_5300.h5": ("--group", "day"),
    "cost2100_v73.mat": COST2100,
    "cdl_c_16x64_v5.mat": ("--axes", "rx,tx,n"),
}
"""File -> what has to be typed to read it."""
SHAPES = {
    "uwb_cirs_2018.h5": (8399, 1, 1, 1, 128),
    "uwb_cirs_2018_int16.h5": (1680, 1, 1, 1, 128),
    "wifi_wsr_v73.mat": (41160, 1, 1, 1, 30),
    "wifi_polyu_5300.h5": (11520, 3, 2, 1, 30),
    "cost2100_v73.mat": (1, 1, 32, 1, 1025),
    "cdl_c_16x64_v5.mat": (51, 16, 64, 1, 1),
}


@pytest.mark.parametrize("name", TYPED)
def test_inspected_with_what_is_documented(name: str, measured: Measured) -> None:
    words = [str(measured(w)) if w.endswith(".mat") else w for w in TYPED[name]]
    done = CliRunner().invoke(command, [str(measured(name)), *words, "--json"])
    assert done.exit_code == 0, done.exception
    found = json.loads(done.output)
    assert tuple(found["shape"].values()) == SHAPES[name]
    assert found["statistics"]["gain"]["median"] > 0
    done = CliRunner().invoke(
        command, [str(measured(name)), *found["reading"]["options"], "--json"]
    )
    same = json.loads(done.output)["statistics"]
    for statistic, said in found["statistics"].items():
        median = pytest.approx(said["median"], rel=1e-4)
        assert same[statistic]["median"] == median, "the options printed say the same"
    docs = Path(__file__).parents[2] / "docs" / "format.md"
    row = next(line for line in docs.read_text().splitlines() if f"`{name}`" in line)
    assert all(word in row for word in TYPED[name])


def test_uwb_int16_is_the_uwb_set(measured: Measured) -> None:
    """Divided by its counts, every realisation is one of the other file, and no other's."""
    path, whole = measured("uwb_cirs_2018_int16.h5"), load(measured("uwb_cirs_2018.h5"))
    data = load(path, conditions=("label",))
    taps, there = data.h[:].reshape(1680, 128), whole.h[:].reshape(8399, 128)
    shape = taps / np.linalg.norm(taps, axis=1, keepdims=True)
    match = np.abs(shape @ there.conj().T / np.linalg.norm(there, axis=1)).argmax(1)
    assert len(set(match.tolist())) == 1680
    np.testing.assert_allclose(taps, there[match], rtol=0, atol=2e-5)  # float32 of up to 46
    np.testing.assert_allclose(data.freq, whole.freq, rtol=1e-9)
    assert isinstance(data.h, FileArray) and set(data.conditions["label"]) == {0, 1, 2}
    said = {"array": "cir", "axes": "n,delay,iq", "tap_spacing": 1e-9}
    np.testing.assert_allclose(load(path, **said, scale="PSC").h[:], data.h[:], atol=1e-5)
    raw = load(path, **said, scale="1")
    with h5py.File(path) as file:
        counts = file["PSC"][:]
    norms = [np.linalg.norm(one.h[:].reshape(1680, 128), axis=1) for one in (raw, data)]
    ratio = norms[0] / norms[1]
    np.testing.assert_allclose(ratio, counts, rtol=1e-4)


def test_wsr_at_its_true_frequencies(measured: Measured) -> None:
    path = measured("wifi_wsr_v73.mat")
    data = load(path, conditions=("los", "tx_set"))
    assert reading(path).layout == "WSR-Toolbox, MATLAB v7.3"
    np.testing.assert_allclose(
        data.freq / 312.5e3, [*range(-28, -1, 2), -1, *range(1, 28, 2), 28], rtol=1e-12
    )
    assert len(np.unique(data.groups["file"])) == 245 and set(data.conditions["los"]) == {0, 1}
    with h5py.File(path) as file:
        stored = file["H"][:, 7:9]
    np.testing.assert_allclose(data.h[7:9, 0, 0, 0], (stored["real"] + 1j * stored["imag"]).T)


def test_cost2100_with_what_lies_beside_it(measured: Measured) -> None:
    path, meta = measured("cost2100_v73.mat"), str(measured("cost2100_meta_v73.mat"))
    with pytest.raises(DataError, match="the spacing of its 1025 subcarriers is not in the file"):
        load(path)
    data = load(path, meta=meta)
    assert data.subcarrier_spacing == 48828.125 and data.meta.carrier_frequency == 2.595e9
    with h5py.File(path) as file:
        impulse = file["h"][:, 0, :, 0]
    impulse = impulse["real"] + 1j * impulse["imag"]  # h = ifft(H), as MATLAB made it
    np.testing.assert_allclose(np.fft.ifft(data.h[0, 0, :, 0], axis=-1), impulse, atol=1e-9)
    with pytest.raises(DataError, match="no complex array"):
        load(meta)
    # one snapshot is one realisation; a frequency at a time it is a thousand narrow-band ones
    narrow = load(path, array="H", axes="tx,rx,n,time")
    assert narrow.shape == (1025, 1, 32, 1, 1)


def test_cdl_has_its_realisations_last(measured: Measured) -> None:
    path = measured("cdl_c_16x64_v5.mat")
    with pytest.raises(DataError, match=r"axis 2, of length 51, is likely .* often last"):
        load(path)
    with pytest.raises(DataError, match="or --axes rx,tx,n without either"):
        load(path)
    data = load(path, axes="rx,tx,n")
    stored = scipy.io.loadmat(path)["hest"]
    np.testing.assert_allclose(data.h[9, :, :, 0, 0], stored[..., 9], rtol=1e-6)


def test_polyu_antennas_apart(measured: Measured) -> None:
    path = measured("wifi_polyu_5300.h5")
    data = load(path, groups=("day",), conditions=("location",), independent_antennas="rx")
    assert data.shape == (34560, 1, 2, 1, 30) and len(np.unique(data.groups["day"])) == 18
