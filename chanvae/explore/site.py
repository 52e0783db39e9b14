"""One run as the page sees it: the map at once, the measured realisations when they are read."""

import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

import chanvae
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.explore.asked import (
    LatentMapAsked,
    PointAsked,
    RegionAsked,
    TakeAsked,
    WalkAsked,
    point_of,
    ranges_of,
)
from chanvae.explore.drawing import draw
from chanvae.explore.held import DEFINITION, Held, drawn_space, hold, label_kinds
from chanvae.explore.latents import LatentSpace, summary
from chanvae.explore.pictures import Pictures, packed
from chanvae.explore.plane import Plane
from chanvae.explore.takeaway import channels, lines
from chanvae.explore.walks import frames, stops
from chanvae.io.read import load
from chanvae.run import Run
from chanvae.stats.conditions import UNITS, with_channel_conditions

UPLOADED = 5000
"""Realisations of an uploaded file that are placed on the map, at most."""
SCATTER = 2000
"""Measured realisations that are sent to be drawn as points, at most."""


BAND = 1 << 27
"""Bytes of the draws of a band, about, at most."""


class Site:
    """A run and what is kept of its data; every method answers one question of the page.

    Args:
        run: The model.
        data: The file the run was fitted on, if it has moved.
    """

    def __init__(self, run: Run, data: str | None = None) -> None:
        self.run, self.data = run.to("cpu"), data
        self.plane, self.pictures = Plane.of(run), Pictures(run.template)
        self.held: Held | None = None
        self.space: LatentSpace | None = None
        self.step, self.problem = "waiting", ""
        self._started = threading.Lock()

    def read(self, proceed: Callable[[], object] = lambda: None) -> None:
        """Read the measured realisations, once; what goes wrong is kept to be told.

        Args:
            proceed: Called before every step; what it raises ends the reading.
        """
        if not self._started.acquire(blocking=False):
            return
        try:

            def say(step: str) -> None:
                proceed()
                self.step = step

            self.held = hold(self.run, self.data, say)
            self.space = self.held.space
        except (DataError, OSError) as error:
            self.problem = " ".join(str(error).split())
            self.space = drawn_space(self.run)
        finally:
            if self.space is None:
                self.problem = "the measured set could not be read; see the terminal"
            self.step = "done"

    @cached_property
    def told(self) -> dict[str, Any]:
        """What the page needs to begin: axes, conditions, density, points, a place to start."""
        density = self.plane.density()
        peak = max(int(density.max()), 1)
        points = np.round(self.plane.points(), 4)
        return {
            "version": chanvae.__version__,
            "name": str(self.run.directory or "run"),
            "static": None,
            "axes": [asdict(a) for a in self.plane.axes],
            "conditions": [
                {
                    "name": c.name,
                    "unit": c.unit,
                    "low": c.low,
                    "high": c.high,
                    "categories": [str(v) for v in c.categories],
                    "on_map": c.name in {a.name for a in self.plane.axes},
                }
                for c in self.run.vector.columns
            ],
            "spreads": UNITS,
            "realisations": self.run.realisations,
            "training": len(self.plane),
            "density": packed(np.sqrt(density / peak) * 255),
            "peak": peak,
            "points": points.tolist(),
            "start": self._start(),
            "pictures": self.pictures.axes(),
            "shape": list(self.run.template.shape[1:]),
            "carrier": _finite(self.run.template.meta.carrier_frequency),
            "bandwidth": _finite(self.run.template.bandwidth),
            "distance": DEFINITION,
        }

    def _start(self) -> dict[str, float]:
        """A point in the middle of the training data."""
        return {k: float(np.median(v)) for k, v in self.plane.known.items()}

    def state(self) -> dict[str, Any]:
        """How far the measured realisations are."""
        return {"step": self.step, "problem": self.problem, "held": self.held is not None}

    def measured(self) -> dict[str, Any]:
        """The measured realisations at hand: places, numbers, labels, latent directions."""
        if self.space is None:
            raise DataError(self.problem or "the measured realisations are still being read")
        told: dict[str, Any] = {
            "space": summary(self.space),
            "held": None,
            "problem": self.problem,
        }
        if self.held is not None:
            pick = self._pick(len(self.held.rows))
            labels = self.held.labels()
            told["held"] = {
                "rows": self.held.rows[pick].tolist(),
                "total": self.held.total,
                "places": np.round(
                    self.plane.places(self.held.dataset.conditions)[pick], 4
                ).tolist(),
                "labels": {
                    name: {
                        "kinds": kinds,
                        "unit": self.held.dataset.condition_units.get(name, "1"),
                        "values": _values(labels[name][pick], kinds),
                    }
                    for name, kinds in label_kinds(labels).items()
                },
                "usual": list(self.held.usual),
            }
        return told

    def latents(self, asked: LatentMapAsked) -> dict[str, Any]:
        """Places of realisations along two latent directions."""
        if self.space is None:
            raise DataError("the map of latents is not there yet; wait a moment")
        places = self.space.places(asked.across, asked.up)
        pick = self._pick(len(places))
        return {"places": np.round(places[pick], 4).tolist(), "measured": self.space.measured}

    def point(self, asked: PointAsked) -> dict[str, Any]:
        """One channel: its pictures, its spreads, and what the training data hold about it."""
        point = point_of(self.run, asked, self.space)
        made = draw(self.run, point)
        told = self.pictures.of(made)[0]
        told["asked"] = {k: _plain(v) for k, v in point.asked.items()}
        told["nearby"] = self._nearby(made)
        return told

    def _nearby(self, made: ChannelDataset) -> dict[str, Any]:
        """What the training data hold about the conditions of a channel."""
        values = {a.name: float(made.conditions[a.name][0]) for a in self.plane.axes}
        return asdict(self.plane.nearby(values))

    def band(self, asked: PointAsked, n: int) -> dict[str, Any]:
        """Many draws at a point."""
        least = min(n, 8)  # of large channels fewer are drawn
        n = max(least, min(n, BAND // (8 * prod(self.run.template.shape[1:]))))
        made = draw(self.run, point_of(self.run, asked, self.space), n)
        found = self.pictures.band(made)
        if {a.name for a in self.plane.axes} <= set(found["achieved"]):
            values = {
                a.name: np.array([v or np.nan for v in found["achieved"][a.name]])
                for a in self.plane.axes
            }
            places = np.nan_to_num(np.round(self.plane.places(values), 4))
            found["places"] = places.tolist()
        return found

    def nearest(self, asked: PointAsked) -> dict[str, Any]:
        """The measured realisations nearest to the channel at a point."""
        if self.held is None:
            raise DataError(self.problem or "the measured realisations are still being read")
        made = draw(self.run, point_of(self.run, asked, self.space))
        near = self.held.nearest(self.run, made)
        some = self.held.dataset[np.array([n.index for n in near])]
        places = self.plane.places(some.conditions)
        return {
            "usual": list(self.held.usual),
            "searched": len(self.held.rows),
            "nearest": [
                {
                    "row": n.row,
                    "distance": n.distance,
                    "place": np.round(places[k], 4).tolist(),
                    "picture": picture,
                }
                for k, (n, picture) in enumerate(zip(near, self.pictures.of(some)))
            ],
        }

    def realisation(self, index: int) -> dict[str, Any]:
        """A measured realisation at hand, drawn as a generated one is."""
        if self.held is None:
            raise DataError(self.problem or "the measured realisations are still being read")
        found = np.flatnonzero(self.held.rows == index)
        if not len(found):
            raise DataError(f"realisation {index} is not at hand; choose a point of the map")
        told = self.pictures.of(self.held.dataset[found])[0]
        told["row"] = index
        return told

    def walk(self, asked: WalkAsked) -> dict[str, Any]:
        """The frames of a walk."""
        path = stops(self.run, asked, self.space, self.held, self.data)
        found = frames(self.pictures, path)
        for frame in found:
            told, names = frame["asked"], [a.name for a in self.plane.axes]
            if all(name in told for name in names):
                frame["nearby"] = asdict(self.plane.nearby({n: told[n] for n in names}))
        return {"frames": found, "n": asked.n}

    def region(self, asked: RegionAsked, progress: Callable[[str], object]) -> dict[str, Any]:
        """A region judged."""
        from chanvae.explore.regions import judge  # scikit-learn takes as long as all the rest

        if self.held is None:
            raise DataError(self.problem or "the measured realisations are still being read")
        return judge(self.run, self.held, ranges_of(self.run, asked), asked.seed, progress)

    def take(self, asked: TakeAsked) -> ChannelDataset:
        """Channels to take along."""
        return channels(self.run, asked, self.space, self.held, self.data)

    def lines(self, asked: TakeAsked) -> dict[str, str | None]:
        """Lines that make the same."""
        return lines(self.run, asked, self.data)

    def place_file(self, path: Path, name: str) -> dict[str, Any]:
        """Realisations of another measured file, placed on the map.

        Raises:
            DataError: It cannot be read, or does not have the conditions of the map.
        """
        try:
            dataset = load(str(path))
        except DataError as error:
            raise DataError(str(error).replace(str(path), name)) from None
        total = len(dataset)
        rows = np.unique(np.linspace(0, total - 1, min(total, UPLOADED)).astype(np.int64))
        some = with_channel_conditions(dataset[rows], batch=256)
        missing = [a.name for a in self.plane.axes if a.name not in some.conditions]
        if missing:
            raise DataError(f"{name}: its channels have no {missing[0].replace('_', ' ')}")
        values = {a.name: np.asarray(some.conditions[a.name], float) for a in self.plane.axes}
        good = np.all([np.isfinite(v) for v in values.values()], 0)
        values = {k: v[good] for k, v in values.items()}
        outside = self.plane.outside(values)
        pick = self._pick(int(good.sum()))
        same = dataset.shape[1:] == self.run.template.shape[1:]
        return {
            "name": name,
            "realisations": total,
            "placed": int(good.sum()),
            "outside": float(outside.mean()) if len(outside) else 0.0,
            "places": np.round(self.plane.places(values)[pick], 4).tolist(),
            "note": "" if same else _differs(dataset, self.run.template),
        }

    @staticmethod
    def _pick(n: int) -> np.ndarray:
        return np.unique(np.linspace(0, max(n - 1, 0), min(n, SCATTER)).astype(np.int64))


def _differs(dataset: ChannelDataset, template: ChannelDataset) -> str:
    return (
        f"its channels are {_shape(dataset)}, those of the run {_shape(template)}: spreads seen "
        "by other arrays or bands differ for that reason alone"
    )


def _shape(dataset: ChannelDataset) -> str:
    return " × ".join(map(str, dataset.shape[1:]))


def _values(values: np.ndarray, kinds: list[str] | None) -> list[Any]:
    """Numbers as they are, or the position of each among its kinds."""
    if kinds is None:
        return [_finite(float(v)) for v in values]
    position = {kind: k for k, kind in enumerate(kinds)}
    return [position[str(v)] for v in values]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
