"""What the page may ask: the shape of every request, conditions as the command line has them."""

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictInt, StrictStr

from chanvae.errors import DataError
from chanvae.explore.drawing import Point
from chanvae.explore.latents import LatentSpace
from chanvae.run import Run
from chanvae.transforms.condition_vector import LOGARITHMIC, Column
from chanvae.units import parse

FARTHEST = 100.0
"""Conditions above the largest known one times this are refused."""
_WRITTEN = {"s": ("ns", 1e9), "rad": ("deg", 180 / np.pi), "1": ("", 1.0)}

Name = Annotated[StrictStr, Field(min_length=1, max_length=64)]
Seed = Annotated[StrictInt, Field(ge=0, lt=2**31)]
Number = Annotated[FiniteFloat, Field(ge=-1e12, le=1e12)]
Value = Number | Annotated[StrictStr, Field(max_length=64)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MovedAsked(_Asked):
    """Coordinates in the map of latents."""

    across: Name
    up: Name
    to: tuple[Number, Number]


class PointAsked(_Asked):
    """A point and its noise."""

    asked: Annotated[dict[Name, Value], Field(max_length=32)] = {}
    seed: Seed = 0
    noise: Annotated[StrictInt, Field(ge=0, le=10**6)] = 0
    moved: MovedAsked | None = None


class Draws(_Asked):
    """Many draws at a point."""

    point: PointAsked
    n: Annotated[StrictInt, Field(ge=2, le=256)] = 64


class WalkAsked(_Asked):
    """A walk between two points, or two measured realisations.

    ``conditions`` goes straight in the conditions with the noise of the first point; ``latent``
    from the channel at one point to that at the other through the latent space; ``rows`` the
    same between measured realisations.
    """

    kind: Literal["conditions", "latent", "rows"] = "conditions"
    start: PointAsked = PointAsked()
    end: PointAsked = PointAsked()
    rows: tuple[Annotated[StrictInt, Field(ge=0)], Annotated[StrictInt, Field(ge=0)]] | None = None
    bend: Literal["linear", "spherical"] = "spherical"
    steps: Annotated[StrictInt, Field(ge=2, le=60)] = 25
    n: Annotated[StrictInt, Field(ge=1, le=32)] = 8
    seed: Seed = 0


class RegionAsked(_Asked):
    """A part of the map: condition -> least and largest value in SI units."""

    ranges: Annotated[dict[Name, tuple[Number, Number]], Field(min_length=1, max_length=8)]
    n: Annotated[StrictInt, Field(ge=1, le=5000)] = 500
    seed: Seed = 0


class TakeAsked(_Asked):
    """Something to take along, and how."""

    what: Literal["point", "draws", "walk", "region"]
    format: Literal["h5", "mat", "npz"] = "h5"
    point: PointAsked | None = None
    n: Annotated[StrictInt, Field(ge=1, le=256)] = 1
    walk: WalkAsked | None = None
    region: RegionAsked | None = None


class LatentMapAsked(_Asked):
    """Two directions of the latent space."""

    across: Name = "pc1"
    up: Name = "pc2"


def written(column: Column, value: Any) -> str:
    """A condition as one types it: ``81.23ns``, ``12.4deg``, ``1``."""
    if column.categories:
        return str(value)
    unit, factor = _WRITTEN.get(column.unit, (column.unit, 1.0))
    return f"{float(value) * factor:.4g}{unit}"


def settled(run: Run, name: str, value: float | str) -> Any:
    """A condition that was asked for, rounded to what one types.

    Raises:
        DataError: The model does not have it, or it is negative, too large or no category.
    """
    column = run.vector.column(name)
    if column.categories:
        found = [c for c in column.categories if str(c) == str(value) or c == value]
        if not found:
            column.check(np.array([value]), extrapolate=True)
        return found[0]
    if isinstance(value, str):
        raise DataError(f"{name}: {value[:20]!r} is not a number")
    if value < 0 and (column.low >= 0 or name in LOGARITHMIC):
        raise DataError(f"{name}: {written(column, value)} is negative")
    if abs(value) > FARTHEST * max(abs(column.low), abs(column.high)):
        raise DataError(
            f"{name}: {written(column, value)} is more than {FARTHEST:g} times what the training "
            f"data held, {written(column, column.high)}"
        )
    unit = column.unit if column.unit in _WRITTEN or column.unit != "1" else "1"
    return parse(written(column, value), unit, name)


def point_of(run: Run, asked: PointAsked, space: LatentSpace | None = None) -> Point:
    """The point that was asked for."""
    moved = None
    if asked.moved is not None:
        if space is None:
            raise DataError("the map of latents is not there yet; wait a moment")
        moved = space.moved(asked.moved.across, asked.moved.up, asked.moved.to)
    values = {name: settled(run, name, value) for name, value in asked.asked.items()}
    return Point(values, asked.seed, asked.noise, moved)


def ranges_of(run: Run, asked: RegionAsked) -> dict[str, tuple[float, float]]:
    """The region that was asked for, each range from low to high."""
    found: dict[str, tuple[float, float]] = {}
    for name, (low, high) in asked.ranges.items():
        if run.vector.column(name).categories:
            raise DataError(f"{name}: a region is of numbers, this condition has categories")
        if not low < high:
            raise DataError(f"{name}: the region is empty; its least value is below its largest")
        found[name] = (low, high)
    return found
