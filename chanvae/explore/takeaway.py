"""What one takes along: a file of channels, and the lines that make the same without the page."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.explore.asked import (
    PointAsked,
    TakeAsked,
    WalkAsked,
    point_of,
    ranges_of,
    settled,
    written,
)
from chanvae.explore.drawing import draw, region_conditions
from chanvae.explore.held import Held
from chanvae.explore.latents import LatentSpace
from chanvae.explore.walks import stops, together
from chanvae.run import Run

OPTIONS = {"delay_spread": "--delay-spread", "angular_spread": "--angular-spread"}


def channels(
    run: Run, asked: TakeAsked, space: LatentSpace | None, held: Held | None, data: str | None
) -> ChannelDataset:
    """The channels that were asked for, as one set in memory.

    Raises:
        DataError: What was asked for is not said, or cannot be drawn.
    """
    if asked.what in ("point", "draws"):
        return draw(run, point_of(run, _said(asked.point, "point"), space), asked.n)
    if asked.what == "walk":
        return together(stops(run, _said(asked.walk, "walk"), space, held, data))
    region = _said(asked.region, "region")
    told: dict[str, Any] = {
        **region_conditions(run, region.n, region.seed, **ranges_of(run, region))
    }
    return run.sample(region.n, seed=region.seed, **told)


def lines(run: Run, asked: TakeAsked, data: str | None) -> dict[str, str | None]:
    """How to make the same without the page.

    Returns:
        ``python``: lines of Python; ``shell``: a command, or ``None`` where there is no option
        for it.
    """
    opened = f"run = chanvae.open_run({str(run.directory or 'run')!r})"
    if asked.what in ("point", "draws"):
        return _point(run, _said(asked.point, "point"), asked, opened, data)
    if asked.what == "walk":
        return _walk(run, _said(asked.walk, "walk"), opened, data)
    region = _said(asked.region, "region")
    ranges = ", ".join(f"{k}=({a!r}, {b!r})" for k, (a, b) in ranges_of(run, region).items())
    python = (
        "import chanvae\nfrom chanvae.explore import region_conditions\n\n"
        f"{opened}\nasked = region_conditions(run, {region.n}, seed={region.seed}, {ranges})\n"
        f"channels = run.sample({region.n}, seed={region.seed}, **asked)\n"
        f'chanvae.save(channels, "region.{asked.format}")\n'
    )
    return {"python": python, "shell": None}


def _point(
    run: Run, point: PointAsked, asked: TakeAsked, opened: str, data: str | None
) -> dict[str, str | None]:
    told = {name: settled(run, name, value) for name, value in point.asked.items()}
    file = f"{asked.what}.{asked.format}"
    more = f", noise={point.noise}" if point.noise else ""
    imported, space = "Point, draw", ""
    if point.moved:
        imported = "Point, draw, latent_space"
        space = f"space = latent_space(run{_data(data)})\n"
        m = point.moved
        more += f", moved=space.moved({m.across!r}, {m.up!r}, {m.to!r})"
    python = (
        f"import chanvae\nfrom chanvae.explore import {imported}\n\n{opened}\n{space}"
        f"point = Point({_plain(told)!r}, seed={point.seed}{more})\n"
        f'chanvae.save(draw(run, point, {asked.n}), "{file}")\n'
    )
    if point.noise or point.moved:
        return {"python": python, "shell": None}
    words = ["chanvae", "generate", str(run.directory or "run"), "-n", str(asked.n)]
    words += ["-o", f"{asked.what}.h5", "--seed", str(point.seed), "--again", "0", "--every"]
    for name, value in told.items():
        text = written(run.vector.column(name), value)
        words += [OPTIONS[name], text] if name in OPTIONS else ["--condition", f"{name}={text}"]
    if _beyond(run, told):
        words.append("--extrapolate")
    return {"python": python, "shell": shlex.join(words)}


def _walk(run: Run, walk: WalkAsked, opened: str, data: str | None) -> dict[str, str | None]:
    common = f"steps={walk.steps}, n={walk.n}"
    words = ["chanvae", "interpolate", str(run.directory or "run")]
    sized = ["--steps", str(walk.steps), "-n", str(walk.n), "-o", "walk.h5"]
    head = "import chanvae\nfrom chanvae.interpolate import "
    if walk.kind == "rows":
        i, j = walk.rows or (0, 0)
        bend = f"bend={walk.bend!r}"
        python = (
            f"{head}between\n\n{opened}\n"
            f"ends = run.dataset({data!r})[[{i}, {j}]]\n"
            f"stops = list(between(run, ends, {common}, seed={walk.seed}, {bend}))\n"
        )
        shell = [*words, "--between", str(i), str(j), "--bend", walk.bend]
        shell += [*(["--data", data] if data else []), *sized, "--seed", str(walk.seed)]
        return {"python": python, "shell": shlex.join(shell)}
    told = [{k: settled(run, k, v) for k, v in p.asked.items()} for p in (walk.start, walk.end)]
    if walk.kind == "latent":
        ends = ", ".join(
            f"Point({_plain(t)!r}, seed={p.seed}{f', noise={p.noise}' if p.noise else ''})"
            for t, p in zip(told, (walk.start, walk.end))
        )
        python = (
            f"{head}between\nfrom chanvae.explore import Point, as_read\n\n{opened}\n"
            f"ends = as_read(run, [{ends}])\n"
            f"stops = list(between(run, ends, {common}, seed={walk.seed}, bend={walk.bend!r}))\n"
        )
        return {"python": python, "shell": None}
    first, last = (_plain(t) for t in told)
    python = (
        f"{head}along_conditions\n\n{opened}\n"
        f"stops = list(along_conditions(\n    run, {first!r},\n    {last!r},\n"
        f"    {common}, seed={walk.start.seed}, extrapolate=True,\n))\n"
    )
    typed = [
        ",".join(f"{k}={written(run.vector.column(k), v)}" for k, v in t.items()) for t in told
    ]
    shell = [*words, "--from", typed[0], "--to", typed[1], *sized, "--seed", str(walk.start.seed)]
    if any(_beyond(run, t) for t in told):
        shell.append("--extrapolate")
    return {"python": python, "shell": shlex.join(shell)}


def _said(value: Any, name: str) -> Any:
    if value is None:
        raise DataError(f"say which {name} to take along")
    return value


def _beyond(run: Run, told: Mapping[str, Any]) -> bool:
    """Whether conditions are outside the range that is known."""
    columns = [(run.vector.column(k), v) for k, v in told.items()]
    return any(not c.low <= v <= c.high for c, v in columns if not c.categories)


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in told.items()}


def _data(data: str | None) -> str:
    return f", {str(Path(data))!r}" if data else ""
