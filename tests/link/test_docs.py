"""Every command of docs/link.md does what it says."""

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chanvae.cli import main
from chanvae.io.hdf5 import write
from chanvae.presets import configure
from chanvae.training.fit import fit
from tests.conftest import SHORT, paths

PAGE = (Path(__file__).parents[2] / "docs" / "link.md").read_text()
README = (Path(__file__).parents[2] / "README.md").read_text()
LITTLE = ["blocks=32", "errors=8", "step_db=4", "draws=64", "batch=32"]


def test_the_commands_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = paths(300)
    write(replace(data, meta=replace(data.meta, carrier_frequency=3.5e9)), "measured.h5")
    fit("measured.h5", "run", configure("quick", SHORT))
    for line in re.findall(r"^chanvae .*", PAGE, flags=re.MULTILINE):
        words = shlex.split(line)
        if words[1] == "link":
            words += [w for s in LITTLE for w in ("--set", s)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code, line
    lines = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[1]
    with torch.random.fork_rng(devices=[]):
        from sionna.phy.ofdm import ResourceGrid

        exec(lines, {"resource_grid": ResourceGrid(2, 16, 1e6)})
    for name in ("link/link.png", "line.h5", "line.png", "path.h5", "path.png", "exact.h5"):
        assert (tmp_path / name).is_file(), name
