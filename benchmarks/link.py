"""The figures of a link: SNR gaps over UMi channels, and how fast models feed Sionna.

Needs the folder that `python benchmarks/fidelity.py` leaves: umi.h5, whose last 10,000 channels no
fit has seen, and the runs default and quick. Prints the gap at a block error rate of 0.1 and 0.01
between held-out and generated channels beside that of TDL, CDL and Rayleigh fading, and channels a
second through one GenerateOFDMChannel: Sionna's own UMi and each run, measured in turns in one
process.

    python benchmarks/link.py [default] [quick] [--folder benchmarks/work] [--no-gaps]
"""

import time
from pathlib import Path

import click
import torch

HELD_OUT = 10_000
BATCH, TURNS = 256, 3


def rate(channel, batch: int, seconds: float) -> float:
    """Channels a second."""
    channel(batch)
    done, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        channel(batch)
        done += batch
    return done / (time.monotonic() - start)


def sionnas(grid):
    """UMi as `chanvae simulate UMi` has it, 16 antennas and outdoor users, on a resource grid."""
    from sionna.phy.channel import GenerateOFDMChannel, gen_single_sector_topology
    from sionna.phy.channel.tr38901 import PanelArray, UMi

    def panel(columns: int, pattern: str):
        return PanelArray(
            num_rows_per_panel=1,
            num_cols_per_panel=columns,
            polarization="single",
            polarization_type="V",
            antenna_pattern=pattern,
            carrier_frequency=3.5e9,
        )

    model = UMi(
        carrier_frequency=3.5e9,
        o2i_model="low",
        ut_array=panel(1, "omni"),
        bs_array=panel(16, "38.901"),
        direction="uplink",
        enable_pathloss=False,
        enable_shadow_fading=False,
    )
    generate = GenerateOFDMChannel(model, grid)

    def draw(batch: int):
        model.set_topology(*gen_single_sector_topology(batch, 1, "umi", indoor_probability=0.0))
        return generate(batch)

    return draw


@click.command()
@click.argument("presets", nargs=-1)
@click.option("--folder", default="benchmarks/work", type=click.Path(path_type=Path))
@click.option("--gaps/--no-gaps", default=True, help="Also run the links: minutes.")
@click.option("--quick", is_flag=True, help="The links of configs/link/quick.yaml.")
@click.option("--symbols", default=14, help="OFDM symbols of the grid that is timed: a slot.")
@click.option("--seconds", default=10.0, help="Of each turn.")
def main(
    presets: tuple[str, ...], folder: Path, gaps: bool, quick: bool, symbols: int, seconds: float
) -> None:
    """Print both."""
    from sionna.phy.channel import GenerateOFDMChannel
    from sionna.phy.ofdm import ResourceGrid

    from chanvae import load, open_run
    from chanvae.link import ChannelModel
    from chanvae.link.comparison import compare_links
    from chanvae.link.settings import LinkConfig
    from chanvae.presets import read

    runs = {p: open_run(folder / p) for p in presets or ("default", "quick")}
    template = next(iter(runs.values())).template
    grid = ResourceGrid(symbols, len(template.freq), template.subcarrier_spacing)
    ways = {"Sionna UMi": sionnas(grid)}
    ways |= {k: GenerateOFDMChannel(ChannelModel(r, seed=0), grid) for k, r in runs.items()}
    ways |= {
        f"{k}, every draw": GenerateOFDMChannel(ChannelModel(r, seed=0, every=True), grid)
        for k, r in runs.items()
        if r.model.selection is not None
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with torch.no_grad():
        for _ in range(TURNS):
            for name, way in ways.items():
                rates[name].append(rate(way, BATCH, seconds))
    base = max(rates["Sionna UMi"])
    for name, found in rates.items():
        click.echo(
            f"{name}: {max(found):,.0f} channels a second through GenerateOFDMChannel "
            f"({symbols} symbol(s)), {max(found) / base:.2f} times Sionna's UMi"
        )
    if not gaps:
        return
    config = read(LinkConfig, "link", "quick" if quick else "default")
    measured = load(folder / "umi.h5")[-HELD_OUT:]
    for k, (name, run) in enumerate(runs.items()):
        # The rivals are the same for every run.
        here = config if not k else config.model_copy(update={"rivals": ()})
        for contender in compare_links(measured, run, here, say=click.echo)[1:]:
            label = name if contender.name == "generated" else contender.label
            for estimator, found in contender.gaps.items():
                told = ", ".join(
                    f"{g.db:+.2f} dB ({g.low:+.2f} to {g.high:+.2f}) at {g.target:g}"
                    for g in found
                )
                click.echo(f"{label}, {estimator.upper()}: SNR beyond measured {told}")


if __name__ == "__main__":
    main()
