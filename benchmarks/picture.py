"""The picture of the README: measured channels above, generated ones of the same conditions below.

python benchmarks/picture.py [RUN] [--held-out benchmarks/work/umi.h5] [-o docs/channels.png]
"""

from pathlib import Path

import click
import numpy as np

SPREADS = (20e-9, 50e-9, 100e-9, 150e-9, 250e-9)
RANGE = 50
"""Decibels that are shown."""


@click.command()
@click.argument("run", default="benchmarks/work/default", type=click.Path(exists=True))
@click.option("--held-out", default="benchmarks/work/umi.h5", type=click.Path(path_type=Path))
@click.option("-o", "output", default="docs/channels.png", type=click.Path(path_type=Path))
def main(run: str, held_out: Path, output: Path) -> None:
    """Draw it. Nothing is chosen by looks: the first held-out channels nearest to the spreads."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    from chanvae import load, open_run
    from chanvae.evaluate.figures import GENERATED, MEASURED

    model, dataset = open_run(run), load(held_out)[-10_000:]
    spreads = dataset.conditions["delay_spread"]
    rows = np.array([np.abs(spreads - wanted).argmin() for wanted in SPREADS])
    measured = dataset[rows]
    asked = {name: measured.conditions[name] for name in model.vector.names}
    generated = model.sample(len(rows), seed=0, **asked)
    figure, axes = plt.subplots(2, len(rows), figsize=(9, 3.6), sharex=True, sharey=True,
                                layout="constrained")  # fmt: skip
    grid = model.model.grid
    period = 1 / (measured.freq[1] - measured.freq[0]) * 1e9
    sets = (("measured", measured, MEASURED), ("generated", generated, GENERATED))
    for line, (name, channels, colour) in zip(axes, sets):
        maps = grid.forward(grid.unfold(channels.tensor()))
        power = maps.abs().square().numpy()
        shown = 10 * np.log10(power / power.max((1, 2), keepdims=True) + 1e-12)
        for ax, picture, spread in zip(line, shown, measured.conditions["delay_spread"]):
            drawn = ax.imshow(np.fft.fftshift(picture, 0), vmin=-RANGE, vmax=0, aspect="auto",
                              origin="lower", extent=(0, period, -1, 1), cmap="magma",
                              interpolation="nearest")  # fmt: skip
            if channels is measured:
                ax.set_title(f"{spread * 1e9:.0f} ns", fontsize=9)
        line[0].set_ylabel(f"{name}\nsine of the angle", color=colour, fontsize=9)
    for ax in axes[1]:
        ax.set_xlabel("delay [ns]", fontsize=9)
    figure.colorbar(drawn, ax=axes, label="dB below the strongest bin", shrink=0.9)
    figure.savefig(output, dpi=110)
    click.echo(str(output))


if __name__ == "__main__":
    main()
