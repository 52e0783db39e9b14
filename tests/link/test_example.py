"""The example is under 40 lines and gives what it says."""

import re
import runpy
import sys
from pathlib import Path

import torch

EXAMPLE = Path(__file__).parents[2] / "examples" / "pusch.py"


def test_a_tutorials_link_over_a_fitted_model(run, monkeypatch, capsys):
    assert len(EXAMPLE.read_text().splitlines()) < 40
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), str(run.directory)])
    with torch.random.fork_rng(devices=[]):
        from sionna.phy import config

        before = config.seed
        runpy.run_path(str(EXAMPLE), run_name="__main__")
        config.seed = before
    rates = [float(r) for r in re.findall(r"BLER ([\d.]+)", capsys.readouterr().out)]
    assert len(rates) == 5
    assert rates[0] > 0.9
    assert rates[-1] < 0.2
    assert all(a >= b - 0.1 for a, b in zip(rates, rates[1:]))
