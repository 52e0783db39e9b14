"""What to simulate, checked before anything is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from difflib import get_close_matches

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.scenarios import ALL, CDL, CELLS, FIXED, SYSTEMS, TDL, TRACED

_LARGEST = 256 << 20
"""Bytes that the rays of one block may take, about."""
_RAYS = 1200
"""Complex numbers that Sionna holds for each pair of antennas and each time, about."""


@dataclass(frozen=True)
class Tracing:
    """Where the base station of a ray-traced scene stands and where its users are.

    Args:
        base: Position of the base station [m]; none for that of the scene in :data:`PLACES`.
        centre: Middle of the square of users [m], where the base station looks; none as above.
        area: Side of the square [m].
        grid: Distance between neighbouring users [m].
        height: Height of the users [m].
        depth: Reflections at most.
    """

    base: tuple[float, float, float] | None = None
    centre: tuple[float, float] | None = None
    area: float = 200.0
    grid: float = 2.0
    height: float = 1.5
    depth: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.grid <= self.area < math.inf:
            raise DataError(
                f"--grid {self.grid:g}m, --area {self.area:g}m: both must be positive, and the "
                "grid finer than the area is wide"
            )


@dataclass(frozen=True)
class Simulation:
    """What to simulate: a link between one user and one base station, antennas at both ends.

    Args:
        scenario: One of :data:`chanvae.io.scenarios.ALL`, as 3GPP writes it, or ``rt:SCENE``.
        carrier: Carrier frequency [Hz].
        bandwidth: Bandwidth [Hz], cut into ``subcarriers``.
        subcarriers: Number of frequencies.
        rx_array: Receive array: the base station's in the uplink, the user's in the downlink.
            Elements of a base station are those of TR 38.901 clause 7.3 (omnidirectional in
            factories), those of a user are omnidirectional; two polarisations are slanted by
            ±45 degrees. Tapped delay lines know no geometry: their antennas are independent.
        tx_array: Transmit array.
        unit_power: Scale every realisation to mean power one, instead of keeping path loss and
            shadow fading.
        direction: ``uplink`` (from the user) or ``downlink``.
        time_steps: Number of times.
        time_spacing: Time between them [s].
        speed: Lowest and highest speed of the users [m/s], uniform in between.
        indoor: Share of users in houses; of outdoor cells only.
        delay_spread: Lowest and highest delay spread [s], log-uniform in between; of delay lines
            only, where none means 100 ns.
        tracing: Positions; of ray-traced scenes only.

    Raises:
        DataError: The model has no such setting, or the numbers make no sense.

    References:
        3GPP TR 38.901 V19.2, clauses 7.2 to 7.7; TS 38.101-4, Annex B.2.
    """

    scenario: str = "UMi"
    carrier: float = 3.5e9
    bandwidth: float = 100e6
    subcarriers: int = 64
    rx_array: ArrayGeometry = field(default_factory=lambda: ArrayGeometry(columns=16))
    tx_array: ArrayGeometry = field(default_factory=ArrayGeometry)
    unit_power: bool = False
    direction: str = "uplink"
    time_steps: int = 1
    time_spacing: float = 1e-3
    speed: tuple[float, float] = (0.0, 0.0)
    indoor: float = 0.0
    delay_spread: tuple[float, float] | None = None
    tracing: Tracing | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "scenario", known(self.scenario))
        for name in ("carrier", "bandwidth", "subcarriers", "time_steps", "time_spacing"):
            if not 0 < getattr(self, name) < math.inf:
                raise DataError(f"{name} must be positive and finite")
        if self.direction not in ("uplink", "downlink"):
            raise DataError(f"direction {self.direction!r}: choose uplink or downlink")
        if not 0.5e9 <= self.carrier <= 100e9:
            raise DataError(
                f"--carrier {self.carrier / 1e9:g}GHz: the models hold from 0.5GHz to 100GHz"
            )
        if self.bandwidth > min(2e9, self.carrier):
            raise DataError(
                f"--bandwidth {self.bandwidth / 1e6:g}MHz: the models hold up to 2 GHz, and to "
                "the carrier frequency"
            )
        if not 0 <= self.speed[0] <= self.speed[1] < math.inf:
            raise DataError("--speed: write one speed, or the lowest..the highest, not negative")
        if not 0 <= self.indoor <= 1:
            raise DataError(f"--indoor {self.indoor:g}: a share is between 0 and 1")
        self._fits()

    def _fits(self) -> None:
        """Refuse settings that this scenario does not have."""
        name = self.scenario
        if self.indoor and name not in CELLS:
            raise DataError(f"--indoor: {name} has no houses; it is for {', '.join(CELLS)}")
        if self.delay_spread is not None:
            if name not in CDL + TDL:
                why = "has fixed delays" if name in FIXED else "draws its delay spread itself"
                raise DataError(
                    f"--delay-spread: {name} {why}; it is for TDL-A to TDL-E and CDL-A to CDL-E"
                )
            if not 0 < self.delay_spread[0] <= self.delay_spread[1] < math.inf:
                raise DataError(
                    "--delay-spread: write one, or the smallest..the largest, positive"
                )
        if self.speed[0] < self.speed[1] and name in TDL + FIXED:
            raise DataError(f"--speed: {name} takes one speed, not a range")
        if self.tracing is not None and name not in TRACED:
            raise DataError(
                f"--grid, --area, --base-station, --centre and --depth are for {TRACED[0]} and "
                f"other ray-traced scenes; {name} has no map"
            )

    @property
    def spacing(self) -> float:
        """Subcarrier spacing [Hz]."""
        return self.bandwidth / self.subcarriers

    @property
    def uplink(self) -> bool:
        """Whether the base station receives."""
        return self.direction == "uplink"

    @property
    def base_array(self) -> ArrayGeometry:
        """The base station's array."""
        return self.rx_array if self.uplink else self.tx_array

    @property
    def user_array(self) -> ArrayGeometry:
        """The user's array."""
        return self.tx_array if self.uplink else self.rx_array

    @property
    def has_path_loss(self) -> bool:
        """Whether the model has a path loss that can be kept."""
        return self.scenario in SYSTEMS + TRACED

    @property
    def block(self) -> int:
        """Realisations drawn together from one seed: 500, or what memory holds; traced 50."""
        pairs = self.rx_array.size * self.tx_array.size * self.time_steps
        numbers = _RAYS * pairs + 2 * self.subcarriers * (pairs + 20 * self.tx_array.size)
        return min(max(_LARGEST // (8 * numbers), 1), 50 if self.scenario in TRACED else 500)

    def command(self, n: int, seed: int) -> str:
        """The command that simulates the same."""
        words = [
            f"chanvae simulate {self.scenario} -n {n} --seed {seed} --carrier {self.carrier:g}Hz",
            f"--bandwidth {self.bandwidth:g}Hz --subcarriers {self.subcarriers}",
            f"--rx-array {_typed(self.rx_array)} --tx-array {_typed(self.tx_array)}",
        ]
        words += ["--unit-power"] * self.unit_power
        words += [f"--direction {self.direction}"] * (not self.uplink)
        if self.time_steps > 1:
            words.append(f"--time-steps {self.time_steps} --time-spacing {self.time_spacing:g}s")
        if self.speed[1]:
            words.append("--speed {:g}m/s..{:g}m/s".format(*self.speed))
        words += [f"--indoor {self.indoor:g}"] * bool(self.indoor)
        if self.delay_spread:
            words.append("--delay-spread {:g}s..{:g}s".format(*self.delay_spread))
        if self.tracing:
            words += _differing(self.tracing)
        return " ".join(words)


def known(scenario: str) -> str:
    """The scenario, however its letters are typed.

    Raises:
        DataError: There is none of that name.
    """
    names = {name.lower(): name for name in ALL}
    if found := names.get(scenario.lower()):
        return found
    near = get_close_matches(scenario.lower(), names, 1)
    hint = f"did you mean {names[near[0]]}? " if near else ""
    raise DataError(
        f"scenario {scenario!r}: {hint}choose from {', '.join(SYSTEMS)}, CDL-A to CDL-E, TDL-A to "
        f"TDL-E, {', '.join(FIXED)}, or a traced scene: {', '.join(TRACED)}"
    )


def _typed(array: ArrayGeometry) -> str:
    """An array as it is typed."""
    return f"{array.rows}x{array.columns}" + "x2" * (array.polarizations == 2)


def _differing(tracing: Tracing) -> list[str]:
    """The options that say where the users are."""
    named = {"base": "base-station", "height": "user-height"}
    words = []
    for item in fields(tracing):
        value = getattr(tracing, item.name)
        if value != item.default:
            text = ",".join(f"{v:g}m" for v in value) if isinstance(value, tuple) else f"{value:g}"
            unit = "m" if item.name in ("area", "grid", "height") else ""
            words.append(f"--{named.get(item.name, item.name)} {text}{unit}")
    return words
