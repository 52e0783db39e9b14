"""The commands of docs/family.md do what they say; its tables name every choice."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from chanvae.benchmark.plan import MODELS
from chanvae.cli import main
from tests.conftest import SHORT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "family.md").read_text()
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
    for line in block.splitlines()
]


def test_every_kind_is_in_the_table():
    table = PAGE[: PAGE.index("The first three")]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(MODELS)


def run(words: list[str], monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, words


@pytest.mark.slow
def test_the_commands_of_the_page(tmp_path, monkeypatch):
    (tmp_path / "datasets").mkdir()
    shutil.copy(ROOT / "datasets" / "umi_8x32.h5", tmp_path / "datasets")
    monkeypatch.chdir(tmp_path)
    for words in COMMANDS:
        if words[1] == "fit":  # N(0, I) has nothing to fit
            few = [s for s in SHORT if not ("standard" in " ".join(words) and "prior" in s)]
            words = [*words, *(w for s in few for w in ("--set", s))]
        else:
            words = [w if not re.fullmatch(r"\d+s", w) else "10s" for w in words]
            words += ["-n", "64"]
        run(words, monkeypatch)
    for name in (
        "vae/card.md",
        "powers/card.md",
        "benchmark/benchmark.html",
        "sweep/benchmark.json",
    ):
        assert (tmp_path / name).is_file(), name
