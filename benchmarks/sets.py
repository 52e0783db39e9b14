"""What a user who sets nothing gets, on sets of every kind: simulated, and measured channels.

Fits each set with the preset that suits it, evaluates it against held-out channels, and prints the
statistics that are farthest off, both classifiers, and whether training channels were copied.

    python benchmarks/sets.py [NAME ...] [--shared FOLDER] [--preset quick]
"""

import json
from pathlib import Path

import click
from fidelity import timed

SIMULATED = {
    "cdl-c": ("CDL-C", "--delay-spread", "30ns..300ns"),
    "inf-dl": ("InF-DL",),
    "uma": ("UMa", "--carrier", "28GHz", "--rx-array", "1x8", "--tx-array", "1x8",
            "--subcarriers", "32"),
}  # fmt: skip
MEASURED = {
    "uwb": ("uwb_cirs_2018.h5", "--band", "auto"),
    "wifi": ("wifi_wsr_v73.mat", "--carrier", "5.5GHz", "--regrid", "--condition", "los"),
    "wifi-mimo": ("wifi_polyu_5300.h5", "--group", "day", "--independent-antennas", "rx"),
}


def told(report: dict) -> str:
    """What a report says, in three lines."""
    far = [(s["distance"]["w1_sigma"]["value"], s["floor"]["w1_sigma"]["value"], s["label"])
           for s in report["statistics"] if s["distance"] and s["floor"]]  # fmt: skip
    worst = ", ".join(
        f"{name} {w:.3f} (floor {floor:.3f})" for w, floor, name in sorted(far)[:-4:-1]
    )
    lines = [f"  W1/σ at most: {worst}"]
    for c in report["classifiers"]:
        test, base = c["test"], c["baseline"]
        low, high = test["interval"]
        lines.append(
            f"  AUC on {c['name']}: {test['auc']:.3f} ({low:.3f}-{high:.3f}); training data "
            f"{base['auc']:.3f}"
        )
    return "\n".join(lines + [f"  {report['memory']['sentence']}"])


@click.command()
@click.argument("names", nargs=-1)
@click.option("--preset", help="For all of them.  [default: what suits each]")
@click.option("--shared", default="../shared/data", type=click.Path(path_type=Path))
@click.option("--folder", default="benchmarks/work/sets", type=click.Path(path_type=Path))
@click.option("-n", "count", default=50_000, show_default=True, help="Simulated channels.")
@click.option("--limit", type=float, help="Seconds that a fit may take.  [default: any]")
@click.option("--keep", is_flag=True, help="Judge the runs that are there, without fitting anew.")
def main(
    names: tuple[str, ...],
    preset: str | None,
    shared: Path,
    folder: Path,
    count: int,
    limit: float | None,
    keep: bool,
) -> None:
    """Print three lines a set."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or (*SIMULATED, *MEASURED):
        run = folder / f"{name}-{preset or 'fit'}"
        if name in SIMULATED:
            data, options = folder / f"{name}.h5", ()
            if not data.is_file():
                words = (*SIMULATED[name], "-n", str(count), "-o", str(data), "--unit-power")
                timed("simulate", *words)
        else:
            file, *options = MEASURED[name]
            data = shared / file
        spent = "kept"
        if not (keep and (run / "model.safetensors").is_file()):
            words = ("--data", str(data), "-o", str(run), *options)
            words += ("-c", preset) if preset else ()
            words += ("--set", f"training.seconds={limit}") if limit else ()
            seconds, _ = timed("fit", *words, "--overwrite")
            spent = f"fit {seconds / 60:.1f} min"
        timed("evaluate", str(run))
        report = json.loads((run / "evaluation" / "report.json").read_text())
        click.echo(f"{name}: {spent}\n{told(report)}")


if __name__ == "__main__":
    main()
