"""Every command and every line of Python in the README's quick start does what it says."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from chanvae.cli import COMMANDS, main
from tests.conftest import SHORT, SHORT_DEFAULT

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def commands(block: str) -> list[list[str]]:
    return [shlex.split(line) for line in block.splitlines() if line.startswith("chanvae ")]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the sample in it, and presets cut short so that the test is quick."""
    (tmp_path / "datasets").mkdir()
    shutil.copy(ROOT / "datasets" / "umi_8x32.h5", tmp_path / "datasets")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch, words: list[str]) -> None:
    if words[1] == "fit":
        little = SHORT if "--quick" in words else SHORT_DEFAULT
        words = [*words, *(w for s in little for w in ("--set", s))]
    if words[1] == "evaluate":
        words = [*words, "--quick"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, words


def test_the_quick_start_on_the_command_line(place, monkeypatch):
    for words in commands(blocks("sh")[1]):
        run(monkeypatch, words)
    assert (place / "run" / "evaluation" / "report.html").is_file()
    assert (place / "short.h5").is_file()


def test_the_quick_start_in_python(place, monkeypatch, capsys):
    import chanvae

    whole = chanvae.configure
    monkeypatch.setattr(chanvae, "configure", lambda name: whole(name, SHORT), raising=False)
    exec(blocks("python")[0], {})
    assert "delay" in capsys.readouterr().out


def test_a_foreign_file_is_read_as_the_readme_says(place, monkeypatch):
    import h5py
    import numpy as np

    import chanvae

    rng = np.random.default_rng(0)
    taps = rng.normal(size=(400, 32)) * np.exp(-np.arange(32) / 6)
    with h5py.File("measured.h5", "w") as file:
        file["H"] = (taps * np.exp(2j * np.pi * rng.random((400, 32)))).astype(np.complex64)
        file["file_id"] = np.repeat(np.arange(20), 20)
    for words in commands(blocks("sh")[2]):
        run(monkeypatch, words)
    assert "Split: values of file_id held out" in (place / "run" / "card.md").read_text()
    for block in blocks("sh"):
        for words in commands(block):
            if words[1] == "convert":
                run(monkeypatch, words)
    back, rows = chanvae.load("channels.h5"), chanvae.load("channels.mat")
    np.testing.assert_allclose(back.h[:], rows.h[:], atol=1e-6 * abs(rows.h[:]).max())
    np.testing.assert_array_equal(back.groups["file_id"], np.repeat(np.arange(20), 20))


@pytest.mark.slow
def test_a_fit_starts_from_a_simulated_street(place, monkeypatch):
    shutil.copy(place / "datasets" / "umi_8x32.h5", "measured-8x32.h5")
    for words in commands(blocks("sh")[3]):
        run(monkeypatch, [{"50000": "300"}.get(word, word) for word in words])
    assert str(place / "street") in (place / "run" / "card.md").read_text()


def test_every_command_is_in_the_table():
    table = re.findall(r"^\| `chanvae (\w+)", README, flags=re.MULTILINE)
    assert table == list(COMMANDS)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_every_page_is_in_the_table_of_contents():
    """`make docs` builds them; .ci/run calls it."""
    listed = re.search(r"```{toctree}\n(.*?)```", (ROOT / "docs" / "index.md").read_text(), re.S)
    assert listed is not None
    pages = {p.stem for p in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages == {
        line for line in listed[1].split() if not line.startswith(":") and line != "2"
    }
