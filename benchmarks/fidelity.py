"""The figures of the README: fidelity, time and memory of a fit, and the rate of generation.

Simulates UMi (16 x 64, 3.5 GHz, 100 MHz, each realisation of unit power), fits a preset on the
first 40,000 channels, generates 10,000 and compares them with 10,000 that nobody has seen. Rates
are measured in this run on this machine, Sionna's own beside them.

    python benchmarks/fidelity.py [default] [quick] [--folder benchmarks/work]
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import click

TRAIN, HELD_OUT = 40_000, 10_000


def timed(*words: str) -> tuple[float, float]:
    """Run a command: seconds, and its largest resident memory in GB."""
    start = time.monotonic()
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
        "sys.exit(done.returncode)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "chanvae", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    lines = done.stderr.strip().splitlines()
    if done.returncode:
        raise click.ClickException(" ".join(words) + ": " + "\n".join(lines[:-1]))
    return time.monotonic() - start, float(lines[-1]) / 1e6


@click.command()
@click.argument("presets", nargs=-1)
@click.option("--folder", default="benchmarks/work", type=click.Path(path_type=Path))
@click.option("--seed", default=0)
@click.option("--keep", is_flag=True, help="Judge the runs that are there, without fitting anew.")
def main(presets: tuple[str, ...], folder: Path, seed: int, keep: bool) -> None:
    """Print the table."""
    from chanvae import compare, load, open_run
    from chanvae.evaluate.evaluate import ASKED, asked_for
    from chanvae.evaluate.fidelity import fidelity
    from chanvae.io.hdf5 import write

    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "umi.h5"
    if not source.is_file():
        count = TRAIN * 10 // 8 + HELD_OUT
        timed("simulate", "UMi", "-n", str(count), "-o", str(source), "--unit-power")
    everything = load(source)
    data, unseen = folder / "train.h5", everything[-HELD_OUT:]
    # Eight tenths train, one chooses, one is left aside: 40,000 to train of 50,000.
    write(everything[: TRAIN * 10 // 8], data, overwrite=True)
    few = folder / "sionna.h5"
    seconds, _ = timed(
        "simulate", "UMi", "-n", "10000", "-o", str(few), "--unit-power", "--overwrite"
    )
    startup, _ = timed(
        "simulate", "UMi", "-n", "500", "-o", str(few), "--unit-power", "--overwrite"
    )
    sionna = 9500 / (seconds - startup)
    click.echo(f"Sionna UMi: {sionna:,.0f} channels a second")
    for preset in presets or ("default", "quick"):
        run, made = str(folder / preset), str(folder / f"{preset}.h5")
        if not (keep and Path(run, "model.safetensors").is_file()):
            words = ("--data", str(data), "-o", run, "-c", preset, "--seed", str(seed))
            fit, memory = timed("fit", *words, "--overwrite")
            click.echo(f"\n{preset}: fit {fit / 60:.1f} min, peak memory {memory:.1f} GB")
        many = 200_000 if preset == "quick" else 50_000
        seconds, _ = timed("generate", run, "-n", str(many), "-o", made, "--overwrite")
        startup, _ = timed("generate", run, "-n", "1", "-o", made, "--overwrite")
        timed("generate", run, "-n", str(HELD_OUT), "-o", made, "--overwrite")
        rate = many / (seconds - startup)
        report = compare(unseen, load(made), training=everything[:TRAIN])
        report = replace(report, fidelity=fidelity(unseen, asked_for(open_run(run), ASKED)))
        report.save(folder / f"{preset}-report")
        click.echo(
            f"{preset} generates {rate:,.0f} channels a second, {rate / sionna:.1f} times Sionna"
        )
        click.echo(str(report))
        (folder / f"{preset}.json").write_text(json.dumps(report.to_dict()))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    click.echo(f"\ncomparison: peak memory {peak:.1f} GB")


if __name__ == "__main__":
    main()
