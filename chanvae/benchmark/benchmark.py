"""All trials of a plan, one after the other; what is done already is not done again."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import chanvae
from chanvae.benchmark.plan import Trial
from chanvae.benchmark.trial import Outcome, alone
from chanvae.errors import DataError
from chanvae.files import whole

TRIALS = "trials"


def benchmark(
    source: Mapping[str, Any],
    plan: Sequence[Trial],
    directory: str | Path,
    n: int,
    overwrite: bool = False,
    keep: bool = False,
    progress: Callable[[str, int, int], object] = lambda doing, done, of: None,
) -> dict[str, Any]:
    """Run every trial of a plan that is not in the folder yet.

    Args:
        source: ``path`` and ``reading`` of the data.
        plan: What to try.
        directory: Made if absent. Each trial leaves a JSON file in it when it is done.
        n: Channels to draw and to judge.
        overwrite: Run trials anew that are there with other settings.
        keep: Keep the run directories.
        progress: Called with what is being done, how many are done, and of how many.

    Returns:
        Everything found, ready for JSON, in the order of the plan.

    Raises:
        DataError: The folder holds trials with other settings.
    """
    folder = Path(directory) / TRIALS
    folder.mkdir(parents=True, exist_ok=True)
    planned: list[tuple[Trial, Path, Outcome, Outcome | None]] = []
    for trial in plan:  # all before the first fit, which may take long
        file = folder / f"{trial.file}.json"
        told = {"source": dict(source), "n": n, "config": trial.settings}
        known = _read(file)
        if known is not None and known["told"] != told:
            if not overwrite:
                raise DataError(
                    f"{file}: made with other settings or data; add --overwrite to make it anew, "
                    "or choose another folder with -o"
                )
            known = None
        planned.append((trial, file, told, known))
    outcomes = []
    for done, (trial, file, told, known) in enumerate(planned):
        if known is None:
            progress(trial.file, done, len(plan))
            run = folder / trial.file
            outcome = alone(source, trial.settings, run, n)
            who = {"name": trial.name, "seed": trial.seed, "value": trial.value}
            kind = trial.config.model.kind
            known = _finite({**who, "kind": kind, **outcome, "told": told})
            with whole(file, overwrite=True) as temporary:
                temporary.write_text(json.dumps(known, allow_nan=False) + "\n")
            if not keep:
                shutil.rmtree(run, ignore_errors=True)
        outcomes.append(known)
    progress("writing", len(plan), len(plan))
    threads = f"{os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return {
        "schema_version": 1,
        "chanvae_version": chanvae.__version__,
        "torch_version": torch.__version__,
        "machine": f"{platform.machine()}, {threads}",
        "clock": plan[0].config.training.clock,
        "budget_seconds": plan[0].config.training.seconds,
        "data": source["path"],
        "n": n,
        "trials": outcomes,
    }


def _read(file: Path) -> Outcome | None:
    """A trial that is done, or nothing."""
    try:
        return json.loads(file.read_text())
    except (OSError, json.JSONDecodeError):
        return None


def _finite(value: Any) -> Any:
    """The same in what JSON has: paths as text, numbers that are not finite as null."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
