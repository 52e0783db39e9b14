"""docs/export.md: its commands run, its MATLAB reads what is there and computes the channel."""

import re
import shlex
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.cli import main
from chanvae.io.convert import save
from chanvae.run import Run
from tests.conftest import paths

DOCS = (Path(__file__).parents[2] / "docs" / "export.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, flags=re.DOTALL)


def test_its_commands_run(run: Run, tmp_path, monkeypatch):
    run.save(tmp_path / "run")
    save(paths(50), tmp_path / "measured.h5")
    monkeypatch.chdir(tmp_path)
    middle = np.median(run.known["delay_spread"]) * 1e9
    lines = "".join(blocks("sh")).splitlines() + re.findall(r"`(chanvae export m.*?)`", DOCS)
    for line in lines:
        if "--onnx" in line:  # twenty seconds: tests/exports/test_onnx.py has it among the slow
            continue
        words = shlex.split(line.replace("60ns", f"{middle}ns"))
        more = ["-n", "100", "--overwrite"] if words[1] == "export" else []
        monkeypatch.setattr(sys, "argv", [*words, *more])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, line
    assert (tmp_path / "generated.mat").is_file()
    assert (tmp_path / "taps.csv").is_file() and (tmp_path / "taps.json").is_file()


def channel(file: Path, index: int, rate: float):
    """The function of the documentation, line by line."""
    with h5py.File(file) as m:  # MATLAB sees the axes the other way round
        freq, times = m["freq"][:].T[:, 0], m["time"][:].T[:, 0]
        h = m["h"][:].T[index - 1 : index]
    h = h["real"] + 1j * h["imag"]
    _, rx, tx, _, n = h.shape
    df = (freq[-1] - freq[0]) / (n - 1)
    delays = np.arange(n) / (n * df)
    delays[delays >= 7 / (8 * df)] -= 1 / df
    a = np.exp(2j * np.pi * delays[:, None] * freq) / n @ h[0].transpose(3, 2, 1, 0).reshape(n, -1)
    gains = a.reshape(n, len(times), tx, rx).transpose(1, 0, 2, 3)
    lead = 16 + int(np.ceil(-delays.min() * rate))
    k = np.arange(lead + 16 + int(np.ceil(delays.max() * rate)) + 1)[:, None] - lead
    return gains, np.sinc(k - delays * rate), lead, freq, h[0]


@pytest.mark.parametrize("wider", [1, 4])
def test_its_matlab_gives_the_channel(tmp_path, wider):
    """At the bandwidth to rounding; at four times it as well as a cut sinc does, amid the band."""
    dataset = paths(3, rx=4, freq=32)
    save(dataset, tmp_path / "c.mat")
    script = blocks("matlab")[0]
    with h5py.File(tmp_path / "c.mat") as file:
        assert {"h", "freq", "time"} <= set(re.findall(r"\bm\.(\w+)", script)) <= set(file)
    gains, filters, lead, freq, h = channel(tmp_path / "c.mat", 2, wider * dataset.bandwidth)
    assert gains.shape == (1, 32, 1, 4)
    taps = np.arange(len(filters)) - lead
    wave = np.exp(-2j * np.pi * np.outer(freq, taps) / (wider * dataset.bandwidth)) @ filters
    seen = np.einsum("fp,tpxr->rxtf", wave, gains)
    amid = slice(None) if wider == 1 else slice(8, 24)
    error = np.abs(seen - h)[..., amid].max() / np.abs(h).max()
    assert error < (1e-5 if wider == 1 else 0.05)
