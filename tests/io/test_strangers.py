"""A stranger's file runs nothing, reads nothing else, and takes no more than its size explains."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import chanvae
from chanvae.errors import DataError
from chanvae.io import touch
from chanvae.io.hdf5 import write
from chanvae.io.layoutfile import load_layout


def test_filters_that_are_plugins(dataset, tmp_path: Path, monkeypatch):
    """A built-in one stands for a plugin, of which there is none here."""
    write(dataset, tmp_path / "a.h5", compression="gzip")
    assert touch.wrong(str(tmp_path / "a.h5"), lambda: None) == ""
    monkeypatch.setattr(touch, "_BUILT_IN", touch._BUILT_IN - {h5py.h5z.FILTER_DEFLATE})
    said = touch.wrong(str(tmp_path / "a.h5"), lambda: None)
    assert said.startswith("/h is packed by filter 1 of HDF5, which is a plugin; unpack")
    assert touch.wrong(str(tmp_path / "a.h5"), lambda: None, trusted=True) == ""


def test_links_are_followed_if_the_file_is_trusted(dataset, tmp_path: Path):
    write(dataset, tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["h"] = h5py.ExternalLink("a.h5", "/h")
        file["freq"] = dataset.freq
    said = {"array": "h", "axes": "n,rx,tx,time,freq", "subcarrier_spacing": 1e6}
    said |= {"rx_array": "1x2", "tx_array": "1x4"}
    with pytest.raises(DataError, match="lies in another file"):
        chanvae.load(tmp_path / "b.h5", **said)


def test_an_archive_that_unpacks_to_much_more(tmp_path: Path):
    packed = io.BytesIO()
    np.lib.format.write_array(packed, np.zeros(12 << 20), allow_pickle=False)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("h.npy", packed.getvalue())
    assert (tmp_path / "a.npz").stat().st_size < 1 << 18
    with pytest.raises(DataError, match="needs 100663296 bytes; .* packed in"):
        chanvae.load(tmp_path / "a.npz", axes="n")


def test_text_that_is_gigabytes_long(dataset, tmp_path: Path):
    """HDF5 makes room for as much as a text is said to be long before it finds out."""
    path = tmp_path / "a.h5"
    write(dataset, path)
    content = bytearray(path.read_bytes())
    where = content.index(content.index(b"GCOL").to_bytes(8, "little"))  # after a text's length
    content[where - 4 : where] = b"\xff" * 4
    path.write_bytes(content)
    with pytest.raises(DataError, match="declares more than memory holds; it is damaged"):
        chanvae.load(path)


def test_text_that_is_nested_without_end(dataset, tmp_path: Path):
    write(dataset, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.attrs.create("provenance", "[" * 60_000, dtype=h5py.string_dtype())
    with pytest.raises(DataError, match="provenance is not JSON"):
        chanvae.load(tmp_path / "a.h5")
    (tmp_path / "a.yaml").write_text("[" * 100_000)
    with pytest.raises(DataError, match="is no YAML"):
        load_layout(str(tmp_path / "a.yaml"))
    with pytest.raises(DataError, match=r"a.yaml"):
        chanvae.configure(str(tmp_path / "a.yaml"))


def test_a_configuration_reads_no_secrets(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SECRET", "xyzzy")
    (tmp_path / "a.yaml").write_text("data: {group: '${oc.env:SECRET}'}")
    assert "xyzzy" not in chanvae.configure(str(tmp_path / "a.yaml")).model_dump_json()
