"""How few measurements do: fits from scratch and from another street's run, beside simple things.

Channels of another scenario than the run's are simulated; so many of them are what was measured,
and ``default`` is fitted to them from scratch and from the weights of the run (``--init``).
Printed are the mean and the worst W1/sigma of all statistics against held-out channels, and the
AUC on statistics and on channels, of generated channels, of complex Gaussian ones with the sample
covariance, and of the measured ones resampled.

    python benchmarks/few.py [RUN] [--scenario UMa] [--sizes 100,200,400,800,1600]
"""

import tempfile
from pathlib import Path

import click
import numpy as np
from fidelity import timed

HELD_OUT, JUDGED = 5_000, 4_000
SHARE = 0.8
"""Of the channels of a file that train; the others choose, or are left aside."""


@click.command()
@click.argument("run", default="benchmarks/work/default", type=click.Path(exists=True))
@click.option("--scenario", default="UMa", show_default=True)
@click.option("--sizes", default="100,200,400,800,1600", show_default=True)
@click.option("--folder", default="benchmarks/work", type=click.Path(path_type=Path))
def main(run: str, scenario: str, sizes: str, folder: Path) -> None:
    """Print the table."""
    from chanvae import compare, fit, load, open_run
    from chanvae.evaluate.channel_classifier import channels_test

    counts = [round(int(size) / SHARE) for size in sizes.split(",")]
    start = open_run(run)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        simulated = f"{place}/{scenario}.h5"
        n = str(max(counts) + HELD_OUT)
        timed("simulate", scenario, "-n", n, "-o", simulated, "--unit-power", "--seed", "5")
        everything = load(simulated)
        unseen = everything[-HELD_OUT:][:JUDGED]
        for count in counts:
            few = everything[:count]
            for name, options in (("scratch", {}), ("init", {"init": start})):
                fitted = fit(few, None, **options)
                made = fitted.sample(JUDGED, seed=1)
                report = compare(unseen, made, training=few, quick=True)
                seen = f", on channels {channels_test(unseen, made).auc:.3f}"
                found = {name: (lambda s: s.distance, seen)}
                for other in ("covariance", "resampled") if name == "scratch" else ():
                    found[other] = lambda s, other=other: s.baselines[other], ""
                (test,) = (c for c in report.classifiers if c.name == "statistics")
                for what, (of, seen) in found.items():
                    values = [of(s).w1_sigma.value for s in report.statistics if s.distance]
                    auc = (test.test if what == name else test.baselines[what]).auc
                    click.echo(
                        f"{round(count * SHARE):5} to train, {what:10}: W1/sigma mean "
                        f"{np.mean(values):.3f}, worst {max(values):.2f}; AUC {auc:.3f}{seen}"
                    )


if __name__ == "__main__":
    main()
