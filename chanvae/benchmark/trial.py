"""One trial: a fit in a process of its own, its draws judged by the referee."""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from chanvae.config import FitConfig
from chanvae.errors import DataError
from chanvae.evaluate.compare import compare
from chanvae.evaluate.preparation import FEWEST
from chanvae.evaluate.report import Report
from chanvae.run import Run
from chanvae.training.budget import CLOCKS
from chanvae.training.fit import fit
from chanvae.training.record import METRICS

Outcome = dict[str, Any]
WARM = 64
"""Channels drawn before the clock runs."""
BOUNDED = ("cvae", "vae", "beta_vae", "vqvae", "hvae")
"""Kinds whose loss is a bound of the evidence."""


def alone(source: Mapping[str, Any], settings: Mapping[str, Any], folder: Path, n: int) -> Outcome:
    """Run :func:`trial` in a process of its own, so that its memory is its own.

    Args:
        source: ``path`` and ``reading`` of the data.
        settings: The configuration as JSON has it.
        folder: Run directory to make.
        n: Channels to draw and to judge.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(trial, source, settings, folder, n).result()
        except BrokenProcessPool:
            message = "its process was killed, likely for want of memory"
            return {"status": "failed", "message": message}


def trial(source: Mapping[str, Any], settings: Mapping[str, Any], folder: Path, n: int) -> Outcome:
    """Fit, draw and judge.

    Returns:
        ``status`` (``sound``, ``diverged`` or ``failed``), ``message``, and what was found.
    """
    config, said = FitConfig.model_validate(dict(settings)), list[str]()
    clock = CLOCKS[config.training.clock]
    start = clock()
    try:
        run = fit(source["path"], folder, config, reading=source["reading"], overwrite=True,
                  say=said.append)  # fmt: skip
    except DataError as error:
        diverged = "not finite" in str(error)
        return {"status": "diverged" if diverged else "failed", "message": str(error)}
    found = {"fit_seconds": clock() - start, "memory_mb": _peak()}
    found |= _training(folder, config, run)
    warnings = [line for line in said if line.startswith("warning")]
    dataset = run.dataset()
    parts = run.split(dataset)
    known = parts.known if len(parts.known) >= FEWEST else parts.test
    rng = np.random.default_rng(config.seed)
    rows = known if len(known) <= n else np.sort(rng.choice(known, n, replace=False))
    run.sample(WARM, seed=1)
    start = clock()
    generated = run.sample(len(rows), seed=config.seed)
    found["per_second"] = len(rows) / (clock() - start)
    found |= {"warnings": warnings, "realisations": len(rows)}
    if not np.isfinite(generated.h[:]).all():
        return {"status": "diverged", "message": "draws are not finite", **found}
    judged = compare(dataset[rows], generated, seed=config.seed, quick=True)
    status = "sound" if found["learned"] else "diverged"
    message = "" if found["learned"] else "it ended no better than it began"
    return {"status": status, "message": message, **found, "quality": quality(judged)}


def _training(folder: Path, config: FitConfig, run: Run) -> Outcome:
    """What the first stage left in the metrics."""
    rows = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    first = [row for row in rows if row["stage"] in ("autoencoder", "rival")]
    losses = [row["validation_loss"] for row in first]
    best = min(first, key=lambda row: row["validation_loss"])
    tail = losses[-max(len(losses) // 4, 2) :]
    descent = max(losses[0] - min(losses), 1e-12)
    sizes = [p.numel() for p in run.model.parameters()]
    steps = {row["stage"]: row["step"] for row in rows}
    batch = config.training.optimisation.batch
    if "rival" in steps:
        batch = getattr(config.model, "optimisation", config.training.optimisation).batch
    kind = config.model.kind
    keys = ("kl", "reconstruction", "active_latents", "latents", "perplexity")
    return {
        "learned": all(map(math.isfinite, losses)) and min(losses[1:], default=-1) < losses[0],
        "parameters": sum(sizes),
        "steps": steps,
        "passes": first[-1]["step"] * batch / len(run.known[next(iter(run.known))]),
        "losses": [[row["seconds"], row["validation_loss"]] for row in first],
        "variation": float(np.std(tail) / descent),
        "elbo": -best["validation_loss"] if kind in BOUNDED else None,
        **{key: best.get(f"validation_{key}") for key in keys},
    }


def quality(report: Report) -> Outcome:
    """The figures of a report that a benchmark shows."""
    statistics = {
        s.name: {
            "label": s.label,
            "w1_sigma": s.distance.w1_sigma.value,
            "floor": s.floor.w1_sigma.value,
            "verdict": s.verdict,
        }
        for s in report.statistics
        if s.distance is not None and s.floor is not None
    }
    worst = max(statistics.values(), key=lambda s: s["w1_sigma"])
    (auc,) = (c for c in report.classifiers if c.name == "statistics")
    whole = report.channels
    shares = ("precision", "recall", "density", "coverage")
    return {
        "statistics": statistics,
        "worst": worst,
        "near": sum(s["verdict"] != "off" for s in statistics.values()),
        "auc": auc.test.auc,
        "auc_floor": auc.baseline.auc,
        "sliced": whole.sliced.value,
        "sliced_floor": whole.sliced_floor.value,
        **{key: getattr(whole, key).value for key in shares},
        "manifold_floor": {key: floor.value for key, floor in whole.manifold_floor.items()},
        "fidelity": {f.name: f.median_sigma for f in report.fidelity},
    }


def _peak() -> float:
    """Largest resident memory of this process so far [MB]."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
