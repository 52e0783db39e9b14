"""The page as one file: what it needs is in it, and it says what it is."""

import base64
import gzip
import json
import re
import sys

import numpy as np
import pytest

from chanvae.cli import main
from chanvae.errors import DataError
from chanvae.explore import Point, draw
from chanvae.explore import export as exporting
from chanvae.explore.pictures import Pictures


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(exporting, "CELLS", (4, 3))


def told(page: str) -> dict:
    data = re.search(r'id="grid">([^<]+)<', page)
    assert data
    return json.loads(gzip.decompress(base64.b64decode(data[1])))


def test_the_command_writes_one_file(filed, tmp_path, monkeypatch, capsys):
    path = tmp_path / "page.html"
    words = ["chanvae", "explore", str(filed.directory), "--export", str(path), "--json"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    said = json.loads(capsys.readouterr().out)
    assert said["kind"] == "precomputed grid"
    assert said["bytes"] == path.stat().st_size
    page = path.read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    site = told(page)
    assert "precomputed grid" in site["static"]["note"]
    first = site["static"]["points"][0][1]
    point = Point({k: first["asked"][k] for k in first["asked"]}, seed=1)
    picture = Pictures(filed.template).of(draw(filed, point))[0]
    assert first["profile"] == picture["profile"]
    assert len(site["static"]["cells"]) == said["cells"] == len(site["static"]["bands"])
    with pytest.raises(SystemExit) as end:  # it is there already
        main()
    assert end.value.code == 1


def test_channels_too_large_for_a_page_are_refused_before_they_are_drawn(
    filed, tmp_path, monkeypatch
):
    monkeypatch.setattr(exporting, "BYTES", 1000)
    with pytest.raises(DataError, match="too large for one page"):
        exporting.export(filed, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_a_picture_with_half_the_rows_keeps_its_peaks():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 8)).astype(np.uint8)
    data = base64.b64encode(image.tobytes()).decode()
    half = exporting._halved({"rows": 40, "columns": 8, "data": data})
    found = np.frombuffer(base64.b64decode(half["data"]), np.uint8).reshape(20, 8)
    np.testing.assert_array_equal(found, image.reshape(20, 2, 8).max(1))
