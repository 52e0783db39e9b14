"""Links in a ray-traced scene: users on a grid around a place, one base station."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.paths.response import delay_spread, grid, path_power, response
from chanvae.io.simulation.drawn import Draw, Drawn, spread, unit_power
from chanvae.io.simulation.panels import order
from chanvae.io.simulation.setup import Simulation, Tracing

NEEDS = (
    "Sionna's ray tracer needs LLVM 16 or newer: apt-get install libllvm19 (Debian, Ubuntu) or "
    "brew install llvm, and where it lies elsewhere DRJIT_LIBLLVM_PATH=/path/to/libLLVM.so"
)
RAYS = 200_000
"""Rays sent out by the base station; ten times as many find as many paths in Munich."""
PLACES = {
    "etoile": ((47.0, 30.0, 24.0), (-30.0, 30.0)),
    "florence": ((20.0, 5.0, 20.0), (70.0, 5.0)),
    "munich": ((8.5, 21.0, 27.0), (45.0, 90.0)),
    "san_francisco": ((2.0, 2.0, 34.0), (30.0, 40.0)),
    "simple_street_canyon": ((-33.0, 11.0, 32.0), (20.0, 0.0)),
    "simple_street_canyon_with_cars": ((-33.0, 11.0, 32.0), (20.0, 0.0)),
}
"""Scene -> base station [m], and the middle of the users' square [m]."""


def traced(setup: Simulation, size: int, order_seed: int) -> Draw:
    """A function from ``k`` and a seed to the links of the ``k``-th ``size`` points of the grid.

    The points come in an order that ``order_seed`` says; those that no path reaches (inside
    houses, or behind too many corners) are left out. Paths are specular, of at most ``depth``
    reflections; delays count from the first path. The base station has elements of TR 38.901 and
    looks at the middle of the square, a user has isotropic ones. A realisation is labelled with
    its position.

    Raises:
        DataError: There is no ray tracer here, or the grid has no more points.

    References:
        Sionna RT 2.2.
    """
    try:
        import drjit
        import sionna.rt as rt
    except ImportError:
        raise DataError(f"{setup.scenario}: {NEEDS}") from None
    drjit.set_thread_count(1)  # a process a core is what there is; two would not repeat the bits
    scene, tracing = _scene(rt, setup)
    solver = rt.PathSolver()
    points = np.random.default_rng(order_seed).permutation(_standing(scene, _grid(tracing)))

    def draw(k: int, seed: int) -> Drawn:
        here = points[k * size : (k + 1) * size]
        if not len(here):
            raise DataError(
                f"{setup.scenario}: fewer of the {len(points):,} points of the grid are reached "
                "than -n asks for; say a finer --grid, a larger --area or more --depth"
            )
        rng = np.random.default_rng(seed)
        pace = rng.uniform(*setup.speed, len(here))
        heading = 2 * math.pi * rng.random(len(here))
        velocity = np.stack((pace * np.cos(heading), pace * np.sin(heading), 0 * pace), -1)
        users = [
            rt.Receiver(f"user{i}", place, velocity=moving)
            for i, (place, moving) in enumerate(zip(here.tolist(), velocity.tolist()))
        ]
        for user in users:
            scene.add(user)
        try:
            paths = solver(
                scene,
                max_depth=tracing.depth,
                refraction=False,
                samples_per_src=RAYS,
                max_num_paths_per_src=RAYS,
            )
            h, labels, reached = _links(paths, setup, scene)
        finally:
            for user in users:
                scene.remove(user.name)
        labels |= {f"user_{axis}": here[:, i] for i, axis in enumerate("xyz")}
        labels |= {"speed": pace} if setup.speed[1] else {}
        kept = {name: value[reached] for name, value in labels.items()}
        return Drawn(unit_power(h[reached]) if setup.unit_power else h[reached], kept)

    return draw


def _scene(rt: Any, setup: Simulation) -> tuple[Any, Tracing]:
    """The scene with its arrays and base station, and every position, also those not said."""
    name = setup.scenario.removeprefix("rt:")
    said = setup.tracing or Tracing()
    base, centre = (a or b for a, b in zip((said.base, said.centre), PLACES[name]))
    scene = rt.load_scene(getattr(rt.scene, name))
    scene.frequency = setup.carrier
    scene.tx_array = _array(rt, setup.base_array, "tr38901")
    scene.rx_array = _array(rt, setup.user_array, "iso")
    mast = rt.Transmitter("base", list(base))
    scene.add(mast)
    mast.look_at([*centre, said.height])
    return scene, replace(said, base=base, centre=centre)


def _array(rt: Any, array: ArrayGeometry, pattern: str) -> Any:
    """An array of the ray tracer."""
    return rt.PlanarArray(
        num_rows=array.rows,
        num_cols=array.columns,
        vertical_spacing=array.row_spacing,
        horizontal_spacing=array.column_spacing,
        pattern=pattern,
        polarization="cross" if array.polarizations == 2 else "V",
    )


def _grid(tracing: Tracing) -> np.ndarray:
    """Every place of a user [m] ``[point, 3]``."""
    steps = int(tracing.area / tracing.grid + 1e-9)
    line = (np.arange(steps + 1) - steps / 2) * tracing.grid
    x, y = (c.ravel() for c in np.meshgrid(line, line, indexing="ij"))
    east, north = tracing.centre or (0.0, 0.0)
    return np.stack((east + x, north + y, np.full_like(x, tracing.height)), -1)


def _standing(scene: Any, places: np.ndarray) -> np.ndarray:
    """The places that have ground under them, their height counted from it; hills are scenes too.

    The ground is what is met first from below, so a place in a house is in its cellar, where no
    path comes.
    """
    import mitsuba

    east, north, height = places.T
    below = mitsuba.Point3f(*(mitsuba.Float(c) for c in (east, north, np.full_like(east, -1e3))))
    met = scene.mi_scene.ray_intersect(mitsuba.Ray3f(below, mitsuba.Vector3f(0, 0, 1)))
    ground = np.asarray(met.p.z.numpy(), np.float64)
    return np.stack((east, north, ground + height), -1)[met.is_valid().numpy()]


def _links(
    paths: Any, setup: Simulation, scene: Any
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Channels and what their paths say, for every point, and which points a path reaches."""
    valid = paths.valid.numpy()[:, 0]
    a, tau = paths.cir(
        num_time_steps=setup.time_steps,
        sampling_frequency=1 / setup.time_spacing,
        out_type="numpy",
    )
    a = a[:, :, 0][:, _order(scene.rx_array)][:, :, _order(scene.tx_array)]
    a = a.swapaxes(1, 2) if setup.uplink else a  # what was traced from the base station
    a = np.where(valid[:, None, None, :, None], a, 0)
    delay = np.where(valid, tau[:, 0], 0.0).astype(np.float64)
    h = response(a, delay[:, None, None], grid(setup.bandwidth, setup.subcarriers))
    power = path_power(a)
    direct = valid & (paths.interactions.numpy()[:, :, 0] == 0).all(0)
    rest = np.where(direct, 0, power).sum(1)
    reached = np.any(power > 0, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        labels = {
            "los": direct.any(1).astype(np.int64),
            "simulated_delay_spread": delay_spread(power, delay),
            "simulated_k_factor": np.where(direct, power, 0).sum(1) / rest,
        }
    for name, value in (("a", "phi"), ("z", "theta")):
        for end, side in (
            ("a", "t" if setup.uplink else "r"),
            ("d", "r" if setup.uplink else "t"),
        ):
            angle = getattr(paths, f"{value}_{side}").numpy()[:, 0]
            labels[f"simulated_{name}s{end}"] = spread(power, angle)
    return h, labels, reached


def _order(array: Any) -> np.ndarray:
    """Antennas of the ray tracer, which has all of one polarisation first, as chanvae has them."""
    where = np.asarray(array.positions(1.0).numpy()).T
    slants = array.num_ant // len(where)
    return order(np.tile(where, (slants, 1)), np.repeat(np.arange(slants), len(where)))
