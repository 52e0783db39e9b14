"""Paths: straight in the conditions, or through the latent space between two realisations."""

import json
import re

import numpy as np
import pytest
import torch

import chanvae
from chanvae.errors import DataError
from chanvae.interpolate import _latent, along_conditions, between, line
from chanvae.stats.conditions import with_channel_conditions
from tests.cli.test_main import call


def test_a_line_is_straight_in_the_logarithm_of_spreads():
    stops = line({"delay_spread": 3e-8, "height": 1.0}, {"delay_spread": 3e-7, "height": 2.0}, 3)
    positions, conditions = zip(*stops)
    assert positions == (0.0, 0.5, 1.0)
    np.testing.assert_allclose(
        [c["delay_spread"] for c in conditions], [3e-8, 9.4868e-8, 3e-7], 1e-4
    )
    assert [c["height"] for c in conditions] == [1.0, 1.5, 2.0]
    for start, end, says in (
        ({"a": 1.0}, {"b": 1.0}, "the same conditions at both ends"),
        ({"delay_spread": 0.0}, {"delay_spread": 1.0}, "above 0"),
    ):
        with pytest.raises(DataError, match=says):
            line(start, end, 3)
    with pytest.raises(DataError, match="at least its two ends"):
        line({"a": 1.0}, {"a": 2.0}, 1)


def test_great_circles_keep_the_length_and_lines_do_not():
    a, b = torch.tensor([[3.0, 0.0, 0.0]]), torch.tensor([[0.0, 3.0, 0.0]])
    middle = _latent(a, b, 0.5, "spherical")
    torch.testing.assert_close(middle, torch.tensor([[3.0, 3.0, 0.0]]) / 2**0.5)
    assert _latent(a, b, 0.5, "linear").norm() < 2.2
    for bend in ("linear", "spherical"):
        torch.testing.assert_close(_latent(a, b, 0.0, bend), a)
        torch.testing.assert_close(_latent(a, b, 1.0, bend), b)
        torch.testing.assert_close(_latent(a, a, 0.3, bend), a)


def test_along_conditions(run):
    low, high = np.quantile(run.known["delay_spread"], [0.2, 0.8])
    stops = list(along_conditions(run, {"delay_spread": low}, {"delay_spread": high}, 3, 200))
    medians = [step.achieved["delay_spread"][1] for step, _ in stops]
    assert medians[0] < medians[1] < medians[2]
    step, made = stops[1]
    assert len(made) == 200 and step.power.shape == (4, 16)
    assert made.groups["step"].tolist() == [1] * 200
    found = with_channel_conditions(made).conditions["delay_spread"]
    np.testing.assert_allclose(made.conditions["achieved_delay_spread"], found)
    with pytest.raises(DataError, match="outside what the"):
        next(along_conditions(run, {"delay_spread": low}, {"delay_spread": 1.0}))


@pytest.mark.parametrize("bend", ["linear", "spherical"])
def test_a_latent_path_begins_and_ends_at_its_realisations(run, measured, bend):
    """The strongest path, its gain and its phase are those of the ends."""
    ends = with_channel_conditions(measured)[np.array([3, 8])]
    stops = [made.h[:] for _, made in between(run, ends, 5, 50, bend=bend)]
    for made, want in ((stops[0], ends.h[0]), (stops[-1], ends.h[1])):
        power = np.square(np.abs(made)).mean((1, 2, 3, 4))
        np.testing.assert_allclose(power, np.square(np.abs(want)).mean(), rtol=1e-3)
        same = np.abs((made * want.conj()).sum((1, 2, 3, 4))) / np.linalg.norm(
            made.reshape(50, -1), axis=1
        )
        assert np.median(same) / np.linalg.norm(want) > 0.3, "strangers correlate with 0.1"
    near = [np.linalg.norm(a - b) for a, b in zip(stops, stops[1:])]
    assert max(near) < np.linalg.norm(stops[0] - stops[-1]) * 1.5
    with pytest.raises(DataError, match="2 realisations, not 3"):
        next(between(run, measured[:3]))


def test_on_the_command_line(monkeypatch, capsys, run, tmp_path):
    low, high = (f"{1e9 * v:.1f}ns" for v in np.quantile(run.known["delay_spread"], [0.3, 0.7]))
    out = str(tmp_path / "I.h5")
    words = ["interpolate", str(run.directory), "-o", out, "--steps", "3", "-n", "40"]
    path = ["--from", f"delay_spread={low},los=1", "--to", f"delay_spread={high},los=1"]
    code, text, err = call(monkeypatch, capsys, *words, *path, "--json")
    assert (code, err) == (0, "")
    told = json.loads(text)
    assert [s["position"] for s in told["steps"]] == [0, 0.5, 1]
    assert told["steps"][1]["achieved"]["delay_spread"]["median"] > 0
    made = chanvae.load(out)
    assert len(made) == 120 and set(made.groups["step"]) == {0, 1, 2}
    assert made.condition_units["achieved_angular_spread"] == "rad"
    assert (tmp_path / "I.png").read_bytes().startswith(b"\x89PNG")
    asked = [f"{end},angular_spread=40deg" for end in path[1::2]]
    three = ["--from", asked[0], "--to", asked[1], "--overwrite"]
    code, text, _ = call(monkeypatch, capsys, *words, *three)
    table = text.splitlines()
    assert code == 0 and "50%" in text and out in text
    assert len(table) == 1 + 5 + 1 + 3 + 3, f"at 80 columns a stop takes one line:\n{text}"
    assert max(map(len, table[:-2])) <= 80 and "…" not in text
    ends = re.findall(r"^ *(?:0|50|100)%\s(.*)$", text, flags=re.MULTILINE)
    assert [len(numbers.split()) for numbers in ends] == [9] * 3
    assert text.count("(ns)") == 2 and text.count("(deg)") == 2
    for more, says in (
        (path, "exists; add --overwrite"),
        (["--from", "delay_spread=30ns", "--overwrite"], "--from and --to, or --between I J"),
        (["--from", "delay_spread", "--to", "x=1", "--overwrite"], "write NAME=VALUE"),
        (["--from", "speed=1", "--to", "speed=2", "--overwrite"], "not a condition of this model"),
        (["--between", "1", "2", "--overwrite"], "name their file with --data"),
    ):
        code, _, err = call(monkeypatch, capsys, *words, *more)
        assert code in (1, 2) and says in err, err
