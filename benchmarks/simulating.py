"""How fast channels are simulated, and how busy that keeps the cores.

Runs ``chanvae simulate UMi`` (16 x 64, 3.5 GHz, 100 MHz) in a process of its own with one worker
and with one a core, and prints channels a second and the share of the cores that was used: CPU
seconds of the process and its children over seconds on the clock times workers.

    python benchmarks/simulating.py [--count 40000] [--scenario UMi]

Other work on the machine lowers the share.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from chanvae.io.simulation.blocks import cores


def run(scenario: str, count: int, workers: int, folder: str) -> tuple[float, float, bytes]:
    """Seconds on the clock, CPU seconds, and the file that came out."""
    path = Path(folder) / f"{workers}.h5"
    words = ["simulate", scenario, "-n", str(count), "-o", str(path), "--workers", str(workers)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", "chanvae", *words, "--json"], check=True)
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy, path.read_bytes()


@click.command()
@click.option("--count", default=40_000, show_default=True)
@click.option("--scenario", default="UMi", show_default=True)
def main(count: int, scenario: str) -> None:
    """Measure."""
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for workers in sorted({1, cores()}):
            seconds, busy, file = run(scenario, count, workers, folder)
            files.append(file)
            click.echo(
                f"{workers} workers: {count / seconds:,.0f} channels a second, "
                f"{busy / seconds / workers:.0%} of {workers} cores used "
                f"({os.cpu_count()} there are, load {os.getloadavg()[0]:.1f})"
            )
    click.echo("the same bytes" if len(set(files)) == 1 else "the files differ")


if __name__ == "__main__":
    main()
