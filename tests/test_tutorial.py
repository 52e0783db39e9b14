"""The notebooks of the tutorial run from top to bottom, and their claims hold."""

import json
from pathlib import Path

import matplotlib as mpl
import pytest

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial"
NOTEBOOKS = sorted(TUTORIAL.glob("*.ipynb"))


def cells(path: Path) -> list[str]:
    notebook = json.loads(path.read_text())
    assert all(not c.get("outputs") for c in notebook["cells"]), (
        "notebooks are kept without output"
    )
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs(path, monkeypatch):
    monkeypatch.chdir(TUTORIAL)
    with mpl.rc_context({"backend": "agg"}):
        import matplotlib.pyplot as plt

        names: dict = {}
        for number, code in enumerate(cells(path)):
            exec(compile(code, f"{path.name}, cell {number}", "exec"), names)
        assert "figure" in names
        plt.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_can_be_read(path):
    for code in cells(path):
        compile(code, path.name, "exec")
