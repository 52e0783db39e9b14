"""A file's arrays by name, whatever kind of file it is."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from chanvae.errors import DataError
from chanvae.io.filearray import FileArray, Part
from chanvae.io.sources import kind_of, open_array, open_source

H = (np.arange(24.0).reshape(4, 3, 2) * (1 + 2j)).astype(np.complex64)


def stored(path: Path, kind: str) -> Path:
    """The same arrays in a file of each kind; its name says nothing."""
    path = path / "a.bin"
    if kind == "HDF5":
        with h5py.File(path, "w") as file:
            file["H"] = H
            file["meta/word"] = "été"
            file["label"] = np.arange(4)
    elif kind == "MATLAB v5":
        with path.open("wb") as file:
            content = {"H": H, "meta": {"word": "été", "deep": {"x": 1.5}}, "label": np.arange(4)}
            scipy.io.savemat(file, content)
    else:
        save = np.savez if kind == "npz" else np.savez_compressed
        with path.open("wb") as file:
            save(file, H=H, **{"meta/word": np.array("été"), "label": np.arange(4)})
    return path


@pytest.mark.parametrize("kind", ["HDF5", "MATLAB v5", "npz", "compressed npz"])
def test_every_kind_gives_the_same_arrays(tmp_path: Path, kind: str) -> None:
    path = stored(tmp_path, kind)
    with open_source(path) as source:
        assert source.kind == kind.removeprefix("compressed ")
        assert source.lazy == (kind in ("HDF5", "npz"))
        array = source.arrays["/H"]
        assert (array.shape, array.ndim, array.size, array.dtype.kind) == (H.shape, 3, 24, "c")
        np.testing.assert_array_equal(array.read(), H)
        np.testing.assert_array_equal(array.read(1, 1, 3), H[:, 1:3])
        assert source.arrays["/label"].column().tolist() == [0, 1, 2, 3]
        word = source.arrays["/meta/word"]
        assert word.dtype.kind == "U" and word.column().tolist() == ["été"]
    with open_array(path, "/H") as array:
        np.testing.assert_array_equal(array.read(2, 1, 2), H[..., 1:])
    lazy = FileArray(str(path), "/H", (2, 4, 3), 2, lambda block: np.moveaxis(block, 2, 0))
    np.testing.assert_array_equal(lazy[[1, 0]], np.moveaxis(H, 2, 0)[::-1])


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_in_either_order_is_mapped(tmp_path: Path, order: str) -> None:
    np.save(tmp_path / "a.npy", np.asarray(H, order=order))
    with open_source(tmp_path / "a.npy") as source:
        assert (source.kind, source.lazy, list(source.arrays)) == ("npy", True, ["/h"])
        np.testing.assert_array_equal(source.arrays["/h"].read(1, 0, 2), H[:, :2])
        assert isinstance(source.arrays["/h"].cut((slice(None),)), np.memmap)


def test_arrays_side_by_side(tmp_path: Path) -> None:
    """Real parts in one file, imaginary parts in another, a scale without n."""
    np.save(tmp_path / "re.npy", H.real)
    np.savez(tmp_path / "im.npz", im=H.imag.T, scale=np.array(2.0))
    lazy = FileArray(
        str(tmp_path / "re.npy"), "/h", H.shape, 0,
        lambda re, im, scale: scale * (re + 1j * im.T),
        beside=(Part(str(tmp_path / "im.npz"), "/im", 2),
                Part(str(tmp_path / "im.npz"), "/scale", None)),
    )  # fmt: skip
    np.testing.assert_array_equal(lazy[::2], 2 * H[::2])
    np.testing.assert_array_equal(lazy.take(np.array([1, 3]))[1], 2 * H[3])


def matlab73(path: Path) -> None:
    """Text, cells and an array of structs, as MATLAB writes them."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")

        def cell(name: str, members: list[np.ndarray], matlab: str) -> None:
            for k, member in enumerate(members):
                refs[f"{name}{k}"] = member
                refs[f"{name}{k}"].attrs["MATLAB_class"] = np.bytes_(matlab)
            file[name] = np.array([[refs[f"{name}{k}"].ref] for k in range(len(members))],
                                  dtype=h5py.ref_dtype)  # fmt: skip

        def char(text: str) -> np.ndarray:
            return np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]

        cell("order", [char("snap"), char("freq")], "char")
        cell("data", [H[k] for k in range(4)], "double")
        cell("odd", [H[0], H[1, :1]], "double")
        cell("count", [np.ones((1, 1)) * k for k in range(3)], "double")
        file["name"] = char("Ω-Straße")
        file["name"].attrs["MATLAB_class"] = np.bytes_("char")
        file["nothing"] = np.zeros(2, np.uint64)
        file["nothing"].attrs["MATLAB_empty"] = 1
    content = bytearray(path.read_bytes())
    content[:19] = b"MATLAB 7.3 MAT-file"
    path.write_bytes(content)


def test_matlab_cells_structs_and_text(tmp_path: Path) -> None:
    matlab73(tmp_path / "a.mat")
    with open_source(tmp_path / "a.mat") as source:
        assert source.kind == "MATLAB v7.3"
        assert set(source.arrays) == {"/order", "/data", "/odd", "/count", "/name"}
        assert source.arrays["/order"].column().tolist() == ["snap", "freq"]
        assert source.arrays["/name"].column().tolist() == ["Ω-Straße"]
        assert source.arrays["/count"].column().tolist() == [0, 1, 2]
        assert source.arrays["/data"].shape == H.shape
        np.testing.assert_array_equal(source.arrays["/data"].read(0, 1, 3), H[1:3])
        np.testing.assert_array_equal(source.arrays["/data"].read(2, 1, 2), H[..., 1:])
        with pytest.raises(DataError, match=r"/odd: its cells differ; the first is complex64"):
            source.arrays["/odd"].read()


def test_objects_are_listed_and_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", h=np.array([{}, []], object), g=np.ones(2))
    with open_source(tmp_path / "a.npz") as source:
        assert source.arrays["/h"].dtype.kind == "O"
        with pytest.raises(DataError, match="holds Python objects"):
            source.arrays["/h"].read()
        assert source.arrays["/g"].column().tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["HDF5", "MATLAB v5", "npz", "compressed npz", "npy"])
def test_truncated_or_damaged_is_one_line(tmp_path: Path, kind: str) -> None:
    if kind == "npy":
        np.save(tmp_path / "a.npy", H)
        whole = (tmp_path / "a.npy").read_bytes()
    else:
        whole = stored(tmp_path, kind).read_bytes()
    for size in (20, len(whole) // 3, len(whole) - 40):
        (tmp_path / "cut").write_bytes(whole[:size])
        said = "cut: is (damaged|truncated|not an HDF5)"
        with (
            pytest.raises(DataError, match=said) as caught,
            open_source(tmp_path / "cut") as source,
        ):
            for array in source.arrays.values():
                array.read()
        assert "\n" not in str(caught.value)


def test_a_header_that_declares_more_than_is_there(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", h=np.ones(4))
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        content = archive.read("h.npy").replace(b"(4,)", b"(4000000000000,)")
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("h.npy", content)
    with pytest.raises(DataError, match="is damaged"), open_source(tmp_path / "b.npz"):
        pass


def test_kind_by_content(tmp_path: Path, measured: Callable[[str], Path]) -> None:
    with pytest.raises(DataError, match="no such file"):
        kind_of(tmp_path / "no.mat")
    for name, kind in (
        ("cost2100_v73.mat", "MATLAB v7.3"),
        ("cdl_c_16x64_v5.mat", "MATLAB v5"),
        ("wifi_wsr_v73.mat", "HDF5"),
    ):
        assert kind_of(measured(name)) == kind


def test_cost2100_meta(measured: Callable[[str], Path]) -> None:
    with open_source(measured("cost2100_meta_v73.mat")) as source:
        assert source.arrays["/axes_info/order"].column().tolist() == ["snap", "freq", "rx", "tx"]
        assert source.arrays["/meta/Network"].column().tolist() == ["SemiUrban_VLA_2_6GHz"]
        assert source.arrays["/meta/delta_f"].column().tolist() == [48828.125]
        assert {"/meta", "/axes_info"} <= source.groups
