"""Steps a second of a fit: by one process of one thread, and by several of one thread each.

The processes are started with torchrun, as docs/scale.md says. Rates are those of metrics.jsonl,
from the first validation of a stage to its last, so that start-up is left out. Twenty validations
a stage, which one process makes, are in them, as in a fit of the whole length; so that they take
as small a part, the set is small and the steps are many. A step costs what it costs in a large
set.

    python benchmarks/together.py [--data benchmarks/work/train.h5] [--preset default]
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import click

REALISATIONS = 700
"""64 of them to validate, and some to spare."""


def few(data: Path, folder: Path) -> Path:
    """A file of a few channels of ``data``, or simulated where there is no such file."""
    from chanvae.io.hdf5 import read, write

    path = folder / "few.h5"
    if data.is_file():
        write(read(data)[:REALISATIONS], path, overwrite=True)
    elif not path.is_file():
        words = ("simulate", "UMi", "-n", str(REALISATIONS), "-o", str(path), "--unit-power")
        subprocess.run([sys.executable, "-m", "chanvae", *words], check=True)
    return path


def rates(processes: int, path: Path, folder: Path, preset: str, steps: int) -> dict[str, float]:
    """Steps a second of every stage."""
    out = folder / f"run{processes}"
    stages = {
        "training.optimisation": steps,
        "model.prior.optimisation": 4 * steps,  # each takes a third of the time of others
        "training.pose": 20,
        **({"training.refinement": max(steps // 2, 20)} if preset == "default" else {}),
    }
    # What learns which draws to keep is far too small to share.
    settings = ["model.selection=null"]
    settings += [f"{k}.{name}={n}" for k, n in stages.items() for name in ("steps", "epochs")]
    words = ["fit", "--data", str(path), "-o", str(out), "-c", preset, "--overwrite"]
    words += [word for setting in settings for word in ("--set", setting)]
    torchrun = ["torch.distributed.run", "--nproc-per-node", str(processes), "-m"]
    launcher = torchrun if processes > 1 else []
    command = [sys.executable, "-m", *launcher, "chanvae", *words]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **threads})
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    found = {}
    for stage in dict.fromkeys(row["stage"] for row in rows if row["stage"] != "pose"):
        these = [row for row in rows if row["stage"] == stage and row["step"]]
        took = these[-1]["seconds"] - these[0]["seconds"]
        found[stage] = (these[-1]["step"] - these[0]["step"]) / took
    return found


@click.command()
@click.option("--data", default="benchmarks/work/train.h5", type=click.Path(path_type=Path))
@click.option("--preset", default="default")
@click.option("--steps", default=240, help="Of the autoencoder; four times of the prior.")
@click.option("--processes", default=2)
@click.option("--folder", default="benchmarks/work/together", type=click.Path(path_type=Path))
def main(data: Path, preset: str, steps: int, processes: int, folder: Path) -> None:
    """Print the rates and their ratios."""
    folder.mkdir(parents=True, exist_ok=True)
    path = few(data, folder)
    alone, shared = (rates(n, path, folder, preset, steps) for n in (1, processes))
    for stage, rate in alone.items():
        ratio = shared[stage] / rate
        click.echo(f"{stage}: {rate:.2f} and {shared[stage]:.2f} steps a second, {ratio:.2f} x")
    from chanvae.presets import configure

    how = configure(preset)
    prior = getattr(getattr(how.model, "prior", None), "optimisation", None)
    due = {
        "autoencoder": how.training.optimisation.steps,
        "prior": prior.steps if prior else 0,
        "refinement": how.training.refinement.steps if how.training.refinement else 0,
    }
    took = [sum(due[stage] / r for stage, r in found.items()) for found in (alone, shared)]
    click.echo(
        f"all steps of {preset}: {took[0]:.0f} s by one process, {took[1]:.0f} s by {processes}: "
        f"{took[0] / took[1]:.2f} x ({os.cpu_count()} cores, a thread each)"
    )


if __name__ == "__main__":
    main()
