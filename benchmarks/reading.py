"""Sets larger than memory: what inspecting and fitting one takes, and what reading costs.

Simulates a tile of 20,000 UMi channels (16 x 64, 3.5 GHz, 100 MHz), repeats it to a file of
``--size`` GB in chanvae's format, then in processes of their own

- inspects it;
- begins a fit of it, with its training maps left in the file;
- fits the tile alone from memory, for the rate of the trainer.

Memory is the largest resident size beyond that after the imports. The large file is deleted.

    python benchmarks/reading.py [--size 20] [--steps 400] [--folder benchmarks/work/reading]
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click

TILE = 20_000


def child(task: str, *words: str) -> dict:
    """Run one of the tasks below in a process of its own: what it says, as JSON."""
    done = subprocess.run(
        [sys.executable, __file__, "--task", task, *words], stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise click.ClickException(f"{task} failed")
    return json.loads(done.stdout.splitlines()[-1])


def measured(task, *given) -> None:
    """Do it, and print seconds and memory beyond the imports [GB]."""
    before, start = _peak(), time.monotonic()
    found = task(*given) or {}
    figures = {"seconds": time.monotonic() - start, "memory_gb": _peak() - before}
    click.echo(json.dumps({**figures, **found}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def inspect_task(path: str) -> None:
    """All that ``chanvae inspect`` does."""
    import h5py  # noqa: F401
    import torch  # noqa: F401

    from chanvae.io.describe import describe, statistics
    from chanvae.io.read import load, reading

    def work() -> None:
        how, dataset = reading(path), load(path)
        describe(path, how, dataset, statistics(dataset))

    measured(work)


def fit_task(path: str, steps: str, memory_gib: str, preset: str, folder: str) -> None:
    """The beginning of a fit: the rate of the autoencoder between validations."""
    from chanvae.presets import configure
    from chanvae.training.fit import fit

    few = [f"training.{stage}.steps=20" for stage in ("pose",)]
    few += ["model.prior.optimisation.steps=20", f"training.optimisation.steps={steps}"]
    config = configure(preset, [*few, f"data.memory_gib={memory_gib}"])

    def work() -> dict:
        fit(path, folder, config, overwrite=True)
        lines = Path(folder, "metrics.jsonl").read_text().splitlines()
        rows = [r for r in map(json.loads, lines) if r["stage"] == "autoencoder"]
        took = rows[-1]["seconds"] - rows[1]["seconds"]
        return {"steps_a_second": (rows[-1]["step"] - rows[1]["step"]) / took}

    measured(work)


def tiled(tile: Path, path: Path, size: float) -> int:
    """Repeat a set to a file of ``size`` GB; how many realisations it holds."""
    from chanvae.io.hdf5 import Writer, read

    dataset = read(tile)
    times = max(round(size * 1e9 / (8 * dataset[:1].h.size * len(dataset))), 1)
    with Writer(path, dataset, times * len(dataset), overwrite=True) as writer:
        for _ in range(times):
            for batch in dataset.batches():
                writer.append(batch)
    return times * len(dataset)


@click.command()
@click.argument("words", nargs=-1)
@click.option("--size", default=20.0, help="GB of the large file.")
@click.option("--steps", default=400, help="Steps of the autoencoder.")
@click.option("--preset", default="quick", help="The faster the trainer, the more reading costs.")
@click.option("--folder", default="benchmarks/work/reading", type=click.Path(path_type=Path))
@click.option("--task", hidden=True)
def main(
    words: tuple[str, ...], size: float, steps: int, preset: str, folder: Path, task: str | None
) -> None:
    """Print the figures."""
    if task is not None:
        return {"inspect": inspect_task, "fit": fit_task}[task](*words)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < size * 1.1 + 1:
        raise click.ClickException(f"{size:g} GB do not fit: {free:.0f} GB are free; lower --size")
    tile, large = folder / "tile.h5", folder / "large.h5"
    if not tile.is_file():
        words = ("simulate", "UMi", "-n", str(TILE), "-o", str(tile), "--unit-power")
        subprocess.run([sys.executable, "-m", "chanvae", *words], check=True)
    try:
        n = tiled(tile, large, size)
        click.echo(f"{n:,} realisations, {large.stat().st_size / 1e9:.1f} GB")
        found = child("inspect", str(large))
        click.echo(f"inspect: {found['seconds']:.0f} s, {found['memory_gb']:.2f} GB")
        run = str(folder / "run")
        memory = [child("fit", str(tile), str(steps), "4", preset, run)]
        limit = str(min(4, size / 8))
        file = child("fit", str(large), str(steps), limit, preset, run)
        memory += [child("fit", str(tile), str(steps), "4", preset, run)]
    finally:
        large.unlink(missing_ok=True)
    rates = [m["steps_a_second"] for m in memory]
    rate = sum(rates) / len(rates)
    click.echo(f"fit begun from the file: {file['seconds']:.0f} s, {file['memory_gb']:.2f} GB")
    click.echo(
        f"{preset}: {file['steps_a_second']:.1f} steps a second from the file, "
        f"{rates[0]:.1f} and {rates[1]:.1f} from memory: {file['steps_a_second'] / rate:.0%} "
        f"({os.cpu_count()} cores)"
    )
    return None


if __name__ == "__main__":
    main()
