"""``chanvae simulate`` as it is typed, and every command of docs/simulate.md."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

import chanvae
from chanvae.cli import main
from chanvae.io.scenarios import ALL
from tests.io.simulation.test_traced import traces

DOCS = (Path(__file__).parents[2] / "docs" / "simulate.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^chanvae simulate .*", DOCS, re.MULTILINE)]


def call(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["chanvae", "simulate", *words])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[2])
def test_the_commands_of_the_documentation(monkeypatch, capsys, tmp_path, words):
    """As they stand there, of eight realisations."""
    if words[2].startswith("rt:") and not traces():
        pytest.skip("no ray tracer here: its LLVM is missing")
    monkeypatch.chdir(tmp_path)
    few = [*words[2:], "--workers", "1", "--json"]
    few[few.index("-n") + 1] = "8"
    code, out, err = call(monkeypatch, capsys, *few)
    assert (code, err) == (0, "")
    found = chanvae.load(tmp_path / json.loads(out)["path"])
    assert len(found) == 8
    documented = set(re.findall(r"`(\w+)`", DOCS))
    assert set(found.conditions) <= documented
    assert found.meta.provenance["command"].startswith(f"chanvae simulate {words[2]} ")


def test_the_documentation_names_every_scenario():
    letters = {f"{kind}-{letter}" for kind in ("CDL", "TDL") for letter in "BCD"}
    assert set(ALL) - letters <= set(re.findall(r"`([\w:-]+)`", DOCS))


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["UMy"], 1, "did you mean UMi?"),
        (["UMi", "--speed", "3"], 1, "--speed: '3': a bare number has no unit"),
        (["UMi", "--speed", "9m/s..3m/s"], 1, "write the lowest first"),
        (["TDL-A", "--delay-spread", "30"], 1, "--delay-spread: '30': a bare number has no unit"),
        (["UMi", "--rx-array", "2x2x3"], 1, "rows x columns x polarisations, such as 2x8x2"),
        (["UMi", "--grid", "1m"], 1, "UMi has no map"),
        (["rt:munich", "--grid", "1"], 1, "--grid: '1': a bare number has no unit"),
        (["rt:munich", "--centre", "1m"], 2, "write two, such as 45m,90m"),
        (["UMi", "--indoor", "80"], 2, "0<=x<=1"),
        (["UMi", "--workers", "0"], 2, "--workers"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(monkeypatch, capsys, tmp_path, words, code, says):
    monkeypatch.chdir(tmp_path)
    got, _, err = call(monkeypatch, capsys, *words, "-n", "5", "-o", "s.h5")
    assert got == code, err
    assert says in err
    if code == 1:
        assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_refused_before_anything_is_drawn(monkeypatch, capsys, tmp_path):
    (tmp_path / "s.h5").write_text("mine")
    code, _, err = call(monkeypatch, capsys, "UMi", "-n", "5", "-o", str(tmp_path / "s.h5"))
    assert code == 1
    assert "--overwrite" in err
    assert (tmp_path / "s.h5").read_text() == "mine"
