"""``chanvae simulate``: channels from Sionna's models and its ray tracer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.output import sharing_options, stream
from chanvae.io.scenarios import CITIES

if TYPE_CHECKING:
    from chanvae.io.simulation.setup import Simulation

_TRACED = ("grid", "area", "base_station", "centre", "user_height", "depth")
"""Options of traced scenes alone."""


@click.command("simulate")
@click.argument("scenario")
@click.option("-n", "count", type=click.IntRange(1), required=True, help="Realisations.")
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@click.option("--carrier", default="3.5GHz", show_default=True)
@click.option("--bandwidth", default="100MHz", show_default=True)
@click.option("--subcarriers", type=click.IntRange(1), default=64, show_default=True)
@click.option("--direction", type=click.Choice(["uplink", "downlink"]), default="uplink",
              show_default=True, help="Uplink: the base station receives.")  # fmt: skip
@click.option(
    "--rx-array",
    metavar="RxC[x2]",
    help="Receive array, rows x columns, x2 for two polarisations.  "
    "[default: 1x16 at the base station, 1x1 at the user]",
)
@click.option("--tx-array", metavar="RxC[x2]", help="Transmit array, likewise.")
@click.option("--time-steps", type=click.IntRange(1), default=1, show_default=True)
@click.option("--time-spacing", default="1ms", show_default=True, help="Between time steps.")
@click.option(
    "--speed", default="0m/s", show_default=True, help="Of the users, or a range 3km/h..50km/h."
)
@click.option(
    "--indoor", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Share of users in houses (UMi, UMa, RMa).",
)  # fmt: skip
@click.option(
    "--delay-spread", metavar="S", help="Of TDL and CDL, or a range 30ns..300ns.  [default: 100ns]"
)
@click.option("--grid", metavar="M", help="rt: between users.  [default: 2m]")
@click.option("--area", metavar="M", help="rt: side of the square of users.  [default: 200m]")
@click.option("--centre", metavar="X,Y", help="rt: middle of the square, such as 45m,90m.")
@click.option("--base-station", metavar="X,Y,Z", help="rt: where it stands.")
@click.option("--user-height", metavar="M", help="rt: above the ground.  [default: 1.5m]")
@click.option("--depth", type=click.IntRange(0), help="rt: reflections at most.  [default: 3]")
@click.option("--unit-power", is_flag=True, help="Scale each realisation to mean power one.")
@click.option("--compress", is_flag=True, help="A smaller file, written more slowly.")
@click.option("--workers", type=click.IntRange(1), help="Processes.  [default: one a core]")
@sharing_options
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    count: int,
    output: str,
    compress: bool,
    workers: int | None,
    shard: str | None,
    resume: bool,
    seed: int,
    overwrite: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Simulate channels between one user and one base station with Sionna.

    SCENARIO is a name of 3GPP: UMi, UMa, RMa (one sector), InH, InH-mixed (offices), InF-SL,
    InF-DL, InF-SH, InF-DH, InF-HH (factories), CDL-A to CDL-E, TDL-A to TDL-E, TDLA10, TDLA30,
    TDLB100, TDLC60, TDLC300, TDLD10, TDLD30; or a scene that is ray-traced: {scenes}.

    Delay and angular spread are computed from the channels and stored as conditions; what the
    model drew them from is stored beside them, as simulated_delay_spread and so on. Path loss and
    shadow fading are kept unless --unit-power. The same seed gives the same file, whatever the
    number of workers.
    """
    from importlib.metadata import version

    from chanvae.io.kept import Work
    from chanvae.io.scenarios import TRACED
    from chanvae.io.simulation.blocks import cores, simulate
    from chanvae.shards import Shard

    setup = _setup(given)
    task = {"command": setup.command(count, seed), "sionna": version("sionna")}
    work = Work(
        lambda blocks: simulate(setup, count, seed, workers=workers or cores(), wanted=blocks),
        count,
        0 if setup.scenario in TRACED else setup.block,
        task,
        Shard.parse(shard) if shard else Shard(),
    )
    compression = "gzip" if compress else None
    stream(
        work, output, "simulating", overwrite=overwrite, resume=resume, as_json=as_json,
        compression=compression,
    )  # fmt: skip


command.help = (command.help or "").format(scenes=", ".join(f"rt:{name}" for name in CITIES))


def _setup(given: dict[str, Any]) -> Simulation:
    """What was asked for, with its units."""
    from chanvae.arrays import ArrayGeometry
    from chanvae.io.simulation.setup import Simulation
    from chanvae.units import parse, parse_range

    uplink = given["direction"] == "uplink"
    base, user = ArrayGeometry(columns=16), ArrayGeometry()
    rx, tx = given["rx_array"], given["tx_array"]
    spread = given["delay_spread"]
    return Simulation(
        given["scenario"],
        parse(given["carrier"], "Hz", "--carrier"),
        parse(given["bandwidth"], "Hz", "--bandwidth"),
        given["subcarriers"],
        ArrayGeometry.parse(rx) if rx else base if uplink else user,
        ArrayGeometry.parse(tx) if tx else user if uplink else base,
        given["unit_power"],
        given["direction"],
        given["time_steps"],
        parse(given["time_spacing"], "s", "--time-spacing"),
        parse_range(given["speed"], "m/s", "--speed"),
        given["indoor"],
        parse_range(spread, "s", "--delay-spread") if spread else None,
        _tracing({name: given[name] for name in _TRACED if given[name] is not None}),
    )


def _tracing(given: dict[str, Any]) -> Any:
    """Where the users of a traced scene are, if it was said."""
    from chanvae.io.simulation.setup import Tracing
    from chanvae.units import parse

    if not given:
        return None
    named = {"base_station": "base", "user_height": "height"}
    found: dict[str, Any] = {}
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if name in ("base_station", "centre"):
            places = tuple(parse(part, "m", option) for part in value.split(","))
            if len(places) != (3 if name == "base_station" else 2):
                raise click.UsageError(f"{option} {value}: write {_FORM[name]}")
            value = places
        elif name != "depth":
            value = parse(value, "m", option)
        found[named.get(name, name)] = value
    return Tracing(**found)


_FORM = {"base_station": "three lengths, such as 8.5m,21m,27m", "centre": "two, such as 45m,90m"}
