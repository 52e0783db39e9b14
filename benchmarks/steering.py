"""Whether conditions steer, one at a time, and whether latents say what they are of.

For a run of UMi and held-out channels: delay spread is asked for along the measured 5 to 95 %
while the angular spread stays at its median, and the other way round. Printed are the medians that
come out, what the spread that was to stay moves by, and how well a linear probe reads both spreads
from the latents of held-out channels that are encoded without being told them.

    python benchmarks/steering.py [RUN] [--held-out benchmarks/work/umi.h5]
"""

from pathlib import Path

import click
import numpy as np

STEPS, EACH, PROBED = 9, 1_000, 10_000
NAMES = {"delay_spread": ("ns", 1e9), "angular_spread": ("deg", np.degrees(1.0))}


def steer(run, measured: dict[str, np.ndarray], moved: str, still: str) -> None:
    """Ask for one spread along its range, the other fixed; print what comes out."""
    from chanvae.evaluate.fidelity import achieved_conditions

    asked = np.quantile(measured[moved], np.linspace(0.05, 0.95, STEPS))
    fixed = float(np.median(measured[still]))
    found = [
        achieved_conditions(run.sample(EACH, seed=k, **{moved: float(value), still: fixed}))
        for k, value in enumerate(asked)
    ]
    unit, scale = NAMES[moved]
    came = [float(np.median(f[moved])) for f in found]
    stayed = np.array([np.median(f[still]) for f in found])
    monotone = "rising" if np.all(np.diff(came) > 0) else "NOT rising"
    shift = np.ptp(stayed) / np.std(measured[still])
    texts = [f"{a * scale:.3g} -> {b * scale:.3g}" for a, b in zip(asked, came)]
    click.echo(f"{moved} asked -> achieved [{unit}]: {', '.join(texts)}; {monotone}")
    click.echo(f"  {still} meanwhile moves by {shift:.3f} sigma")


def probe(run, dataset, measured: dict[str, np.ndarray]) -> dict[str, float]:
    """R2 of a linear probe from unlabelled latents to each spread, as the model is told it."""
    import torch
    from sklearn.linear_model import RidgeCV

    latents = []
    with torch.no_grad():
        for part in dataset.batches(500):
            maps, pose = run.model.register(part.tensor())
            unlabelled = torch.zeros(len(maps), run.vector.width)
            mean, _ = run.model.cvae.encode(maps, run.model.context(unlabelled, pose))
            latents.append(mean.flatten(1))
    z = torch.cat(latents).numpy()
    half = len(z) // 2
    scores = {}
    for name, values in measured.items():
        y = run.vector.column(name).encode(values)[:, 0]
        fitted = RidgeCV(np.logspace(-2, 4, 13)).fit(z[:half], y[:half])
        scores[name] = float(fitted.score(z[half:], y[half:]))
    return scores


@click.command()
@click.argument("run", default="benchmarks/work/default", type=click.Path(exists=True))
@click.option("--held-out", default="benchmarks/work/umi.h5", type=click.Path(path_type=Path))
def main(run: str, held_out: Path) -> None:
    """Print the figures."""
    from chanvae import load, open_run
    from chanvae.evaluate.fidelity import achieved_conditions

    model, dataset = open_run(run), load(held_out)[-PROBED:]
    measured = {name: achieved_conditions(dataset)[name] for name in NAMES}
    steer(model, measured, "delay_spread", "angular_spread")
    steer(model, measured, "angular_spread", "delay_spread")
    for name, score in probe(model, dataset, measured).items():
        click.echo(f"linear probe of unlabelled latents, {name}: R2 {score:.3f}")


if __name__ == "__main__":
    main()
