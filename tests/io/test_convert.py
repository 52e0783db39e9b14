"""Every format that is written is read back as it was, and is what its program takes."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from click.testing import CliRunner

import chanvae
from chanvae.channels import ChannelDataset
from chanvae.cli.convert import command
from chanvae.errors import DataError
from chanvae.io.convert import save
from chanvae.io.export.taps import Taps
from chanvae.io.filearray import FileArray
from chanvae.io.hdf5 import write
from tests.io.conftest import channels

FORMATS = [("a.h5", "own"), ("a.mat", "mat"), ("a.h5", "sionna"), ("a.npz", "npz")]


def same(read: ChannelDataset, wrote: ChannelDataset) -> None:
    """Channels to 1e-6 of the largest, all else to the last digit."""
    error = np.abs(np.asarray(read.h[:]) - np.asarray(wrote.h[:])).max()
    assert error <= 1e-6 * np.abs(wrote.h[:]).max()
    for name in ("freq", "time"):
        np.testing.assert_array_equal(getattr(read, name), getattr(wrote, name))
    for room in ("conditions", "groups"):
        have, want = getattr(read, room), getattr(wrote, room)
        assert set(have) == set(want)
        for name in want:
            np.testing.assert_array_equal(have[name], want[name])
    assert dict(read.condition_units) == {
        k: wrote.condition_units.get(k, "1") for k in wrote.conditions
    }
    assert (read.rx_array, read.tx_array) == (wrote.rx_array, wrote.tx_array)
    np.testing.assert_equal(read.meta.carrier_frequency, wrote.meta.carrier_frequency)
    np.testing.assert_equal(read.meta.noise_floor, wrote.meta.noise_floor)
    assert read.meta.normalization == wrote.meta.normalization
    assert read.meta.delay_spread_definition == wrote.meta.delay_spread_definition
    assert read.meta.provenance["licence"] == wrote.meta.provenance["licence"]


@pytest.mark.parametrize(("name", "to"), FORMATS)
@pytest.mark.parametrize("compress", [True, False])
def test_round_trip(dataset, tmp_path: Path, name: str, to: str, compress: bool) -> None:
    dataset = replace(dataset, conditions={**dataset.conditions, "2-way (dB)": np.arange(100.0)})
    save(dataset, tmp_path / name, to, compress=compress)
    read = chanvae.load(tmp_path / name)
    assert isinstance(read.h, FileArray)
    same(read, dataset)
    rows = np.array([7, 3, 3, 99])
    np.testing.assert_allclose(read.h[rows], dataset.h[rows], atol=1e-6 * abs(dataset.h).max())


@pytest.mark.parametrize(("name", "to"), FORMATS)
@pytest.mark.parametrize("shape", [(64, 1, 1, 1, 1), (1, 1, 1, 1, 5), (70, 2, 1, 3, 7)])
def test_axes_of_length_one(tmp_path: Path, name: str, to: str, shape: tuple) -> None:
    n, rx, tx, time, freq = shape
    wrote = ChannelDataset(
        h=channels(*shape),
        freq=1e6 + np.arange(freq) * 15e3,
        time=np.arange(time) * 1e-3,
        rx_array=chanvae.channels.ArrayGeometry.line(rx),
        meta=chanvae.channels.Meta(1e9, provenance={"licence": "MIT"}),
    )
    save(wrote, tmp_path / name, to)
    same(chanvae.load(tmp_path / name), wrote)


@pytest.mark.parametrize(("name", "to"), FORMATS)
def test_in_bounded_memory(tmp_path: Path, monkeypatch, name: str, to: str) -> None:
    """A set in a file is never asked for more than a batch."""
    from chanvae.io.export import streamed

    write(ChannelDataset(h=channels(500, 1, 1, 1, 16), freq=np.arange(16.0)), tmp_path / "in.h5")
    asked, read = [], FileArray.__getitem__
    monkeypatch.setattr(streamed, "BATCH", 100 * 16 * 8)
    monkeypatch.setattr("chanvae.io.hdf5._BATCH", 100 * 16 * 8)
    dataset = chanvae.load(tmp_path / "in.h5")

    def counted(self: FileArray, index: object) -> np.ndarray:
        found = read(self, index)
        asked.append(len(found))
        return found

    monkeypatch.setattr(FileArray, "__getitem__", counted)
    told: list[tuple[int, int]] = []
    save(dataset, tmp_path / f"out{name[1:]}", to, progress=lambda *at: told.append(at))
    assert asked == [100] * 5
    assert told == [(k, 500) for k in range(100, 501, 100)]


def test_what_matlab_reads(dataset, tmp_path: Path) -> None:
    """MATLAB's conventions: user block, classes, {real, imag}, axes reversed, chars in UTF-16."""
    save(dataset, tmp_path / "a.mat")
    head = (tmp_path / "a.mat").read_bytes()[:520]
    assert head.startswith(b"MATLAB 7.3 MAT-file, ") and head[124:128] == b"\0\2IM"
    assert head[116:124] == bytes(8) and head[512:520] == b"\x89HDF\r\n\x1a\n"
    with pytest.raises(NotImplementedError, match="HDF reader"):
        scipy.io.loadmat(tmp_path / "a.mat")  # it knows it for v7.3
    with h5py.File(tmp_path / "a.mat") as file:
        assert file.userblock_size == 512
        assert file["h"].shape == (8, 1, 4, 2, 100) and file["h"].dtype.names == ("real", "imag")
        assert file["h"].attrs["MATLAB_class"] == b"single"
        h = file["h"]["real"] + 1j * file["h"]["imag"]
        np.testing.assert_array_equal(h.transpose(), dataset.h)
        assert file["freq"].shape == (1, 8)  # 8 x 1 in MATLAB
        rooms = {name: file[name].attrs for name in ("conditions", "groups", "meta")}
        assert all(said["MATLAB_class"] == b"struct" for said in rooms.values())
        fields = [b"".join(word).decode() for word in rooms["conditions"]["MATLAB_fields"]]
        assert fields == ["delay_spread", "location", "los"] == list(file["conditions"])
        assert file["conditions/los"].attrs["MATLAB_class"] == b"int8"
        location = file["conditions/location"]
        assert location.attrs["MATLAB_class"] == b"char" and location.dtype == np.uint16
        assert location.attrs["MATLAB_int_decode"] == 2 and location.shape == (4, 100)
        rows = ["".join(map(chr, row)).rstrip() for row in location[()].T]
        assert rows == dataset.conditions["location"].tolist()


def test_matlab_names(tmp_path: Path) -> None:
    """What MATLAB would refuse is renamed, each name once, and read back as it was."""
    names = ["a b", "a-b", "1", "ü", "x" * 70, "x" * 64 + "y"]
    wrote = ChannelDataset(
        h=channels(64, 1, 1, 1, 2),
        freq=np.arange(2.0),
        conditions={name: np.arange(64) + k for k, name in enumerate(names)},
    )
    save(wrote, tmp_path / "a.mat")
    with h5py.File(tmp_path / "a.mat") as file:
        fields = list(file["conditions"])
    assert len(fields) == len(names)
    assert all(f.isidentifier() and f.isascii() and f[0].isalpha() for f in fields)
    assert max(map(len, fields)) <= 63
    read = chanvae.load(tmp_path / "a.mat")
    for name in names:
        np.testing.assert_array_equal(read.conditions[name], wrote.conditions[name])


def test_what_sionna_computes_from_a_and_tau(dataset, tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):  # importing Sionna seeds the global generator
        from sionna.phy.channel import cir_to_ofdm_channel, subcarrier_frequencies

    save(dataset, tmp_path / "a.h5", "sionna")
    with h5py.File(tmp_path / "a.h5") as file:
        a, tau = torch.as_tensor(file["a"][()]), torch.as_tensor(file["tau"][()])
    assert a.shape == (100, 1, 2, 1, 4, 8, 1) and tau.shape == (100, 1, 1, 8)
    freq = subcarrier_frequencies(8, 30e3, precision="double").cpu()
    np.testing.assert_allclose(freq, dataset.freq)
    h = cir_to_ofdm_channel(freq, a.to(torch.complex128), tau, normalize=False)
    h = h[:, 0, :, 0].numpy()
    np.testing.assert_allclose(h, dataset.h, atol=1e-6 * abs(dataset.h).max())


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_taps_are_a_sum_of_paths(size: int) -> None:
    freq, h = 2.4e6 + np.arange(size) * 312.5e3, channels(5, size)
    taps = Taps(freq)
    a = taps.amplitudes(h)
    direct = a @ np.exp(-2j * np.pi * np.outer(taps.delay, freq))
    np.testing.assert_allclose(direct, h, atol=2e-6)
    np.testing.assert_allclose(taps.channels(a), h, atol=1e-6)


def test_numpy_loads_it_without_pickle(dataset, tmp_path: Path) -> None:
    save(dataset, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["h"], dataset.h)
        np.testing.assert_array_equal(file["conditions/location"], dataset.conditions["location"])
        assert file["carrier_frequency"] == 3.5e9


def test_own_is_gzip_and_shuffled(dataset, tmp_path: Path) -> None:
    save(dataset, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file["h"].compression, file["h"].shuffle) == ("gzip", True)


def test_an_uneven_grid_has_no_paths(dataset, tmp_path: Path) -> None:
    uneven = replace(dataset, freq=np.array([0, 1, 2, 3, 5, 6, 7, 8.0]))
    with pytest.raises(DataError, match="not evenly spaced; paths need an even grid"):
        save(uneven, tmp_path / "a.h5", "sionna")
    assert not any(tmp_path.iterdir())
    save(uneven, tmp_path / "a.mat")
    same(chanvae.load(tmp_path / "a.mat"), uneven)


@pytest.mark.parametrize(
    ("name", "to", "said"),
    [
        ("a.txt", None, r"a.txt: its ending means no format; end it with .h5, .hdf5, .mat, .npz"),
        ("a.txt", "csv", "'csv' is not a format; the formats are own, mat, sionna, npz"),
        ("none/a.mat", None, "does not exist; make it first"),
    ],
)
def test_targets_that_cannot_be(dataset, tmp_path: Path, name: str, to: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        save(dataset, tmp_path / name, to)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "to"), FORMATS)
def test_a_failure_leaves_what_was_there(dataset, tmp_path: Path, name: str, to: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(DataError, match="exists; add --overwrite"):
        save(dataset, tmp_path / name, to)

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(dataset, tmp_path / name, to, overwrite=True, progress=stop)
    assert (tmp_path / name).read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_two_labels_of_one_name(tmp_path: Path) -> None:
    wrote = ChannelDataset(
        h=channels(64, 1, 1, 1, 2), freq=np.arange(2.0), groups={"a/b": np.arange(64)}
    )
    save(wrote, tmp_path / "a.h5")
    assert list(chanvae.load(tmp_path / "a.h5").groups) == ["a_b"]
    both = replace(wrote, groups={"a/b": np.arange(64), "a_b": np.arange(64)})
    with pytest.raises(DataError, match="are one name"):
        save(both, tmp_path / "b.h5")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f["tau"].__setitem__(0, 1e-3), "no longer one a delay bin"),
        (lambda f: f.attrs.__setitem__("schema_version", 2), "upgrade chanvae"),
        (lambda f: f.__delitem__("time"), "/time: is missing"),
        (lambda f: f["freq"].__setitem__(0, np.nan), "/freq: holds NaN"),
        (lambda f: (f.__delitem__("a"), f.__setitem__("a", np.ones((2, 3)))), "/a: is float64"),
    ],
)
def test_an_export_that_was_changed(dataset, tmp_path: Path, change, said: str) -> None:
    save(dataset, tmp_path / "a.h5", "sionna")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        change(file)
    with pytest.raises(DataError, match=said) as caught:
        chanvae.load(tmp_path / "a.h5")
    assert "\n" not in str(caught.value)


def test_on_the_command_line(tmp_path: Path) -> None:
    """Reading options apply; labels go along where they are asked for."""
    h = channels(80, 3, 16)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["csi"], file["los"], file["file_id"] = h, np.arange(80) % 2, np.arange(80) // 8
    options = ["--axes", "n,rx,freq", "--subcarrier-spacing", "15kHz", "--condition", "los"]
    for name, to in (("m.mat", []), ("m.npz", []), ("s.h5", ["--to", "sionna"])):
        words = [str(tmp_path / "m.h5"), "-o", str(tmp_path / name), *options, *to, "--json"]
        done = CliRunner().invoke(command, words, catch_exceptions=False)
        said = json.loads(done.stdout)
        assert said["realisations"] == 80 and said["path"].endswith(name)
        assert (said["conditions"], said["groups"]) == (["los"], ["file_id"])
        read = chanvae.load(tmp_path / name)
        np.testing.assert_allclose(read.h[:, :, 0, 0], h, atol=1e-6 * abs(h).max())
        np.testing.assert_array_equal(read.conditions["los"], np.arange(80) % 2)
    done = CliRunner().invoke(command, [*words[:3], *options])
    assert isinstance(done.exception, DataError) and "exists" in str(done.exception)


def test_several_files_become_one(dataset, tmp_path: Path) -> None:
    for k in range(2):
        write(dataset, tmp_path / f"day{k}.h5")
    words = [str(tmp_path / "day*.h5"), "-o", str(tmp_path / "all.mat")]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert "200 channels" in done.output and "labels: delay_spread" in done.output
    read = chanvae.load(tmp_path / "all.mat")
    np.testing.assert_array_equal(read.h[:], np.concatenate([dataset.h, dataset.h]))
    assert set(read.groups["file"]) == {"day0.h5", "day1.h5"}


def test_labels_that_are_left_out_are_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["csi"], file["los"] = channels(80, 16), np.arange(80) % 2
        file.attrs.update(axes="n,freq", subcarrier_spacing_hz=15e3)
    words = [str(tmp_path / "m.h5"), "-o", str(tmp_path / "a.h5")]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert "left out: los; --condition los takes one along" in done.output


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uwb_cirs_2018.h5", {"axes": "n,delay", "tap_spacing": 1.0016e-9}),
        ("wifi_polyu_5300.h5", {}),
    ],
)
def test_measured_files(measured, tmp_path: Path, name: str, options: dict) -> None:
    source = chanvae.load(measured(name), **options)
    for file, to in FORMATS:
        uneven = len(source.freq) > 1 and np.ptp(np.diff(source.freq)) > 1
        if to != "sionna" or not uneven:
            chanvae.convert(measured(name), tmp_path / file, to, overwrite=True, **options)
            same(chanvae.load(tmp_path / file), source)
