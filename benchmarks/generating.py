"""What holds `generate`: its rate beside that of writing random numbers, and a profile.

In one run: channels a second that h5py writes of random complex64, drawn beforehand and as they
are written; those that `chanvae generate` makes of every run, its start left out; and where the
time of the latter goes.

    python benchmarks/generating.py [RUN ...]
"""

import cProfile
import inspect
import io
import pstats
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

import click
import h5py
import numpy as np

BLOCK = 1024


def raw(path: Path, n: int, shape: tuple[int, ...], drawn: bool) -> float:
    """Channels a second of random complex64 to a file, a block at a time."""
    rng = np.random.default_rng(0)

    def block() -> np.ndarray:
        return rng.standard_normal((BLOCK, *shape, 2), np.float32).view(np.complex64)[..., 0]

    ready, start = block(), time.perf_counter()
    with h5py.File(path, "w") as file:
        h = file.create_dataset("h", (n, *shape), np.complex64)
        for first in range(0, n, BLOCK):
            h[first : first + BLOCK] = (block() if drawn else ready)[: n - first]
        file.flush()
    return n / (time.perf_counter() - start)


def generated(run: Path, path: Path, n: int, every: bool) -> float:
    """Channels a second of the command, in this process, which has started."""
    from chanvae.cli.generate import command

    words = [str(run), "-n", str(n), "-o", str(path), "--overwrite", "--json"]
    start = time.perf_counter()
    with redirect_stdout(io.StringIO()):
        command.main([*words, *(["--every"] if every else [])], standalone_mode=False)
    return n / (time.perf_counter() - start)


def parts(model) -> dict[str, Callable]:
    """Functions in which the time goes; none calls another of them."""
    from chanvae.io.hdf5 import Writer
    from chanvae.models.selection import Selection
    from chanvae.models.site import SiteModel

    return {
        "gain, place, traits": type(model.pose_prior).sample,
        "latents": type(model.latent_prior).sample,
        "decoder and chance": SiteModel.maps,
        "back to channels": SiteModel.restore,
        "statistics and choice": Selection.kept,
        "writing": Writer.append,
    }


def shares(profile: cProfile.Profile, model) -> str:
    """Share of the time in every part, most first."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in stats.values())
    found = {}
    for name, function in parts(model).items():
        code = inspect.unwrap(function).__code__
        row = stats.get((code.co_filename, code.co_firstlineno, code.co_name))
        found[name] = row[3] / whole if row else 0.0
    found["the rest"] = 1 - sum(found.values())
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {share:.0%}" for name, share in ordered if share >= 0.005)


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("-n", "count", default=20_480, show_default=True)
@click.option("--folder", default="benchmarks/work", type=click.Path(path_type=Path))
def main(runs: tuple[Path, ...], count: int, folder: Path) -> None:
    """Print the rates and the profiles."""
    from chanvae import open_run

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "generating.h5"
    runs = runs or (folder / "quick", folder / "default")
    for run in runs:
        model = open_run(run).model
        ways = [False] if model.selection is None else [False, True]
        generated(run, path, BLOCK, False)  # whatever starts with the first draw
        shape = h5py.File(path)["h"].shape[1:]
        written, random = (raw(path, 4 * count, shape, drawn) for drawn in (False, True))
        click.echo(
            f"{run}: h5py writes {written:,.0f} channels a second, {random:,.0f} with drawing them"
        )
        for every in ways:
            rate = generated(run, path, count, every)
            # Block after block in this thread, the one that is profiled.
            with patch("chanvae.run.in_order", map), cProfile.Profile() as profile:
                generated(run, path, count // 4, every)
            click.echo(
                f"  generate{' --every' if every else ''}: {rate:,.0f} a second, "
                f"{rate / written:.1%} of writing; {shares(profile, model)}"
            )
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
