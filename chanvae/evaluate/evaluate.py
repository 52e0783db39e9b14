"""A run against the channels that were held out of its fit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import applicable
from chanvae.channels import ChannelDataset
from chanvae.evaluate.baselines.resample import nearest_to
from chanvae.evaluate.carry import Carry, carry
from chanvae.evaluate.compare import compare
from chanvae.evaluate.conclusion import conclude
from chanvae.evaluate.effort import FULL
from chanvae.evaluate.fidelity import fidelity
from chanvae.evaluate.learning import LearningCurve, learning_curve
from chanvae.evaluate.looks import compute
from chanvae.evaluate.memory import leakage
from chanvae.evaluate.preparation import FEWEST, table
from chanvae.evaluate.report import Report
from chanvae.run import Run
from chanvae.signal.normalization import denormalise
from chanvae.split import Split
from chanvae.training.fit import fit

LEAST, MOST = 1_000, 10_000
"""Channels that are generated unless asked otherwise: as many as are held out, within these."""
ASKED = 2_000
"""Channels that are generated for conditions asked for, at most."""


def evaluate(
    run: Run,
    dataset: ChannelDataset | None = None,
    n: int | None = None,
    seed: int = 0,
    quick: bool = False,
    learning: bool = False,
    progress: Callable[[str], object] = lambda step: None,
) -> Report:
    """Compare generated with held-out measured channels.

    The report is about the distribution that the run was trained on: held-out realisations of
    known groups or conditions. Whether the run carries to groups, conditions or times that its
    training never saw is answered apart, in ``report.carry``.

    Args:
        run: The fitted model; the report is computed on its device.
        dataset: The set it was fitted on; opened anew if not given.
        n: Channels to generate; as many as are held out, from 1,000 to 10,000, if not given.
        seed: Seed of the generated channels and of every draw.
        quick: Leave out the classifier on channels and the tasks.
        learning: Also fit the model to a quarter and a half of the data, for the learning curve.
        progress: Called with the name of each step.

    Raises:
        DataError: The data cannot be read or do not belong to the run.
    """
    progress("measured data")
    dataset = run.dataset() if dataset is None else dataset
    parts = run.split(dataset)
    dataset = denormalise(dataset)
    rng = np.random.default_rng(seed)
    known = parts.known if len(parts.known) >= FEWEST else parts.test
    measured = dataset[_draw(known, MOST, rng)]
    training = dataset[_draw(parts.train, FULL.fitted, rng)]
    n = min(max(len(measured), LEAST), MOST) if n is None else n
    progress(f"generating {n} channels")
    generated = run.sample(n, seed=seed)
    report = compare(
        measured,
        generated,
        training=training,
        seed=seed,
        quick=quick,
        asked={},  # nobody asked for the conditions of these channels
        progress=progress,
        device=run.device,
    )
    progress("conditions asked for")
    report = replace(report, fidelity=fidelity(measured, asked_for(run, min(n, ASKED), seed)))
    if parts.what and len(parts.test) >= FEWEST:
        progress("what training never saw")
        report = replace(report, carry=_carry(run, dataset, parts, generated, training, seed))
    else:
        found = leakage(training, measured, seed)
        report = replace(report, leakage=found, notes=(*report.notes, found.sentence))
    if len(parts.known) < FEWEST and parts.what:
        note = (
            "Too few realisations of known groups were held out, so the report is about new ones."
        )
        report = replace(report, notes=(*report.notes, note))
    if learning:
        progress("learning curve")
        curve = _learning(run, dataset, parts, measured, generated, seed)
        report = replace(report, learning=curve)
    return conclude(report)


def asked_for(run: Run, n: int, seed: int = 0) -> ChannelDataset:
    """Channels for the conditions of ``n`` training realisations, all of them asked for."""
    total = len(next(iter(run.known.values()), ()))
    rows = np.random.default_rng(seed).integers(max(total, 1), size=n)
    asked: dict[str, Any] = {name: values[rows] for name, values in run.known.items()}
    return run.sample(n, seed=seed, **asked)


def _carry(
    run: Run,
    dataset: ChannelDataset,
    parts: Split,
    generated: ChannelDataset,
    training: ChannelDataset,
    seed: int,
) -> Carry:
    """Generated and training channels against those of the test part.

    Where a range of a condition was held out, channels are generated for the conditions of the
    test part, and the training channels are those with the nearest conditions.
    """
    rng = np.random.default_rng(seed)
    new = dataset[_draw(parts.test, MOST, rng)]
    labels = None
    if parts.group and not parts.hole:
        labels = np.unique(new.groups[parts.group], return_inverse=True)[1]
    if parts.hole:
        asked: dict[str, Any] = {k: new.conditions[k] for k in run.vector.names}
        generated = run.sample(len(new), seed=seed, extrapolate=True, **asked)
        training = nearest_to(training, new)
    known = applicable(Grid.of(new))
    values = [compute(d, run.device) for d in (new, generated, training)]
    tables = [table(v, known) for v in values]
    return carry(
        parts.what,
        known,
        values[0],
        values[1],
        values[2],
        (tables[0], tables[1], tables[2]),
        labels,
        seed,
    )


def _learning(
    run: Run,
    dataset: ChannelDataset,
    parts: Split,
    measured: ChannelDataset,
    generated: ChannelDataset,
    seed: int,
) -> LearningCurve:
    """Fit the run's own configuration to shares of its training part."""
    data = run.config.data.model_copy(update={"split": "random", "group": "random"})
    config = run.config.model_copy(update={"data": data})
    rows = np.random.default_rng(seed).permutation(parts.train)

    def refit(share: float) -> ChannelDataset:
        # A fit sets some of what it is given aside; what is left is the share asked for.
        kept = 1 - data.validation - data.test
        some = np.sort(rows[: min(len(rows), round(share * len(rows) / kept))])
        refitted = fit(dataset[some], config=config, device=run.device)
        return refitted.sample(len(generated), seed=seed)

    return learning_curve(measured, generated, len(parts.train), refit, seed)


def _draw(index: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    return index if len(index) <= n else np.sort(rng.choice(index, n, replace=False))
