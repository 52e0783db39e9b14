"""Somebody else's HDF5 file: read as it is, asked about where it is silent, never guessed."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.io.read import check, load, reading, require_enough

Foreign = Callable[..., Path]


def channels(*shape: int) -> np.ndarray:
    values = np.random.default_rng(0).standard_normal((*shape, 2), np.float32)
    return values.view(np.complex64)[..., 0]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_axis_order(data: st.DataObject) -> None:
    """A foreign file with its axes in any order, in delay or frequency, reads as the same set."""
    domain = data.draw(st.sampled_from(["delay", "freq", None]))
    present = data.draw(st.sets(st.sampled_from(["rx", "tx", "time"])))
    order = data.draw(st.permutations(["n", *sorted(present), *([domain] if domain else [])]))
    size = {"n": 6, "rx": 2, "tx": 3, "time": 4, "freq": 5, "delay": 5}
    dtype = data.draw(st.sampled_from([np.complex64, np.complex128, "re im", "real imag"]))
    h = channels(6, *(size[k] if k in present else 1 for k in ("rx", "tx", "time")), 5)
    h = h if domain else h[..., :1]
    stored = h
    if domain == "delay":
        stored = np.fft.ifft(np.fft.ifftshift(h, axes=-1), norm="ortho")
    names = ["n", "rx", "tx", "time", domain]
    gone = tuple(k for k, name in enumerate(names) if name not in order)
    kept = [name for name in names if name in order]
    stored = stored.squeeze(gone).transpose([kept.index(name) for name in order])
    if isinstance(dtype, str):
        parts = np.empty(stored.shape, [(k, "<f8") for k in dtype.split()])
        parts[dtype.split()[0]], parts[dtype.split()[1]] = stored.real, stored.imag
        stored = parts
    else:
        stored = stored.astype(dtype)
    grid = {"delay": {"tap_spacing": 1e-8}, "freq": {"subcarrier_spacing": 2e7}, None: {}}[domain]
    kind = data.draw(st.sampled_from(["h5", "npz", "npy", "mat"]))
    kind = "h5" if isinstance(dtype, str) else kind
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{kind}")
        if kind == "h5":
            with h5py.File(path, "w") as file:
                file["H"] = stored
        elif kind == "mat":  # MATLAB has no array of one axis
            order = order if len(order) > 1 else ["1", *order]
            scipy.io.savemat(path, {"H": stored})
        else:
            np.save(path, stored) if kind == "npy" else np.savez(path, H=stored)
        times = {"time_spacing": 1e-3} if "time" in present else {}
        back = load(path, axes=",".join(order), **grid, **times)
        assert back.h.shape == h.shape and back.h[:].dtype == np.complex64
        np.testing.assert_allclose(back.h[:], h, atol=1e-5)
        index = data.draw(st.lists(st.integers(-6, 5), max_size=8).map(np.int64))
        np.testing.assert_allclose(back.h[index], h[index], atol=1e-5)
    if domain:
        np.testing.assert_allclose(back.freq, (np.arange(5) - 2) * 2e7)
    assert len(back.time) == h.shape[3]


def test_the_file_says_it_all(foreign: Foreign) -> None:
    path = foreign(
        {
            "axes": "realisation,delay",
            "tap_s": 1e-9,
            "carrier_hz": 4e9,
            "bandwidth_hz": 5e8,
            "licence": "CC BY 4.0",
            "source": "somewhere",
        },
        H=channels(70, 16),
        file_id=np.arange(70) // 10,
        label=np.arange(70) % 2,
        name=np.array(["a", "b"] * 35, object),
        rssi=np.zeros((70, 3)),
    )
    how, data = reading(path), load(path)
    assert (how.array, how.axes, how.domain, how.spacing) == ("/H", ("n", "delay"), "delay", 1e-9)
    assert how.stated_bandwidth == 5e8 and data.bandwidth == pytest.approx(1e9)
    assert how.shape == data.shape == (70, 1, 1, 1, 16)
    assert {la.name: la.role for la in how.labels} == {"file_id": "group", "label": "", "name": ""}
    assert list(data.groups) == ["file_id"] and not data.conditions
    assert data.meta.carrier_frequency == 4e9
    known = data.meta.provenance
    assert (known["licence"], known["source"]) == ("CC BY 4.0", "somewhere")
    assert known["file"] == "meas.h5" and known["sha256_of"] == "the whole file"
    assert len(known["sha256"]) == 64
    assert any(s.startswith("file_id says") and "--group random" in s for s in how.assumptions)
    assert " ".join(how.options) == (
        "--array H --axes n,delay --tap-spacing 1ns --carrier 4GHz --group file_id"
    )


def test_delay_convention(foreign: Foreign) -> None:
    """A single tap at delay 3 is a phase that turns by -2 pi f tau, with the energy kept."""
    taps = np.zeros((1, 8), np.complex64)
    taps[0, 3] = 2
    path = foreign(H=np.repeat(taps, 64, 0))
    data = load(path, axes="n,delay", tap_spacing=1e-6)
    np.testing.assert_allclose(data.freq, np.fft.fftshift(np.fft.fftfreq(8, 1e-6)))
    expected = 2 / np.sqrt(8) * np.exp(-2j * np.pi * data.freq * 3e-6)
    np.testing.assert_allclose(data.h[5, 0, 0, 0], expected, atol=1e-6)


def test_grid_with_gaps_keeps_its_frequencies(foreign: Foreign) -> None:
    h = channels(64, 4)
    says = {"axes": "sample,frequency", "subcarrier_spacing_hz": 1e3}
    data = load(foreign({**says, "subcarrier_index": [-2, -1, 1, 2]}, H=h))
    np.testing.assert_array_equal(data.freq, [-2e3, -1e3, 1e3, 2e3])
    shuffled = load(foreign({**says, "subcarrier_index": [1, 2, -2, -1]}, H=h))
    np.testing.assert_array_equal(shuffled.freq, data.freq)
    np.testing.assert_array_equal(shuffled.h[:, 0, 0, 0], h[:, [2, 3, 0, 1]])


def test_options_go_before_attributes(foreign: Foreign) -> None:
    says = {"axes": "realisation,delay", "tap_s": 1e-9, "carrier_hz": 4e9}
    path = foreign(says, H=channels(64, 8))
    data = load(path, axes=("n", "freq"), subcarrier_spacing=15e3, carrier=1e9)
    np.testing.assert_allclose(data.freq, (np.arange(8) - 4) * 15e3)
    assert data.meta.carrier_frequency == 1e9


def test_bandwidth_in_place_of_a_spacing(foreign: Foreign) -> None:
    path = foreign(H=channels(64, 8))
    assert load(path, axes="n,freq", bandwidth=8e6).subcarrier_spacing == pytest.approx(1e6)
    assert load(path, axes="n,delay", bandwidth=8e6).subcarrier_spacing == pytest.approx(1e6)
    with pytest.raises(DataError, match=r"--bandwidth 8 MHz means .* 1 MHz, and it is 2 MHz"):
        load(path, axes="n,freq", bandwidth=8e6, subcarrier_spacing=2e6)


def test_labels_and_groups(foreign: Foreign) -> None:
    path = foreign(
        {"axes": "n"},
        H=channels(64),
        session=np.arange(64) // 8,
        trajectory=np.arange(64) // 4,
        los=np.arange(64.0)[None] % 2,
        place=np.array(["hall"] * 64, object),
        objects=np.zeros(64, [("a", "f4")]),
    )
    assert not load(path).groups
    assert any("session" in s and "trajectory" in s for s in reading(path).assumptions)
    data = load(path, groups=("trajectory",), conditions=("los", "place"))
    assert list(data.groups) == ["trajectory"]
    assert data.conditions["los"].shape == (64,) and set(data.conditions["place"]) == {"hall"}
    assert data.condition_units == {"los": "1", "place": "1"}
    with pytest.raises(DataError, match="--group room: no such label; it has: los, place"):
        load(path, groups=("room",))
    with pytest.raises(DataError, match="--condition objects: no such label"):
        load(path, conditions=("objects",))


def test_group_random_takes_none(foreign: Foreign) -> None:
    path = foreign({"axes": "n"}, H=channels(64), file_id=np.arange(64))
    assert list(load(path).groups) == ["file_id"]
    assert not load(path, groups=("random",)).groups


def test_units_of_a_label(foreign: Foreign) -> None:
    path = foreign({"axes": "n"}, H=channels(64), spread=np.full(64, 80.0))
    with h5py.File(path, "a") as file:
        file["spread"].attrs["unit"] = "ns"
    data = load(path, conditions=("spread",))
    assert data.condition_units["spread"] == "s"
    np.testing.assert_allclose(data.conditions["spread"], 80e-9)


def test_arrays_are_assumed_and_said(foreign: Foreign) -> None:
    path = foreign(H=channels(64, 4, 8))
    said = {"axes": "n,rx,freq", "subcarrier_spacing": 1e3}
    data = load(path, **said)
    assert data.rx_array == ArrayGeometry.line(4, assumed=True)
    assert any(
        "4 rx antennas" in s and "--rx-array" in s for s in reading(path, **said).assumptions
    )
    assert load(path, **said, rx_array="2x2").rx_array == ArrayGeometry(rows=2, columns=2)
    with pytest.raises(DataError, match="--rx-array 1x3 has 3 antennas; the data has 4"):
        load(path, **said, rx_array="1x3")


def test_own_format_through_load(dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write(dataset, path)
    how, data = reading(path), load(path)
    assert how.layout == "chanvae format, version 1" and how.assumptions == ()
    np.testing.assert_array_equal(data.h[:], dataset.h)
    assert data.meta.provenance["licence"] == "MIT" and "sha256" in data.meta.provenance
    assert load(path, carrier=1e9, rx_array="2x1").rx_array.rows == 2
    assert list(load(path, groups=("location",)).groups) == ["location", "day"]
    assert not load(path, groups=("random",)).groups
    with pytest.raises(DataError, match="in chanvae's format, which says it; leave --axes out"):
        load(path, axes="n,freq")
    with pytest.raises(DataError, match="no label 'room'; it has: delay_spread, location"):
        load(path, conditions=("room",))
    with pytest.raises(DataError, match="a.h5: rx_array has shape"):
        load(path, rx_array="1x3")


def test_invalid_realisations_are_counted_or_dropped(foreign: Foreign) -> None:
    h, known = channels(100, 8), {"axes": "n,delay", "tap_spacing": 1e-9}
    h[[7, 9], 3] = np.nan
    h[11, 0] = np.inf
    h[20] = 0
    path = foreign(H=h, file=np.arange(100))
    with pytest.raises(
        DataError, match=r"3 of 100 realisations: NaN or .* number 7, from 0\); --drop"
    ):
        load(path, **known)
    data = load(path, **known, drop_invalid=True)
    keep = np.setdiff1d(np.arange(100), [7, 9, 11, 20])
    np.testing.assert_array_equal(data.groups["file"], keep)
    np.testing.assert_array_equal(data.h[5:12], load(foreign(H=h[keep]), **known).h[5:12])
    dropped = {"NaN or infinity in /h": 3, "only zeros in /h": 1}
    assert data.meta.provenance["dropped_realisations"] == dropped


def test_check_in_memory(dataset) -> None:
    assert check(dataset) is dataset
    dataset.h[3] = 0
    with pytest.raises(DataError, match="h: 1 of 100 realisations: only zeros"):
        check(dataset)
    assert len(check(dataset, drop_invalid=True)) == 99
    dataset.h[:] = np.nan
    with pytest.raises(DataError, match="no usable realisation"):
        check(dataset, drop_invalid=True)


def test_labels_used_must_be_finite(foreign: Foreign) -> None:
    path = foreign({"axes": "n"}, H=channels(64), spread=np.r_[np.nan, np.ones(63)])
    assert len(load(path)) == 64
    with pytest.raises(
        DataError, match="1 of 64 realisations: NaN or infinity in condition spread"
    ):
        load(path, conditions=("spread",))
    assert len(load(path, conditions=("spread",), drop_invalid=True)) == 63


def test_beyond_float32(foreign: Foreign) -> None:
    path = foreign({"axes": "n"}, H=np.r_[np.ones(63), 1e300].astype(complex))
    with pytest.raises(DataError, match=r"/H: holds 1e\+300, beyond float32's range .* --scale"):
        load(path)
    path = foreign({"axes": "n"}, H=np.full(64, 1e300 + 1e300j))
    assert load(path, scale="1e-300").h[63].item() == pytest.approx(1 + 1j)


def test_too_few_to_fit(dataset) -> None:
    require_enough(dataset)
    with pytest.raises(DataError, match="63 realisations; fitting needs at least 64"):
        require_enough(dataset[:63])


def test_unknown_option_is_a_programming_error(foreign: Foreign) -> None:
    with pytest.raises(TypeError, match="unknown reading options: axis"):
        reading(foreign(H=channels(64)), axis="n")


def test_uwb_is_read_without_options(measured: Callable[[str], Path]) -> None:
    path = measured("uwb_cirs_2018.h5")
    data, how = load(path), reading(path)
    assert data.shape == (8399, 1, 1, 1, 128) and how.domain == "delay"
    assert data.bandwidth == pytest.approx(998.4e6) and how.stated_bandwidth == 499.2e6
    assert data.meta.carrier_frequency == 3.9936e9
    assert data.meta.provenance["licence"] == "CC BY 4.0"
    assert len(np.unique(data.groups["file_id"])) == 28
    with h5py.File(path) as file:
        taps = file["H"][100:110]
    back = np.fft.ifft(np.fft.ifftshift(data.h[100:110], axes=-1), norm="ortho")[:, 0, 0, 0]
    np.testing.assert_allclose(back, taps, atol=1e-5 * np.abs(taps).max())


def test_wifi_is_read_without_options(measured: Callable[[str], Path]) -> None:
    data = load(measured("wifi_polyu_5300.h5"), groups=("day",), conditions=("location",))
    assert data.shape == (11520, 3, 2, 1, 30)
    assert data.freq[0] == -58 * 312.5e3 and data.freq[15] - data.freq[14] == 4 * 312.5e3
    assert data.rx_array.assumed and data.meta.provenance["licence"] == "MIT"
    assert len(np.unique(data.groups["day"])) == 18


def test_matlab_is_read_with_options(measured: Callable[[str], Path]) -> None:
    data = load(measured("wifi_wsr_v73.mat"), axes="freq,n", bandwidth=20e6, conditions=("los",))
    assert data.shape == (41160, 1, 1, 1, 30) and list(data.groups) == ["file"]
