"""Channels in the layouts people keep them in: each reads as the same set."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from chanvae.errors import DataError
from chanvae.io.options import Options, settled, subcarriers
from chanvae.io.pairs import PARTS, pairs
from chanvae.io.read import load, reading
from tests.io.conftest import channels

Foreign = Callable[..., Path]
H = channels(70, 4, 16)
KNOWN = {"axes": "n,rx,freq", "subcarrier_spacing": 1e5}


def same(data, tolerance: float = 1e-6) -> None:
    assert data.shape == (70, 4, 1, 1, 16)
    np.testing.assert_allclose(data.h[:][:, :, 0, 0], H, atol=tolerance)
    np.testing.assert_array_equal(data.h[[40, 3]], data.h[:][[40, 3]])


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("H_re", "H_im"), ("H_re", "H_im")),
        (("csi_imag", "csi_real"), ("csi_real", "csi_imag")),
        (("a/real", "a/imag", "b/real"), ("a/real", "a/imag")),
        (("HReal", "HImag"), ("HReal", "HImag")),
        (("Re_H", "Im_H"), ("Re_H", "Im_H")),
        (("H-I", "H-Q"), ("H-I", "H-Q")),
        (("re", "im"), ("re", "im")),
        (("Hr", "Hi"), None),
        (("H_re", "G_im"), None),
        (("a_re", "re_a"), None),
        (("spire", "him"), None),
    ],
)
def test_names_that_pair_up(names: tuple[str, ...], found: tuple[str, str] | None) -> None:
    assert pairs(names, PARTS) == ([] if found is None else [found])


@pytest.mark.parametrize("fields", [("r", "i"), ("re", "im"), ("Real", "Imag"), ("I", "Q")])
@pytest.mark.parametrize("kind", ["<f4", "<f8", "<i2"])
def test_compounds(foreign: Foreign, fields: tuple[str, str], kind: str) -> None:
    size = 1000 if kind == "<i2" else 1
    parts = np.empty(H.shape, [(name, kind) for name in fields])
    parts[fields[0]], parts[fields[1]] = np.round(H.real * size), np.round(H.imag * size)
    if size == 1:
        parts[fields[0]], parts[fields[1]] = H.real, H.imag
    same(load(foreign(H=parts), **KNOWN, scale=str(1 / size)), 1e-6 if size == 1 else 1e-3)


def test_compound_with_names_of_its_own(foreign: Foreign) -> None:
    parts = np.empty(H.shape, [("x", "<f4"), ("y", "<f4")])
    parts["x"], parts["y"] = H.real, H.imag
    path = foreign(H=parts)
    with pytest.raises(DataError, match="--array H --real FIELD --imag FIELD"):
        load(path, array="H", **KNOWN)
    same(load(path, array="H", real="x", imag="y", **KNOWN))
    with pytest.raises(DataError, match="z is no field of numbers of it; it has compound {x, y}"):
        load(path, array="H", real="x", imag="z", **KNOWN)


def test_split_arrays_by_name_or_said(foreign: Foreign) -> None:
    path = foreign(H_re=H.real, H_im=H.imag, other=H.imag[:, 0])
    same(load(path, **KNOWN))
    how = reading(path, **KNOWN)
    assert how.numbers == "real parts in /H_re, imaginary parts in /H_im"
    assert any("by their names" in sentence for sentence in how.assumptions)
    assert "--real H_re --imag H_im" in " ".join(how.options)
    with pytest.raises(DataError, match="one half of a pair: say --real H_re --imag H_im instead"):
        load(path, array="H_re", **KNOWN)
    path = foreign(x=H.real, y=H.imag)
    with pytest.raises(DataError, match="no complex array; it holds .* --real NAME --imag NAME"):
        load(path, **KNOWN)
    same(load(path, real="x", imag="y", **KNOWN))
    same(load(path, imag="y", **KNOWN))
    assert Options.of(dict(zip(("real", "imag"), ("x", "y"), strict=True))).real == "x"


def test_two_files(tmp_path: Path) -> None:
    np.save(tmp_path / "re.npy", H.real)
    np.savez(tmp_path / "im.npz", im=H.imag, other=np.zeros(3))
    same(load(tmp_path / "re.npy", imag=f"{tmp_path}/im.npz:im", **KNOWN))
    with pytest.raises(DataError, match=r"im.npz: has /im .*say which with --imag .*im.npz:NAME"):
        load(tmp_path / "re.npy", imag=f"{tmp_path}/im.npz", **KNOWN)
    np.save(tmp_path / "im.npy", H.imag)
    same(load(tmp_path / "re.npy", imag=str(tmp_path / "im.npy"), **KNOWN))
    np.save(tmp_path / "im.npy", H.imag[:60])
    with pytest.raises(
        DataError, match=r"\(70, 4, 16\) and --imag /h \(60, 4, 16\); they must be"
    ):
        load(tmp_path / "re.npy", imag=str(tmp_path / "im.npy"), **KNOWN)


def test_a_run_finds_its_files_from_anywhere(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("im.npz", im=H.imag)
    np.save("re.npy", H.real)
    Path("H").touch()  # a file called like an array is not meant
    given = {"imag": "im.npz:im", "real": "H", "meta": "im.npz", "axes": "n,rx,freq"}
    found = settled(given)
    assert found["imag"] == f"{tmp_path.resolve()}/im.npz:im" and found["real"] == "H"
    assert found["meta"] == f"{tmp_path.resolve()}/im.npz" and found["axes"] == "n,rx,freq"
    known = settled({"imag": "im.npz:im", **KNOWN})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    same(load(tmp_path / "re.npy", **known))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"real": "re"}, "--real re: says half of it; add --imag NAME"),
        ({"amplitude": "re"}, "--amplitude re: says half of it; add --phase NAME"),
        ({"real": "re", "imag": "words"}, "/words holds text; it must be real"),
        ({"real": "no", "imag": "im"}, "--real no: /no is not in the file"),
        ({"real": "re", "imag": "short"}, "they must be of one shape"),
        ({"imag": "im"}, "--imag im: says half of it; add --real NAME"),
    ],
)
def test_halves_that_do_not_fit(foreign: Foreign, given: dict[str, str], said: str) -> None:
    path = foreign(
        re=H.real, im=H.imag, more=H.imag, short=H.imag[:9], words=np.array(["a"] * 70, object)
    )
    with pytest.raises(DataError, match=said) as caught:
        load(path, **given, **KNOWN)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("axes", ["n,rx,freq,iq", "iq,n,rx,freq", "n,iq,rx,freq"])
@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_axis_of_parts(foreign: Foreign, axes: str, dtype: type) -> None:
    size = 2000 if dtype is np.int16 else 1
    stored = np.stack([H.real, H.imag], -1) * size
    stored = np.moveaxis(stored, -1, axes.split(",").index("iq")).astype(dtype)
    path = foreign(csi=stored)
    known = {"axes": axes, "subcarrier_spacing": 1e5, "scale": f"/{size}"}
    same(load(path, **known), 1e-3 if size > 1 else 1e-6)
    if axes != "n,iq,rx,freq":
        with pytest.raises(DataError, match=r"real and imaginary .* --axes .*iq"):
            load(path)
    with pytest.raises(DataError, match="has iq for an axis of length 70; it must be 2"):
        load(path, axes="iq,n,rx,freq" if axes != "iq,n,rx,freq" else "n,iq,rx,freq")


def test_interleaved_numbers(foreign: Foreign) -> None:
    """I, Q, I, Q, ... in one axis."""
    flat = np.stack([H.real, H.imag], -1).reshape(70, -1)
    path = foreign(csi=flat)
    known = {"axes": "n,rx,freq,iq", "subcarrier_spacing": 1e5}
    same(load(path, reshape="4,16,2", **known))
    with pytest.raises(DataError, match=r"--reshape 4,16 has 64 numbers a .* has 128"):
        load(path, reshape="4,16", **known)
    with pytest.raises(DataError, match="--reshape keeps the first axis, which must be n"):
        load(path, reshape="4,16,2", axes="rx,n,freq,iq", subcarrier_spacing=1e5)
    for wrong in ("a", "0,2", ""):
        with pytest.raises(DataError, match="write the lengths of the axes after the first"):
            load(path, reshape=wrong, **known)


def test_scales(foreign: Foreign) -> None:
    """By an array or a number; counts divide, anything else has to be said."""
    counts = np.arange(1, 71)
    raw = np.stack([H.real, H.imag], -1) * counts[:, None, None, None]
    known = {"axes": "n,rx,freq,iq", "subcarrier_spacing": 1e5}
    path = foreign(csi=raw, PSC=counts, gain=1.0 / counts, pair=np.ones((70, 2)))
    same(load(path, array="csi", scale="/PSC", **known), 1e-5)
    same(load(path, array="csi", scale="*gain", **known), 1e-5)
    same(load(path, array="csi", scale="PSC", **known), 1e-5)
    said = reading(path, array="csi", scale="PSC", **known)
    assert any("PSC holds counts" in sentence for sentence in said.assumptions)
    assert said.numbers.endswith("each realisation divided by /PSC")
    for scale, fault in (
        ("gain", r"say --scale '/gain' to divide by it or --scale '\*gain' to multiply"),
        ("/no", "no is not in the file"),
        ("/pair", r"pair has shape \(70, 2\); it needs one number for each of the 70"),
        ("0", "must be finite and not zero"),
        ("/nan", "must be finite and not zero"),
    ):
        with pytest.raises(DataError, match=fault):
            load(path, array="csi", scale=scale, **known)
    path = foreign(csi=raw, PSC=np.zeros(70))
    with pytest.raises(DataError, match="holds zeros to divide by"):
        load(path, array="csi", scale="/PSC", **known)


@pytest.mark.parametrize("unit", ["deg", "rad"])
def test_amplitude_and_phase(foreign: Foreign, unit: str) -> None:
    exact = np.angle(H.astype(complex))
    turn = exact if unit == "rad" else np.rad2deg(exact)
    path = foreign(csi_amp=abs(H), csi_phase=turn)
    same(load(path, **KNOWN))
    how = reading(path, **KNOWN)
    long = {"deg": "degrees", "rad": "radians"}[unit]
    assert how.numbers == f"amplitude in /csi_amp, phase in /csi_phase [{long}]"
    assert any(f"phases are in {long}" in sentence for sentence in how.assumptions)
    path = foreign(a=abs(H), p=np.unwrap(exact) * (1 if unit == "rad" else 180 / np.pi))
    with pytest.raises(DataError, match="may be degrees or radians; add --phase-unit deg or"):
        load(path, amplitude="a", phase="p", **KNOWN)
    same(load(path, amplitude="a", phase="p", phase_unit=unit, **KNOWN))
    with pytest.raises(DataError, match="negative amplitudes, as decibels would be"):
        load(foreign(a=20 * np.log10(abs(H)), p=turn), amplitude="a", phase="p", **KNOWN)
    with pytest.raises(DataError, match="--phase-unit turns: say deg or rad"):
        load(path, phase_unit="turns")


def test_csinet(tmp_path: Path) -> None:
    """Angle-delay planes in [0, 1] about 0.5, flattened: 2 x 32 delays x 32 angles."""
    taps = np.zeros((70, 32, 32), np.complex64)
    taps[:, 3, 5] = 0.4j
    planes = np.stack([taps.real, taps.imag], 1) + 0.5
    with (tmp_path / "DATA_Htest.mat").open("wb") as file:
        scipy.io.savemat(file, {"HT": planes.reshape(70, -1)})
    data = load(tmp_path / "DATA_Htest.mat", bandwidth=20e6)
    assert data.shape == (70, 1, 32, 1, 32) and data.bandwidth == pytest.approx(20e6)
    assert "CsiNet" in reading(tmp_path / "DATA_Htest.mat", bandwidth=20e6).layout
    # one wave: a phase that turns once in 32/5 antennas and by -2 pi f tau over frequency
    antennas = np.exp(2j * np.pi * np.arange(32) * 5 / 32) / np.sqrt(32)
    band = np.exp(-2j * np.pi * data.freq * 3 / 20e6) / np.sqrt(32)
    np.testing.assert_allclose(data.h[9][0, :, 0], 0.4j * np.outer(antennas, band), atol=1e-7)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_npz(tmp_path: Path, split: bool, compressed: bool) -> None:
    """With its labels, and what it says in arrays named like the attributes."""
    arrays = {"h_real": H.real, "h_imag": H.imag} if split else {"H": H}
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "a.npz", **arrays, axes="n,rx,freq", subcarrier_spacing_hz=1e5,
         carrier_hz=3.5e9, room=np.array(["a", "b"] * 35), session=np.arange(70) // 7)  # fmt: skip
    data = load(tmp_path / "a.npz", conditions=("room",))
    same(data)
    assert data.meta.carrier_frequency == 3.5e9 and set(data.conditions["room"]) == {"a", "b"}
    assert len(np.unique(data.groups["session"])) == 10


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.moveaxis(H, 0, 2))
    same(load(tmp_path / "a.npy", axes="rx,freq,n", subcarrier_spacing=1e5))


def test_matlab_v5(tmp_path: Path) -> None:
    """Realisation last, one variable a scenario; the file says its axes as MATLAB sees them."""
    stored = np.moveaxis(H, 0, 2).astype(complex)
    path = tmp_path / "a.mat"
    content = {"UMi_LOS": stored, "UMi_NLOS": stored, "los": np.ones((1, 70))}
    scipy.io.savemat(path, content)
    data = path.read_bytes().replace(b"UMi_LOS", b"UMi-LOS")  # a name that MATLAB itself refuses
    path.write_bytes(data)
    with pytest.raises(DataError, match="--array UMi-LOS or --array UMi_NLOS"):
        load(path)
    with pytest.raises(DataError, match=r"axis 2, of length 70, is likely .* los has as many"):
        load(path, array="UMi-LOS")
    known = {"array": "UMi-LOS", "axes": "rx,freq,n", "subcarrier_spacing": 1e5}
    same(load(path, **known, conditions=("los",)))
    scipy.io.savemat(path, {"H": stored, "axes": "rx,freq,n", "subcarrier_spacing_hz": 1e5})
    same(load(path))


def test_matlab_struct_and_cell(tmp_path: Path) -> None:
    """A struct of arrays, and a cell with a channel a realisation."""
    cell = np.empty((70, 1), object)
    for k in range(70):
        cell[k, 0] = H[k]
    scipy.io.savemat(tmp_path / "a.mat", {"data": {"csi": H, "rate": 3.0}})
    same(load(tmp_path / "a.mat", **KNOWN))
    scipy.io.savemat(tmp_path / "b.mat", {"csi": cell})
    same(load(tmp_path / "b.mat", **KNOWN))


def test_a_second_file_says_the_rest(foreign: Foreign, tmp_path: Path) -> None:
    np.savez(tmp_path / "meta.npz", axes="n,rx,freq", subcarrier_spacing_hz=1e5)
    path = foreign(H=H)
    same(load(path, meta=str(tmp_path / "meta.npz")))
    with pytest.raises(DataError, match="no such file"):
        load(path, meta=str(tmp_path / "no.npz"))


def test_subcarriers_as_typed(foreign: Foreign) -> None:
    assert subcarriers("-28..-2/2,-1,1..27/2,28") == (
        *range(-28, -1, 2), -1, *range(1, 28, 2), 28,
    )  # fmt: skip
    known = {"axes": "n,rx,freq", "subcarrier_spacing": 1e5}
    data = load(foreign(H=H), **known, subcarrier_index="8..15,-8..-1")
    np.testing.assert_allclose(data.freq[[0, 7, 8, 15]], np.array([-8, -1, 8, 15]) * 1e5)
    np.testing.assert_array_equal(data.h[:, :, 0, 0], H[..., [*range(8, 16), *range(8)]])
    with pytest.raises(DataError, match="--subcarrier-index must be 16 distinct numbers"):
        load(foreign(H=H), **known, subcarrier_index="0..14")
    for wrong in ("a", "3..1", "1..5/0", "1.5", "0..9999999"):
        with pytest.raises(DataError, match="write numbers and ranges, such as"):
            subcarriers(wrong)


def test_objects_and_text_in_place_of_numbers(tmp_path: Path, foreign: Foreign) -> None:
    np.savez(tmp_path / "a.npz", h=np.array([{}] * 70, object))
    with pytest.raises(DataError, match=r"no complex array; it holds /h objects \(70,\)"):
        load(tmp_path / "a.npz")
    with pytest.raises(DataError, match="/h holds objects, not complex numbers"):
        load(tmp_path / "a.npz", array="h")
    path = foreign(H=H, carrier=np.array(["3.5 GHz"] * 70, object), gain=np.ones(70))
    with h5py.File(path, "a") as file:
        file.attrs["subcarrier_spacing_hz"] = "15 kHz"
    with pytest.raises(
        DataError, match="subcarrier_spacing_hz is '15 kHz'; it must be a positive"
    ):
        load(path, axes="n,rx,freq")
    with pytest.raises(DataError, match="--scale /carrier: carrier holds <U0; name an array of"):
        load(path, **KNOWN, scale="/carrier")


def test_axes_that_overrule_the_file_are_said(foreign: Foreign) -> None:
    path = foreign({"axes": "n,rx,freq"}, H=channels(64, 64, 8))
    how = reading(path, axes="rx,n,freq", subcarrier_spacing=1e5)
    assert "--axes goes before the attribute axes of the file, n,rx,freq" in how.assumptions
