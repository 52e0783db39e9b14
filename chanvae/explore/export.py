"""One file that shows a run without a server: the page, and channels on a grid of the map."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chanvae.errors import DataError
from chanvae.explore.app import PAGE
from chanvae.explore.asked import PointAsked, TakeAsked, point_of
from chanvae.explore.drawing import Point, draw
from chanvae.explore.pictures import packed as pack
from chanvae.explore.plane import Axis
from chanvae.explore.site import Site
from chanvae.files import whole
from chanvae.run import Run

CELLS = 24, 18
"""Cells of the grid, across and up; those without training data near are left out."""
DRAWS = 3
"""Channels shown at each cell: seeds from 0."""
BAND = 32
"""Channels whose quantiles are shown at each cell."""
BYTES = 12_000_000
"""Size of the grid before it is compressed, about, at most."""


def export(
    run: Run,
    path: str | Path,
    seed: int = 0,
    overwrite: bool = False,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> dict[str, Any]:
    """Write the page with a precomputed grid.

    Args:
        run: The model.
        path: The file to write.
        seed: Seed of the first draw; the others follow it.
        overwrite: Replace a file that exists.
        progress: Called with how many cells are drawn, and of how many.

    Returns:
        ``kind``, ``cells``, ``draws`` and ``bytes`` of what was written.

    Raises:
        DataError: The model has no numeric condition to make a map of, or the file cannot be
            written.
    """
    site = Site(run)
    if not site.plane.axes:
        raise DataError("--export needs a map of conditions, and this model has no numeric one")
    grid = _grid(site, seed, progress)
    note = (
        f"A file written by chanvae explore --export: a precomputed grid of {len(grid['cells'])} "
        f"points with {grid['draws']} draws each; the nearest is shown. It has no decoder inside "
        "and asks nothing of any server"
    )
    told = {**site.told, "name": Path(str(run.directory or "run")).name}
    told["static"] = {**grid, "note": note}
    data = base64.b64encode(gzip.compress(json.dumps(told, allow_nan=False).encode(), 9, mtime=0))
    page = _assembled(data.decode())
    with whole(path, overwrite) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return {
        "kind": grid["kind"],
        "cells": len(grid["cells"]),
        "draws": grid["draws"],
        "bytes": len(page.encode()),
    }


def _grid(site: Site, seed: int, progress: Callable[[int, int], object]) -> dict[str, Any]:
    """Channels at the cells of the map that the training data fill."""
    axes, run = site.plane.axes, site.run
    across, up = CELLS if len(axes) == 2 else (CELLS[0], 1)
    centres = [_centres(axis, n) for axis, n in zip(axes, (across, up))]
    cells = [c for c in range(across * up) if _near(site, _values(axes, centres, c, across))]
    points, bands, shell = [], [], []
    for done, cell in enumerate(cells, 1):
        values = _values(axes, centres, cell, across)
        asked = [PointAsked(asked=dict(values), seed=seed + k) for k in range(DRAWS)]
        shown = [site.point(a) for a in asked]
        for one in shown:
            one["map"] = _halved(one["map"])
        points.append(shown)
        band = site.pictures.band(draw(run, Point(point_of(run, asked[0]).asked, seed), BAND))
        bands.append({k: band[k] for k in ("draws", "profile", "spectrum", "quantiles")})
        told = site.lines(TakeAsked(what="point", point=asked[0]))["shell"] or ""
        shell.append(told.replace(f"--seed {seed}", "--seed {seed}"))
        progress(done, len(cells))
        if done == 1:
            size = len(cells) * len(json.dumps([shown, bands[0]]))
            if size > BYTES:
                raise DataError(
                    f"--export: the grid would take {size >> 20} MiB; channels of this shape are "
                    "too large for one page: use `chanvae explore` without --export"
                )
    return {
        "kind": "precomputed grid",
        "across": across,
        "up": up,
        "cells": cells,
        "draws": DRAWS,
        "seed": seed,
        "points": points,
        "bands": bands,
        "shell": shell,
    }


def _centres(axis: Axis, n: int) -> list[float]:
    return [axis.value((k + 0.5) / n) for k in range(n)]


def _values(
    axes: tuple[Axis, ...], centres: list[list[float]], cell: int, across: int
) -> dict[str, float]:
    """Conditions in the middle of a cell."""
    places = cell % across, cell // across
    return {a.name: c[k] for a, c, k in zip(axes, centres, places)}


def _near(site: Site, values: dict[str, float]) -> bool:
    return site.plane.nearby(values).verdict == "inside"


def _halved(packed: dict[str, Any]) -> dict[str, Any]:
    """Every second row of a picture, the stronger of two."""
    image = np.frombuffer(base64.b64decode(packed["data"]), np.uint8)
    image = image.reshape(packed["rows"], packed["columns"])
    if len(image) < 32:
        return packed
    return pack(np.maximum.reduceat(image, np.arange(0, len(image), 2), axis=0))


def _assembled(data: str) -> str:
    """The page with style, script and data inside."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    style = (PAGE / "app.css").read_text(encoding="utf-8")
    script = (PAGE / "app.js").read_text(encoding="utf-8").replace("</script", r"<\/script")
    icon = base64.b64encode((PAGE / "icon.svg").read_bytes()).decode()
    licences = (PAGE / "licences.txt").read_text(encoding="utf-8")
    parts = {
        '<link rel="stylesheet" href="app.css">': f"<style>{style}</style>",
        'href="icon.svg"': f'href="data:image/svg+xml;base64,{icon}"',
        '<script src="app.js"></script>': (
            f'<script type="text/plain" id="grid">{data}</script>\n'
            f"<!--\n{licences}\n-->\n<script>{script}</script>"
        ),
    }
    for mark, part in parts.items():
        if page.count(mark) != 1:
            raise DataError("the page of chanvae is damaged; install chanvae again")
        page = page.replace(mark, part)
    return page
