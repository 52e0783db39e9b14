"""Conditions that nobody measured: a fit without 80 to 120 ns of delay spread, judged there.

Fits a preset to UMi channels without the hole, generates for the conditions of the channels in the
hole and of held-out channels outside it, and prints W1/σ of every statistic on both sides beside
the nearest training channel in condition and the interpolation of two.

    python benchmarks/hole.py [--data benchmarks/work/train.h5] [--preset quick]
"""

from pathlib import Path

import click
import numpy as np

HOLE = "hole:delay_spread=80ns..120ns"


def interpolated_to(training, asked):
    """For each asked channel the mean of the nearest training channels below and above it."""
    from dataclasses import replace

    from chanvae.evaluate.baselines.resample import made

    names = ("delay_spread", "angular_spread")
    known, wanted = (
        np.log(np.stack([d.conditions[k] for k in names], 1).clip(1e-12))
        for d in (training, asked)
    )
    scale = known.std(0)
    h = []
    for point in wanted:
        rows, weights = [], []
        for side in (known[:, 0] < point[0], known[:, 0] >= point[0]):
            inside = np.flatnonzero(side)
            if not len(inside):
                inside = np.arange(len(known))
            near = inside[np.square((known[inside] - point) / scale).sum(1).argmin()]
            rows.append(near)
            weights.append(1 / max(abs(known[near, 0] - point[0]), 1e-6))
        a, b = (training.h[int(r)] for r in rows)
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        b = b * np.exp(1j * np.angle(np.vdot(b, a)))
        mixed = (weights[0] * a + weights[1] * b) / sum(weights)
        h.append(mixed / np.linalg.norm(mixed) * np.sqrt(mixed.size))
    return replace(made(asked, np.stack(h)), meta=asked.meta)


def distances(measured, generated, seed: int = 0) -> dict[str, float]:
    """W1/σ of every statistic of a realisation that varies."""
    from scipy.stats import wasserstein_distance

    from chanvae.catalogue.grid import Grid
    from chanvae.catalogue.statistics import applicable
    from chanvae.evaluate.looks import compute

    found = {}
    left, right = compute(measured), compute(generated)
    for statistic in applicable(Grid.of(measured)):
        a, b = (v[np.isfinite(v)] for v in (left[statistic.name], right[statistic.name]))
        if len(a) and len(b) and a.std() > statistic.resolution:
            found[statistic.name] = wasserstein_distance(a, b) / a.std()
    return found


@click.command()
@click.option("--data", default="benchmarks/work/train.h5", type=click.Path(path_type=Path))
@click.option("--run", default="benchmarks/work/hole", type=click.Path(path_type=Path))
@click.option("--preset", default="quick", show_default=True)
@click.option("-n", "most", default=4000, show_default=True, help="Channels on each side.")
@click.option("--keep", is_flag=True, help="Judge the run that is there.")
def main(data: Path, run: Path, preset: str, most: int, keep: bool) -> None:
    """Print the table."""
    from chanvae import configure, fit, open_run
    from chanvae.evaluate.baselines.resample import nearest_to

    if keep:
        fitted = open_run(run)
    else:
        config = configure(preset, asked={"data.split": HOLE})
        fitted = fit(data, run, config, overwrite=True)
    dataset = fitted.dataset()
    parts = fitted.split(dataset)
    training = dataset[parts.train[:20_000]]
    table: dict[str, dict[str, dict[str, float]]] = {}
    for side, rows in (("inside", parts.test), ("outside", parts.known)):
        held = dataset[rows[:most]]
        asked = {name: held.conditions[name] for name in fitted.vector.names}
        made = fitted.sample(len(held), extrapolate=True, **asked)
        few = held[:1000]
        table[side] = {
            "generated": distances(held, made),
            "nearest": distances(held, nearest_to(training, held)),
            "interpolated": distances(few, interpolated_to(training, few)),
        }
        click.echo(f"{side} the hole: {len(held):,} channels")
    click.echo(
        "W1/σ: statistic, generated inside, outside, ratio; nearest and interpolated inside"
    )
    good, total = 0, 0
    for name, inside in table["inside"]["generated"].items():
        outside = table["outside"]["generated"].get(name, float("nan"))
        near = table["inside"]["nearest"][name]
        mixed = table["inside"]["interpolated"][name]
        met = inside <= 2 * outside and inside < near
        good, total = good + met, total + 1
        click.echo(
            f"{name:28s} {inside:6.3f} {outside:6.3f} {inside / outside:5.1f} {near:6.3f} "
            f"{mixed:6.3f} {'' if met else 'not met'}"
        )
    click.echo(f"met by {good} of {total} statistics")


if __name__ == "__main__":
    main()
