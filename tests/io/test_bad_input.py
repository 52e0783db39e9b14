"""Files that cannot be used: one line that says what, where and how to mend it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.errors import DataError
from chanvae.io.hdf5 import read, write
from chanvae.io.read import load

Foreign = Callable[..., Path]
H = (np.arange(1, 1 + 64 * 8) * (1 + 1j)).reshape(64, 8).astype(np.complex64)


def refusal(path: Path, **options: object) -> str:
    """What load says, checked to be one line about the file."""
    with pytest.raises(DataError) as caught:
        load(path, **options)
    said = str(caught.value)
    assert "\n" not in said and said.startswith(str(path))
    return said.removeprefix(str(path)).lstrip(": ")


def test_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no.h5") == "no such file; check the name"


def test_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "is a folder; name a file in it"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (0 bytes)"),
        (b"delay,power\n1,2\n", "is not an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(1000), "is not an HDF5 file"),
        (b"MATLAB 5.0 MAT-file" + bytes(500), "is "),
        (b"\x89HDF\r\n\x1a\n" + bytes(1000), "is damaged"),
    ],
)
def test_not_hdf5(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.h5").write_bytes(content)
    assert refusal(tmp_path / "a.h5").startswith(said)


def test_truncated_anywhere(dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "a.h5")
    content = (tmp_path / "a.h5").read_bytes()
    for size in (*range(1, 600, 37), *range(600, len(content), 1999), len(content) // 2):
        (tmp_path / "b.h5").write_bytes(content[:size])
        assert refusal(tmp_path / "b.h5").startswith(("is truncated", "is not an", "is damaged"))


def test_truncated_measured_file(measured: Callable[[str], Path], tmp_path: Path) -> None:
    content = measured("uwb_cirs_2018.h5").read_bytes()
    (tmp_path / "b.h5").write_bytes(content[: len(content) // 2])
    assert refusal(tmp_path / "b.h5").startswith("is truncated")


def test_damaged_chunk(dataset, tmp_path: Path) -> None:
    """The header is sound and the data is not: found when it is read."""
    path = tmp_path / "a.h5"
    write(dataset, path, compression="gzip")
    with h5py.File(path) as file:
        chunk = file["h"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    path.write_bytes(content)
    assert refusal(path).startswith("is damaged and cannot be read; copy it again")


def test_no_complex_array(foreign: Foreign) -> None:
    assert refusal(foreign()).startswith("no complex array; it holds no arrays: store")
    said = refusal(foreign(a=np.zeros(3), b=np.zeros((64, 3)), c=np.zeros((64, 3))))
    assert said.startswith("no complex array; it holds /a float64 (3,), /b float64 (64, 3), /c")


def test_power_delay_profile_has_no_phase(foreign: Foreign) -> None:
    for said in (refusal(foreign(pdp=abs(H))), refusal(foreign(pdp=abs(H)), array="pdp")):
        assert "/pdp float32 (64, 8) is real, and a channel needs its phase" in said
    said = refusal(foreign(cir=np.zeros((64, 8, 2), np.int16)))
    assert "looks like real and imaginary parts on its last axis" in said


def test_two_candidates(foreign: Foreign) -> None:
    path = foreign(A=H, B=H, pilots=H[0])
    said = refusal(path)
    assert said.startswith("has 2 complex arrays, /A complex64 (64, 8), /B complex64 (64, 8)")
    assert said.endswith("say which with --array A or --array B")
    assert load(path, array="B", axes="n,delay", tap_spacing=1e-9).shape == (64, 1, 1, 1, 8)


def test_array_asked_for(foreign: Foreign) -> None:
    path = foreign(H=H)
    with h5py.File(path, "a") as file:
        file.create_group("H2/inner")
        file["refs"] = np.array([file["H"].ref] * 3, dtype=h5py.ref_dtype)
        file["words"] = np.array(["a", "b"], object)
    assert "/no is not in the file; it has /H complex64 (64, 8)" in refusal(path, array="no")
    assert "/H2 is a group, not an array" in refusal(path, array="H2")
    assert "/refs holds objects, not complex numbers" in refusal(path, array="refs")
    assert "/words holds text, not complex numbers" in refusal(path, array="/words")


def test_silent_file_is_asked_about(foreign: Foreign) -> None:
    path = foreign(H=H)
    assert refusal(path) == (
        "/H has 2 axes (64, 8): say what they are and the grid, e.g. --axes n,delay "
        "--tap-spacing 1ns or --axes n,freq --subcarrier-spacing 15kHz (axis 0, of length 64, is "
        "likely the realisations: they are often first)"
    )
    assert refusal(path, axes="n,delay").startswith(
        "/H: the spacing of its 8 taps is not in the file; add --tap-spacing 1ns"
    )
    assert "8 subcarriers is not in the file; add --subcarrier-spacing 15kHz" in refusal(
        path, axes="n,freq"
    )
    assert "add --time-spacing 1ms" in refusal(path, axes="n,time")
    assert "--axes n,rx,tx,delay --tap-spacing 1ns" in refusal(foreign(H=H.reshape(64, 2, 2, 2)))
    assert "add --axes n" in refusal(foreign(H=H[:, 0]))
    path = foreign(H=H.reshape(64, 2, 4, 1, 1, 1))
    assert refusal(path).endswith("with --axes, of n,rx,tx,time,freq, and 1 for one of length 1")
    assert load(path, axes="n,rx,tx,1,time,1").shape == (64, 2, 4, 1, 1)
    assert "has 1 for axis [1], which is longer" in refusal(path, axes="n,1,tx,1,time,1")


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("n", "names 1 axes; the array has 2 (64, 8)"),
        ("n,rx,freq", "names 3 axes; the array has 2 (64, 8)"),
        ("n,banana", "['banana'] is not one of n rx tx time freq delay iq"),
        ("n,n", "names an axis twice"),
        ("sample,n", "names an axis twice"),
        ("rx,freq", "has no n, the axis of the realisations"),
        ("n,iq", "has iq, which is for real arrays"),
        ("n,", "[''] is not one of"),
    ],
)
def test_axes_that_do_not_fit(foreign: Foreign, axes: str, said: str) -> None:
    assert refusal(foreign(H=H), axes=axes) == (
        refusal(foreign({"axes": axes}, H=H)).replace("attribute axes", f"--axes {axes}")
    )
    message = refusal(foreign(H=H), axes=axes)
    assert said in message and message.endswith("say it as in --axes n,freq")


def test_options_that_do_not_fit(foreign: Foreign) -> None:
    path = foreign(H=H)
    assert "--tap-spacing is not for its axis freq; give --subcarrier-spacing" in refusal(
        path, axes="n,freq", tap_spacing=1e-9
    )
    both = foreign(H=H.reshape(16, 4, 8))
    assert "has both delay and freq" in refusal(both, axes="n,delay,freq")
    for name in ("tap_spacing", "bandwidth", "carrier"):
        for value in (0.0, -1.0, float("nan"), float("inf")):
            with pytest.raises(DataError, match=f"--{name.replace('_', '-')} is .* positive"):
                load(path, axes="n,delay", **{name: value})


@pytest.mark.parametrize("value", [0.0, -1e-9, float("nan"), "1ns", [1e-9, 2e-9], 1j])
def test_attributes_that_make_no_sense(foreign: Foreign, value: object) -> None:
    said = refusal(foreign({"axes": "n,delay", "tap_s": value}, H=H))
    assert said.startswith("/H: attribute tap_s is") and "must be a positive number" in said


def test_subcarrier_index_that_does_not_fit(foreign: Foreign) -> None:
    says = {"axes": "n,freq", "subcarrier_spacing_hz": 1.0}
    for index in (range(7), [0] * 8, "words"):
        said = refusal(foreign({**says, "subcarrier_index": index}, H=H))
        assert "subcarrier_index must be 8 distinct numbers" in said


def test_empty_axis(foreign: Foreign) -> None:
    assert "axis 0 (n) has length 0" in refusal(foreign(H=H[:0]), axes="n,delay", tap_spacing=1.0)
    assert "axis 1 (delay)" in refusal(foreign(H=H[:, :0]), axes="n,delay", tap_spacing=1.0)


@pytest.fixture
def own(dataset, tmp_path: Path) -> Path:
    write(dataset, tmp_path / "own.h5")
    return tmp_path / "own.h5"


def test_newer_schema(own: Path) -> None:
    with h5py.File(own, "a") as file:
        file.attrs["schema_version"] = 2
    assert refusal(own) == "has schema version 2; this chanvae reads up to 1: upgrade chanvae"


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("schema_version", "one", "schema_version is 'one'; expected 1"),
        ("schema_version", 0, "schema_version is"),
        ("carrier_frequency", "3.5 GHz", "carrier_frequency is '3.5 GHz'; expected a number"),
        ("rx_array", "{", "attribute rx_array: array geometry '{'"),
        ("rx_array", '{"rows": 2, "colour": 1}', "attribute rx_array: array geometry"),
        ("rx_array", '{"columns": 3}', "rx_array has shape (3,)"),
        ("rx_array", 7, "attribute rx_array"),
        ("provenance", "made by me", "attribute provenance is not JSON"),
        ("provenance", "[1]", "expected a JSON object"),
    ],
)
def test_odd_attributes(own: Path, attribute: str, value: object, said: str) -> None:
    with h5py.File(own, "a") as file:
        file.attrs[attribute] = value
    assert said in refusal(own)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("h", None, "/h: is a group; expected an array"),
        ("h", np.zeros((3, 4)), "/h: is float64 of shape (3, 4); expected complex64"),
        ("h", np.zeros((0, 2, 4, 1, 8), np.complex64), "conditions/delay_spread has shape (100,)"),
        ("freq", None, "/freq: is a group"),
        ("freq", np.zeros(8), "freq must ascend"),
        ("freq", np.full(8, np.nan), "/freq: holds NaN"),
        ("freq", np.arange(7.0), "freq has shape (7,)"),
        ("freq", np.array([b"a"] * 8), "/freq: is |S1"),
        ("conditions", np.zeros(3), "/conditions: is an array; expected a group"),
        ("groups/day", np.zeros(3), "groups/day has shape (3,)"),
        ("groups/day", np.zeros(100, complex), "/groups/day: is complex128; expected numbers"),
        ("groups/day", None, "/groups/day: is a group"),
        ("conditions/new", np.zeros(100), "/conditions/new: unit is ''; store it in SI"),
    ],
)
def test_odd_members(own: Path, name: str, value: np.ndarray | None, said: str) -> None:
    with h5py.File(own, "a") as file:
        if name in file:
            del file[name]
        if value is None:
            file.create_group(name)
        else:
            file[name] = value
    assert said in refusal(own)


def test_missing_members(own: Path) -> None:
    for name, said in (("rx_array", "rx_array is missing"), ("freq", "/freq: is missing")):
        with h5py.File(own, "a") as file:
            del (file if name == "freq" else file.attrs)[name]
        assert said in refusal(own)


def test_condition_that_is_not_si(own: Path) -> None:
    with h5py.File(own, "a") as file:
        file["conditions/delay_spread"].attrs["unit"] = "ns"
    assert "/conditions/delay_spread: unit is 'ns'; store it in SI (s)" in refusal(own)


def test_text_that_is_not_utf8(own: Path) -> None:
    with h5py.File(own, "a") as file:
        del file["groups/day"]
        file["groups/day"] = np.full(100, b"\xff\xfe")
    assert refusal(own).startswith("is damaged")


def test_no_realisations(own: Path, dataset) -> None:
    write(dataset[:0], own, overwrite=True)
    assert len(read(own)) == 0
    assert refusal(own) == "holds no usable realisation; measure or export it again"


def test_file_being_written(own: Path) -> None:
    """HDF5 locks a file that is open for writing."""
    with h5py.File(own, "a"):
        script = (
            "import sys; from chanvae.io.read import load\n"
            "try: load(sys.argv[1])\nexcept ValueError as error: print(error)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, own], capture_output=True, text=True, check=True
        )
    assert done.stdout.endswith(
        "is being written by another program; try again when that is done\n"
    )
