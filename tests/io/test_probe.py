"""Files that would hang or kill the HDF5 library, or that lead out of themselves, are one line."""

import os
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.errors import DataError
from chanvae.io import probe, touch
from chanvae.io.hdf5 import write
from chanvae.io.opened import opened


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught, opened(path):
        pass
    said = str(caught.value)
    assert "\n" not in said and said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")


def test_sound_files_are_looked_at_once_and_quickly(dataset, tmp_path: Path, monkeypatch) -> None:
    write(dataset, tmp_path / "a.h5")
    probe.sound(tmp_path / "a.h5")  # starts the child, which takes longer
    asked, ask = [], probe._Child.ask
    monkeypatch.setattr(
        probe._Child, "ask", lambda self, path, *how: asked.append(path) or ask(self, path, *how)
    )
    write(dataset, tmp_path / "b.h5")
    start = time.monotonic()
    for _ in range(5):
        probe.sound(tmp_path / "b.h5")
    assert time.monotonic() - start < 2  # 10 ms here, on machines that do much else more
    assert asked == [str(tmp_path / "b.h5")]
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file["more"] = 1
    probe.sound(tmp_path / "b.h5")
    assert len(asked) == 2, "a file that was changed is looked at again"


def test_external_link(dataset, tmp_path: Path) -> None:
    write(dataset, tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["inner/h"] = h5py.ExternalLink("a.h5", "/h")
    assert refusal(tmp_path / "b.h5").startswith("/inner/h lies in another file; copy what it")


def test_external_storage_and_virtual_sources(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("h", (4,), "f8", external=[("raw.bin", 0, 32)])
    with h5py.File(tmp_path / "b.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "h", (4,))
        file.create_virtual_dataset("v", layout)
    assert refusal(tmp_path / "a.h5").startswith("/h lies in another file")
    assert refusal(tmp_path / "b.h5").startswith("/v lies in another file")


def test_virtual_sources_in_the_same_file_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["h"] = np.arange(4.0)
        layout = h5py.VirtualLayout((8,), "f8")
        layout[:4] = layout[4:] = h5py.VirtualSource(".", "h", (4,))
        file.create_virtual_dataset("v", layout)
    with opened(tmp_path / "a.h5") as file:
        assert file["v"][:].tolist() == [0, 1, 2, 3] * 2


def test_a_shape_that_the_file_cannot_hold(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("h", (10**9, 64), np.complex64, chunks=(1000, 64))
    assert refusal(tmp_path / "a.h5").startswith("/h declares 512 GB of shape (1000000000, 64)")


def test_a_shape_that_compression_explains_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("h", data=np.zeros(12 << 20), compression="gzip", shuffle=True)
    assert (tmp_path / "a.h5").stat().st_size < 1 << 18
    with opened(tmp_path / "a.h5") as file:
        assert not file["h"][:].any()


@pytest.mark.parametrize(
    ("formats", "offsets", "size", "wrong"),
    [
        (["f8", "f8"], [0, 8], 16, False),
        (["f4", "f4"], [4, 0], 8, False),
        (["f4", "f4"], [0, 8], 16, False),
        (["f8", "f4"], [0, 4], 8, True),
        (["f4", "f4"], [0, 0], 8, True),
    ],
)
def test_fields_that_overlap(formats: list, offsets: list, size: int, wrong: bool) -> None:
    """A flipped byte makes such a type; HDF5 reads it beyond the memory it was given."""
    parts = {"names": ["r", "i"], "formats": formats, "offsets": offsets, "itemsize": size}
    assert touch._overlaps(np.dtype(parts)) is wrong


@pytest.mark.parametrize("fault", ["hang", "crash"])
def test_a_child_that_hangs_or_dies_is_replaced(dataset, tmp_path: Path, monkeypatch, fault):
    """A child that stops in the middle stands for the library; the next file is looked at."""
    write(dataset, tmp_path / "a.h5")
    write(dataset, tmp_path / "b.h5")
    does = {"hang": "time.sleep(60)", "crash": "os.kill(os.getpid(), 9)"}[fault]
    stub = f"import os, sys, time; print(end='.', flush=True); sys.stdin.readline(); {does}"
    monkeypatch.setattr(probe, "_PATIENCE", 0.5)
    child = probe._Child()
    child._process = subprocess.Popen(
        [sys.executable, "-c", stub], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child._process.stdout is not None
    probe._wait(child._process.stdout, 60)
    assert "reading it hangs or crashes" in child.ask(str(tmp_path / "a.h5"))
    monkeypatch.setattr(probe, "_PATIENCE", 10)
    assert child.ask(str(tmp_path / "b.h5")) == ""
    child.stop()


def test_a_fork_has_a_child_of_its_own(dataset, tmp_path: Path, monkeypatch) -> None:
    write(dataset, tmp_path / "a.h5")
    probe.sound(tmp_path / "a.h5")
    mine = probe._child()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    monkeypatch.setattr("atexit.register", lambda action: None)
    other = probe._child()
    assert other is not mine
    probe._children[:] = [mine]
