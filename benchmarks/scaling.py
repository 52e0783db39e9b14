"""Time a channel and peak memory of generate, fit and evaluate, from 10,000 to a million channels.

A run generates files of ever more channels; each file is fitted anew with the quick preset, from
the file, and that fit is evaluated. Steps of a fit do not grow with the file, so its time is told
in two parts: steps, and all that goes through the channels (reading, registration, calibration).

    python benchmarks/scaling.py [RUN] [--sizes 10000,100000,1000000]
"""

import json
from pathlib import Path

import click
from fidelity import timed


def of_steps(run: Path) -> tuple[float, int]:
    """Seconds and number of the optimiser's steps of a fit."""
    seconds, steps = 0.0, 0
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for stage in {row["stage"] for row in rows}:
        these = [row for row in rows if row["stage"] == stage]
        seconds += these[-1]["seconds"] - these[0]["seconds"]
        steps += these[-1]["step"]
    return seconds, steps


@click.command()
@click.argument("run", default="benchmarks/work/quick", type=click.Path(path_type=Path))
@click.option("--sizes", default="10000,100000,1000000", show_default=True)
@click.option("--folder", default="benchmarks/work/scaling", type=click.Path(path_type=Path))
def main(run: Path, sizes: str, folder: Path) -> None:
    """Print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    start, _ = timed("generate", str(run), "-n", "1", "-o", str(folder / "one.h5"), "--overwrite")
    click.echo(
        "channels | generate: channels a second, GB | fit: steps, s; the rest, s and ms a "
        "channel, GB | evaluate: s, ms a held-out channel, GB"
    )
    for n in map(int, sizes.split(",")):
        data, fitted = folder / f"{n}.h5", folder / f"run{n}"
        made, held = timed("generate", str(run), "-n", str(n), "-o", str(data), "--overwrite")
        words = ("--data", str(data), "-o", str(fitted), "--quick", "--overwrite")
        took, most = timed("fit", *words)
        stepping, steps = of_steps(fitted)
        judged, kept = timed("evaluate", str(fitted))
        rest = took - stepping
        click.echo(
            f"{n:,} | {n / (made - start):,.0f}, {held:.2f} | {steps:,}, {stepping:.0f}; "
            f"{rest:.0f}, {1e3 * rest / n:.3f}, {most:.2f} | {judged:.0f}, "
            f"{1e3 * judged / (n / 10):.2f}, {kept:.2f}"
        )
        data.unlink()


if __name__ == "__main__":
    main()
