"""A region of the map judged: measured against generated, by the code of ``chanvae compare``."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chanvae.errors import DataError
from chanvae.evaluate.compare import compare
from chanvae.explore.drawing import inside
from chanvae.explore.held import Held
from chanvae.run import Run

LEAST = 60
"""Measured realisations that a region needs to be judged."""
MOST = 1000
"""Measured realisations that are looked at."""


def judge(
    run: Run,
    held: Held,
    ranges: Mapping[str, tuple[float, float]],
    seed: int,
    progress: Callable[[str], object],
) -> dict[str, Any]:
    """Statistics of a region with their floors, as :func:`chanvae.compare` finds them.

    Args:
        run: The model.
        held: Measured realisations.
        ranges: Condition -> least and largest SI value.
        seed: Seed of every draw.
        progress: Called with the name of each step.

    Returns:
        ``measured`` and ``generated`` (how many), ``sentences``, ``statistics`` and
        ``classifiers`` as in the report, quantiles thinned.

    Raises:
        DataError: Too few measured realisations are in the region.
    """
    rows = inside(held.dataset.conditions, ranges)
    if len(rows) < LEAST:
        raise DataError(
            f"{len(rows)} of the {len(held.rows)} measured realisations at hand are in this "
            f"region; {LEAST} are needed: draw it larger"
        )
    rng = np.random.default_rng(seed)
    measured = held.dataset[np.sort(rng.permutation(rows)[:MOST])]
    progress("drawing channels")
    asked: dict[str, Any] = {name: measured.conditions[name] for name in run.vector.names}
    generated = run.sample(len(measured), seed=seed, extrapolate=True, **asked)
    report = compare(measured, generated, seed=seed, quick=True, progress=progress).to_dict()
    for statistic in report["statistics"]:
        for side in ("measured", "generated"):
            statistic[side]["quantiles"] = statistic[side]["quantiles"][::5]
    kept = ("sentences", "statistics", "classifiers", "rule")
    return {
        "measured": len(measured),
        "generated": len(generated),
        **{name: report[name] for name in kept},
    }
