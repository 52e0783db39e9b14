"""``chanvae fit --split`` and what ``chanvae evaluate`` then says, from end to end."""

import dataclasses
import json
import sys

import numpy as np
import pytest

from chanvae.cli import main
from chanvae.io.hdf5 import write
from chanvae.run import open_run
from tests.conftest import SHORT, paths


def call(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["chanvae", *words])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr()
    return end.value.code or 0, told.out, told.err


@pytest.fixture
def file(tmp_path):
    data = dataclasses.replace(paths(700), groups={"day": np.arange(700) // 20})
    write(data, tmp_path / "data.h5")
    return str(tmp_path / "data.h5")


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("group:day", "values of day"),
        ("hole:delay_spread=100ns..130ns", "delay_spread from 100 ns to 130 ns"),
        ("time:0.8", "the latest times"),
    ],
)
def test_a_run_keeps_its_split(monkeypatch, capsys, tmp_path, file, how, what, undrawn):
    folder = str(tmp_path / "run")
    short = [w for s in SHORT for w in ("--set", s)]
    words = ["fit", "--data", file, "-o", folder, "--quick", "--split", how, *short]
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 0, err
    run = open_run(folder)
    assert run.config.data.split == how
    parts = run.split(run.dataset())
    assert parts.what == what and len(parts.known) == 35
    code, text, _ = call(monkeypatch, capsys, "evaluate", folder, "-n", "200", "--quick", "--json")
    told = json.loads(text)
    assert code == 0 and told["carry"]["what"] == what
    assert told["measured"]["n"] == len(parts.known)
    assert told["carry"]["n"] == len(parts.test)
    assert told["training"]["n"] == len(parts.train)
    if how.startswith("hole"):
        spread = run.dataset().conditions["delay_spread"][parts.test]
        assert ((spread >= 100e-9) & (spread <= 130e-9)).all()


def test_a_split_that_cannot_be_made_leaves_nothing(monkeypatch, capsys, tmp_path, file):
    folder = tmp_path / "run"
    words = ["fit", "--data", file, "-o", str(folder), "--quick", "--split", "time:2"]
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 1 and "time:2" in err and err.count("\n") == 1
    assert not folder.exists()
