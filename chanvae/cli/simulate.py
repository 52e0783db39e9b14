"""``chanvae simulate``: channels from Sionna's 3GPP models."""

import click

from chanvae.io.scenarios import SCENARIOS


@click.command("simulate")
@click.argument("scenario", type=click.Choice(SCENARIOS))
@click.option("-n", "count", type=click.IntRange(1), required=True, help="Realisations.")
@click.option("-o", "output", type=click.Path(), required=True, help="File to write.")
@click.option("--carrier", default="3.5GHz", show_default=True)
@click.option("--bandwidth", default="100MHz", show_default=True)
@click.option("--subcarriers", type=click.IntRange(1), default=64, show_default=True)
@click.option(
    "--rx-array", default="1x16", show_default=True, help="Base station, rows x columns."
)
@click.option("--tx-array", default="1x1", show_default=True, help="User, rows x columns.")
@click.option("--unit-power", is_flag=True, help="Scale each realisation to mean power one.")
@click.option("--compress", is_flag=True, help="A smaller file, written more slowly.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    scenario: str,
    count: int,
    output: str,
    carrier: str,
    bandwidth: str,
    subcarriers: int,
    rx_array: str,
    tx_array: str,
    unit_power: bool,
    compress: bool,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Simulate uplink channels of outdoor users in SCENARIO (3GPP TR 38.901) with Sionna.

    Delay and angular spread are computed from the channels and stored as conditions, and so is
    whether there is a line of sight. Path loss and shadow fading are kept unless --unit-power.
    """
    from chanvae.arrays import ArrayGeometry
    from chanvae.cli.output import stream
    from chanvae.io.sionna import Simulation, simulate
    from chanvae.stats.conditions import with_channel_conditions
    from chanvae.units import parse

    setup = Simulation(
        scenario,
        parse(carrier, "Hz", "--carrier"),
        parse(bandwidth, "Hz", "--bandwidth"),
        subcarriers,
        ArrayGeometry.parse(rx_array),
        ArrayGeometry.parse(tx_array),
        unit_power,
    )
    batches = (with_channel_conditions(b) for b in simulate(setup, count, seed))
    stream(batches, count, output, "simulating", overwrite, as_json, "gzip" if compress else None)
