"""The page in the package is the one that web/ builds."""

import shutil
import subprocess
from pathlib import Path

import pytest

from chanvae.explore.app import PAGE, SERVED

WEB = Path(__file__).parents[2] / "web"


def test_all_that_is_served_is_in_the_package():
    assert {p.name for p in Path(str(PAGE)).iterdir()} == {name for name, _ in SERVED.values()}
    for name in ("index.html", "icon.svg"):
        assert (PAGE / name).read_bytes() == (WEB / "src" / name).read_bytes()
    assert "MIT License" in (PAGE / "licences.txt").read_text()


def test_nothing_in_it_asks_the_network():
    for name, _ in SERVED.values():
        text = (PAGE / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//cdn" not in text
        assert "https://" not in text.replace("https://github.com", "")


@pytest.mark.slow
def test_it_is_built_from_its_sources(tmp_path):
    if not (WEB / "node_modules" / "esbuild").is_dir() or not shutil.which("node"):
        pytest.skip("no node_modules in web/: make page")
    shutil.copytree(WEB, tmp_path / "web", symlinks=True)
    (tmp_path / "chanvae" / "explore" / "page").mkdir(parents=True)
    subprocess.run(["node", "build.mjs"], cwd=tmp_path / "web", check=True)
    for path in (tmp_path / "chanvae" / "explore" / "page").iterdir():
        assert path.read_bytes() == (PAGE / path.name).read_bytes(), f"{path.name}: run make page"
