"""The file format: what is written is read back, in pieces, and nothing half written is left."""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chanvae
from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.hdf5 import Writer, read, write
from chanvae.io.read import load


def channels(*shape: int) -> np.ndarray:
    values = np.random.default_rng(0).standard_normal((*shape, 2), np.float32)
    return values.view(np.complex64)[..., 0]


def assert_equal(one: ChannelDataset, other: ChannelDataset) -> None:
    np.testing.assert_array_equal(one.h[:], other.h[:])
    for name in ("freq", "time"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("conditions", "groups"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine.keys() == theirs.keys()
        for key in mine:
            np.testing.assert_array_equal(mine[key], theirs[key])
            assert mine[key].dtype.kind == theirs[key].dtype.kind
    for key in one.conditions:
        assert one.condition_units.get(key, "1") == other.condition_units.get(key, "1")
    assert (one.rx_array, one.tx_array) == (other.rx_array, other.tx_array)
    carriers = one.meta.carrier_frequency, other.meta.carrier_frequency
    assert carriers[0] == carriers[1] or np.isnan(carriers).all()


def test_round_trip(dataset: ChannelDataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "a.h5")
    back = read(tmp_path / "a.h5")
    assert_equal(dataset, back)
    assert back.h.dtype == np.complex64 and not isinstance(back.h, np.ndarray)
    assert back.meta.delay_spread_definition == "rms"
    versions = {"versions": {"chanvae": chanvae.__version__}}
    assert back.meta.provenance == {"licence": "MIT", "seed": 3, **versions}
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["schema_version"] == 1
        assert file["h"].dtype == np.complex64 and file["h"].chunks == (100, 2, 4, 1, 8)
        assert file["conditions/delay_spread"].attrs["unit"] == "s"
        assert file["freq"].attrs["unit"] == "Hz"


TEXT = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5)
LABELS = st.sampled_from([np.int8, np.int64, np.float32, np.float64, np.bool_, str])


@st.composite
def datasets(draw: st.DrawFn) -> ChannelDataset:
    n = draw(st.integers(0, 9))
    rx, tx, time, freq = (draw(st.integers(1, 3)) for _ in range(4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))

    def labels() -> dict[str, np.ndarray]:
        names = draw(st.lists(st.sampled_from("abcé"), unique=True, max_size=3))
        values = {name: (draw(LABELS), rng.integers(0, 2, n)) for name in names}
        return {k: _texts(draw, n) if t is str else v.astype(t) for k, (t, v) in values.items()}

    conditions = labels()
    return ChannelDataset(
        h=channels(n, rx, tx, time, freq),
        freq=np.sort(rng.standard_normal(freq)),
        time=rng.standard_normal(time),
        conditions=conditions,
        condition_units={k: draw(st.sampled_from(["s", "rad", "1"])) for k in conditions},
        rx_array=ArrayGeometry.line(rx, assumed=draw(st.booleans())),
        tx_array=ArrayGeometry(rows=tx, row_spacing=0.7),
        groups=labels(),
    )


def _texts(draw: st.DrawFn, n: int) -> np.ndarray:
    return np.array(draw(st.lists(TEXT, min_size=n, max_size=n)), dtype=str)


@settings(max_examples=40, deadline=None)
@given(datasets(), st.sampled_from([None, "gzip"]), st.integers(1, 4))
def test_any_set_comes_back(dataset: ChannelDataset, compression: str | None, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.h5")
        with Writer(path, dataset[:1], len(dataset), compression=compression) as writer:
            for batch in dataset.batches(size):
                writer.append(batch)
        back = read(path)
        assert_equal(dataset, back)
        pieces = [b.h for b in back.batches(size)]
        np.testing.assert_array_equal(np.concatenate([dataset.h[:0], *pieces]), dataset.h)
        write(back, path, overwrite=True)  # a set may be written over the file it lives in
        assert_equal(dataset, read(path))


def test_chunks_hold_about_a_megabyte(tmp_path: Path) -> None:
    big = ChannelDataset(channels(300, 1, 1, 1, 1024), np.arange(1024.0))
    write(big, tmp_path / "a.h5", compression="gzip")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["h"].chunks == (128, 1, 1, 1, 1024)
        assert file["h"].compression == "gzip" and file["h"].shuffle


def test_batches_must_fit(dataset: ChannelDataset, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    other = ChannelDataset(channels(3, 1, 1, 1, 8), dataset.freq)
    bare = replace(dataset, conditions={})
    as_text = replace(dataset, groups={"day": np.full(100, 0.5)})
    for batches, n, said in (
        ([dataset], 101, "100 realisations were written; 101 were announced"),
        ([dataset, dataset], 150, "200 realisations were appended; 150 were announced"),
        ([other], 3, "a batch has shape"),
        ([bare], 100, "a batch has .*; expected .*conditions/delay_spread"),
        ([as_text], 100, "/groups/day: a batch has float64; expected int64"),
    ):
        with pytest.raises(DataError, match=said), Writer(path, dataset, n) as writer:
            for batch in batches:
                writer.append(batch)
        assert not any(tmp_path.iterdir())


def test_labels_that_cannot_be_stored(tmp_path: Path) -> None:
    for values, name in (
        (np.array([None, 1], object), "a"),
        (np.array(["a\0b", "c"]), "a"),
        (np.zeros(2), "a/b"),
        (np.zeros(2, complex), "a"),
    ):
        bad = ChannelDataset(channels(2, 1, 1, 1, 4), np.arange(4.0), conditions={name: values})
        with pytest.raises(DataError):
            write(bad, tmp_path / "a.h5")
        assert not any(tmp_path.iterdir())


def test_interrupt_leaves_nothing(dataset: ChannelDataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Writer(tmp_path / "a.h5", dataset, 200) as writer:
        writer.append(dataset)
        raise KeyboardInterrupt
    assert not any(tmp_path.iterdir())


def test_existing_output(dataset: ChannelDataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "a.h5")
    before = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(DataError, match="exists; add --overwrite"):
        write(dataset, tmp_path / "a.h5")
    assert (tmp_path / "a.h5").read_bytes() == before


def test_a_disk_known_to_be_too_small_is_refused_at_once(
    dataset: ChannelDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1))
    with pytest.raises(DataError, match="needs .* GB and 1e-09 GB are free"):
        write(dataset, tmp_path / "a.h5")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("limit", [0, 1000, 6000, 400_000])
def test_full_disk(tmp_path: Path, compression: str | None, limit: int) -> None:
    """In a process of its own: HDF5 left to itself would kill it when it exits."""
    script = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
import numpy as np
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
h = np.random.default_rng(0).standard_normal((1000, 1, 1, 1, 128)).astype(np.complex64)
try:
    write(ChannelDataset(h, np.arange(128.0)), "a.h5", compression={compression!r})
except DataError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"a.h5: not written: .*; write less or elsewhere\n", done.stdout)
    assert not any(tmp_path.iterdir())


def test_full_disk_for_real(dataset: ChannelDataset, tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", tmp_path],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        big = ChannelDataset(channels(1000, 1, 1, 1, 128), np.arange(128.0))
        with pytest.raises(DataError, match="needs 0.00102 GB and"):
            write(big, tmp_path / "a.h5")
        with pytest.raises(DataError, match="a.h5: not written: the disk is full"):
            write(big, tmp_path / "a.h5", compression="gzip")
        assert not any(tmp_path.iterdir())
        write(dataset, tmp_path / "a.h5")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_format_page_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text()
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1), {})
    back = load("mine.h5")
    assert back.shape == (100, 4, 1, 1, 32) and back.meta.carrier_frequency == 3.5e9
    assert back.rx_array == ArrayGeometry.line(4)
    assert set(back.groups["day"]) == {"monday", "tuesday"}
