"""docs/explore.md: its commands are understood, its Python runs; a run that is none is refused."""

import re
import shlex
import sys
from pathlib import Path

import pytest

import chanvae
from chanvae.cli import main
from chanvae.explore import export as exporting

DOCS = (Path(__file__).parents[2] / "docs" / "explore.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, flags=re.DOTALL)


def ended(monkeypatch, words: list[str]) -> int:
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_its_commands_run(filed, tmp_path, monkeypatch):
    """All but listening is done; that is what the other tests do."""
    served: list[tuple] = []
    monkeypatch.setattr("chanvae.explore.serve.serve", lambda *given: served.append(given[1:4]))
    monkeypatch.setattr(exporting, "CELLS", (3, 2))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(filed.directory)
    for line in "".join(blocks("sh")).splitlines():
        if line.startswith("chanvae"):
            assert not ended(monkeypatch, shlex.split(line)), line
    assert served == [("127.0.0.1", 8000, ""), ("0.0.0.0", 8000, "correct-horse")]
    assert (tmp_path / "page.html").is_file()


def test_its_python_runs(filed, monkeypatch):
    monkeypatch.setattr(chanvae, "open_run", lambda path: filed, raising=False)
    made: dict = {}
    exec(blocks("python")[0], made)
    assert len(made["channels"]) == 200
    assert len(made["moved"]) == len(made["other"]) == 1


def test_a_run_that_is_none_is_refused(tmp_path, monkeypatch, capsys):
    assert ended(monkeypatch, ["chanvae", "explore", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "not a run directory" in said and said.count("\n") == 1
    assert ended(monkeypatch, ["chanvae", "explore", str(tmp_path), "--port", "70000"]) == 2
