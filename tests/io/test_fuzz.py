"""Damaged files: no traceback, no hang, nothing written."""

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanvae.errors import DataError
from chanvae.io import probe
from chanvae.io.convert import convert, save
from chanvae.io.hdf5 import write
from tests.conftest import shared
from tests.io.conftest import channels

LONG = 5.0
"""Seconds that no file may take once the child that looks at files first has started, which here
gives up after three."""
MEMORY = 6 << 30
"""Bytes of address space that reading may take, over what the libraries take themselves."""
METADATA = 8192
"""Bytes at the beginning of an HDF5 file in which most of its structure lies."""


_LINUX = Path("/proc/self/statm").is_file()


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """One in five cut short; in the others one to three bytes changed, most near the front."""
    if rng.random() < 0.2:
        return content[: rng.integers(len(content))]
    found = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        near = METADATA if rng.random() < 0.8 else len(content)
        found[rng.integers(min(near, len(content)))] = rng.integers(256)
    return bytes(found)


def attempt(path: Path, options: dict) -> str:
    """Convert a file: ``""`` if it can be read, else the one line that says why not."""
    out = path.parent / "out" / "converted.npz"
    out.parent.mkdir(exist_ok=True)
    try:
        convert(path, out, drop_invalid=True, **options)
    except DataError as error:
        assert not any(out.parent.iterdir()), "a file that cannot be read leaves nothing behind"
        said = str(error)
        assert said and "\n" not in said and path.name in said, said
        return said
    assert [p.name for p in out.parent.iterdir()] == [out.name]
    out.unlink()
    return ""


def torture(whole: Path, path: Path, options: dict, times: int, seed: int) -> None:
    """Damage a file again and again; each time it is read, or refused in one line, soon."""
    content, rng, refused = whole.read_bytes(), np.random.default_rng(seed), 0
    for k in range(times):
        path.write_bytes(damaged(content, rng))
        probe._child()._running()
        start = time.monotonic()
        try:
            refused += bool(attempt(path, options))
            took = time.monotonic() - start
            assert took < LONG, f"{took:.1f} s"
        except BaseException as error:
            kept = path.with_name(f"{k}-{path.name}")
            kept.write_bytes(path.read_bytes())
            raise AssertionError(f"{kept}: {error!r}") from error
    assert refused > times // 10, "damage that nobody notices is none"


def h5(dataset, path: Path) -> dict:
    write(dataset, path, compression="gzip")
    return {}


def mat(dataset, path: Path) -> dict:
    save(dataset, path, "mat")
    return {}


def npz(dataset, path: Path) -> dict:
    save(dataset, path, "npz")
    return {}


def sionna(dataset, path: Path) -> dict:
    save(dataset, path, "sionna")
    return {}


FREQUENCIES = {"axes": "n,rx,freq", "subcarrier_spacing": 15e3}


def npy(dataset, path: Path) -> dict:
    with path.open("wb") as file:
        np.save(file, channels(40, 2, 8))
    return FREQUENCIES


def compressed(dataset, path: Path) -> dict:
    with path.open("wb") as file:
        np.savez_compressed(file, h=channels(40, 2, 8), label=np.arange(40))
    return {"array": "h", **FREQUENCIES}


def matlab5(dataset, path: Path) -> dict:
    with path.open("wb") as file:
        scipy.io.savemat(file, {"h": channels(40, 2, 8), "label": np.arange(40)})
    return {"array": "h", **FREQUENCIES}


def matlab5_packed(dataset, path: Path) -> dict:
    with path.open("wb") as file:
        scipy.io.savemat(file, {"h": channels(40, 2, 8)}, do_compression=True)
    return {"array": "h", **FREQUENCIES}


MADE = [h5, mat, sionna, npz, npy, compressed, matlab5, matlab5_packed]


@pytest.mark.parametrize("make", MADE)
def test_damaged_files(dataset, tmp_path: Path, monkeypatch, make: Callable) -> None:
    monkeypatch.setattr(probe, "_PATIENCE", 3.0)
    options = make(dataset, tmp_path / "whole")
    assert attempt(tmp_path / "whole", options) == ""
    torture(tmp_path / "whole", tmp_path / "damaged", options, 60, seed=0)


SHAPES = st.lists(st.integers(0, 5), max_size=6).map(tuple)
TYPES = st.sampled_from(
    ["?", "i1", "u2", "i8", "f2", "f4", "f8", "c8", "c16", "S3", "(2,)f4", "text", "words",
     "r:f4,i:f4", "re:i2,im:i2", "real:f8,imag:f8", "x:f4,y:S2", "reference"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["h", "H", "H_re", "H_im", "csi", "a", "tau", "freq", "time", "label", "file_id", "conditions",
     "conditions/los", "groups/day", "meta/rx", "scale", "é", "x y"]
)  # fmt: skip
WORDS = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=5)
SAID = st.one_of(
    st.none(), WORDS, st.integers(-3, 3), st.floats(), st.just("n,freq"),
    st.lists(st.integers(0, 3), max_size=3), st.just("n,rx,delay"), st.just(b"\xff"),
)  # fmt: skip
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["axes", "tap_s", "subcarrier_spacing_hz", "subcarrier_index", "carrier_hz", "unit",
         "schema_version", "rx_array", "provenance", "carrier_frequency", "MATLAB_class"]
    ),
    SAID,
    max_size=4,
)  # fmt: skip
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "axes": st.sampled_from(["n", "n,freq", "freq,n", "n,rx,delay", "n,iq", "n,freq,iq", ""]),
        "array": NAMES,
        "subcarrier_spacing": st.just(15e3),
        "tap_spacing": st.just(1e-9),
        "conditions": st.just(("label",)),
        "groups": st.just(("random",)),
        "real": st.just("H_re"),
        "imag": st.just("H_im"),
        "scale": st.just("scale"),
        "bandwidth": st.just(1e6),
    },
)


def stored(file: h5py.File, name: str, kind: str, shape: tuple[int, ...], seed: int) -> None:
    """An array of some kind under some name, if both are still possible."""
    rng, size = np.random.default_rng(seed), int(np.prod(shape))
    if kind in ("text", "words"):
        words = rng.choice(["a", "ü", ""], size).astype(object).reshape(shape)
        values = words if kind == "words" else np.char.encode(words.astype(str), "utf-8")
    elif kind == "reference":
        values = np.full(shape, file.ref, dtype=h5py.ref_dtype)
    elif ":" in kind:
        fields = [tuple(part.split(":")) for part in kind.split(",")]
        values = np.zeros(shape, fields)
    else:
        values = rng.integers(0, 3, shape).astype("f8").astype(kind)
    with contextlib.suppress(ValueError, OSError, KeyError, TypeError):  # what h5py cannot hold
        file[name] = values


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    arrays=st.dictionaries(NAMES, st.tuples(TYPES, SHAPES, ATTRIBUTES), max_size=5),
    said=ATTRIBUTES,
    options=OPTIONS,
)
def test_odd_files(tmp_path: Path, arrays: dict, said: dict, options: dict) -> None:
    """Sound files that hold anything: channels, or one line."""
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        for k, (name, (kind, shape, attributes)) in enumerate(arrays.items()):
            stored(file, name, kind, shape, k)
            if name in file:
                file[name].attrs.update({k: v for k, v in attributes.items() if v is not None})
        file.attrs.update({k: v for k, v in said.items() if v is not None})
    attempt(path, options)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("make", MADE)
def test_many_damaged_files(dataset, tmp_path: Path, make: Callable, seed: int) -> None:
    """100,000 in all, in processes of their own, so that one that dies is seen."""
    options = make(dataset, tmp_path / "whole")
    _in_a_process((tmp_path / "whole", tmp_path / "damaged", options, 1250, 1 + seed))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uwb_cirs_2018_int16.h5", {}),
        ("wifi_wsr_v73.mat", {}),
        ("cost2100_v73.mat", {}),
        ("cost2100_meta_v73.mat", {}),
        ("cdl_c_16x64_v5.mat", {}),
    ],
)
def test_damaged_measured_files(tmp_path: Path, name: str, options: dict) -> None:
    """What cannot be read whole, for want of options, is asked about, whole or damaged."""
    _in_a_process((shared(name), tmp_path / "damaged", options, 60, 0))


def _in_a_process(given: tuple) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_bounded, args=given)
    process.start()
    process.join()
    assert process.exitcode == 0


def _bounded(*given: object) -> None:
    """Torture in bounded memory."""
    probe._PATIENCE = 3.0
    with contextlib.suppress(ImportError):  # Windows has no limits
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0]) if _LINUX else 0
        most = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    torture(*given)
