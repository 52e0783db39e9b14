"""Measured against generated: every figure with its floor, baselines, interval and verdict."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.evaluate.baselines.make import baselines
from chanvae.evaluate.card3gpp import card
from chanvae.evaluate.catalogue import applicable
from chanvae.evaluate.channel_classifier import channels_test
from chanvae.evaluate.channelwise import channel_distances
from chanvae.evaluate.conclusion import conclude
from chanvae.evaluate.embedding import EMBEDDING_DEFINITION, Embedding
from chanvae.evaluate.fidelity import fidelity
from chanvae.evaluate.grid import Grid
from chanvae.evaluate.looks import Looks, look
from chanvae.evaluate.memory import memory
from chanvae.evaluate.needless import judge_baselines
from chanvae.evaluate.pictures import pictures
from chanvae.evaluate.preparation import describe, group, notes, on_grid_of, table
from chanvae.evaluate.report import Report
from chanvae.evaluate.resampling import common_grid
from chanvae.evaluate.results import ClassifierResult
from chanvae.evaluate.setfigures import set_figures
from chanvae.evaluate.setwise import bootstrap_weights, judge_figures, measured_weights
from chanvae.evaluate.tasks import tasks
from chanvae.evaluate.twosample import FOLDS, statistics_test
from chanvae.evaluate.verdict import RULE, judge_classifier, judge_statistic
from chanvae.signal.normalization import denormalise

FEW_FOLDS = 2
"""Folds of the classifier beside a baseline, whose area nobody needs to three digits."""
WORKERS = 2
"""Threads; numpy and torch let go of the interpreter while they compute."""


def compare(
    measured: ChannelDataset,
    generated: ChannelDataset,
    *,
    training: ChannelDataset | None = None,
    seed: int = 0,
    quick: bool = False,
    resample: bool = False,
    asked: Mapping[str, np.ndarray] | None = None,
    progress: Callable[[str], object] = lambda step: None,
) -> Report:
    """Compare two sets of channels, whoever made them, in the units they were measured in.

    Args:
        measured: Real channels that no model was fitted on.
        generated: Channels to judge, on the same frequencies and arrays.
        training: What the model was fitted on: baselines are fitted on it, and copies of it are
            looked for.
        seed: Seed of every draw.
        quick: Leave out the classifier on channels and the tasks.
        resample: Bring sets on another frequency grid to the frequencies that both cover.
        asked: Conditions that were asked for, name -> ``[n]``; those in ``generated.conditions``
            if not given.
        progress: Called with the name of each step.

    Raises:
        DataError: The sets cannot be compared; the message says what differs.
    """
    rng = np.random.default_rng(seed)
    measured, generated = denormalise(measured), denormalise(generated)
    training = None if training is None else denormalise(training)
    if resample:
        measured, generated, training = common_grid(measured, generated, training)
    generated = on_grid_of(measured, generated, "generated")
    if training is not None:
        training = on_grid_of(measured, training, "training")
    name, labels = group(measured)

    progress("statistics")
    # Baselines are made while earlier ones are looked at, and copies sought meanwhile.
    with ThreadPoolExecutor(WORKERS) as pool:
        partings = measured_weights(len(measured), len(generated), labels, rng)
        drawings = bootstrap_weights(len(generated), None, rng)
        seen = _Seen(*pool.map(look, (measured, generated), (partings, drawings)))
        embed = Embedding.of(measured, generated, seed)
        apart = pool.submit(
            lambda: channel_distances(
                embed(measured), embed(generated), EMBEDDING_DEFINITION, seed
            )
        )
        copied = None
        if training is not None:
            copied = pool.submit(memory, training, measured, generated, seed)
        jobs: dict[str, Future[Looks]] = {}
        sizes: dict[str, int] = {}
        if training is not None:
            for key, drawn in baselines(training, len(generated), seed):
                progress(f"baseline: {key}")
                sizes[key] = 0 if drawn is None else len(drawn)
                if drawn is not None:
                    jobs[key] = pool.submit(look, drawn, drawings)
        made = {key: job.result() for key, job in jobs.items()}

        progress("distances, floors and intervals")
        known = applicable(Grid.of(measured))
        values = {"measured": seen.measured, "generated": seen.generated, **made}
        columns = [{key: v.values[s.name] for key, v in values.items()} for s in known]
        judge = partial(judge_statistic, labels=labels, seed=seed)
        judged = list(pool.map(judge, known, columns))
        statistics = tuple(s for s in judged if s is not None)
    figures = judge_figures(
        set_figures(Grid.of(measured)),
        seen.measured,
        seen.generated,
        made,
        (len(measured), len(generated)),
    )
    tables = {key: table(v.values, known) for key, v in values.items()}
    classifiers = _classifiers(measured, generated, training, tables, seed, quick, progress)
    done = ()
    if not quick:
        progress("tasks")
        done = tasks(measured, generated, training, seed)

    progress("conditions and pictures")
    return conclude(
        Report(
            sentences=(),
            statistics=statistics,
            figures=figures,
            channels=apart.result(),
            classifiers=classifiers,
            fidelity=fidelity(measured, generated, asked),
            baselines=judge_baselines(sizes, statistics, figures, classifiers),
            memory=None if copied is None else copied.result(),
            leakage=None,
            carry=None,
            tasks=done,
            learning=None,
            card=card(seen.measured.values, seen.generated.values, seed),
            measured=describe(measured),
            generated=describe(generated),
            training=None if training is None else describe(training),
            rule=RULE,
            notes=notes(
                measured,
                generated,
                name,
                statistics,
                [s.label for s, result in zip(known, judged, strict=True) if result is None],
            ),
            seed=seed,
            quick=quick,
            pictures=pictures(measured, generated, seen.measured, seen.generated, seed),
        )
    )


@dataclass(frozen=True)
class _Seen:
    measured: Looks
    generated: Looks


def _classifiers(
    measured: ChannelDataset,
    generated: ChannelDataset,
    training: ChannelDataset | None,
    tables: dict[str, np.ndarray],
    seed: int,
    quick: bool,
    progress: Callable[[str], object],
) -> tuple[ClassifierResult, ...]:
    """Both classifiers, each beside the same test on real data."""
    rng = np.random.default_rng(seed)
    real = "measured halves" if training is None else "training data against measured"
    order = rng.permutation(len(measured))
    first, second = (np.sort(half) for half in np.array_split(order, 2))
    progress("classifier on statistics")
    tables = dict(tables)
    one, other = tables.pop("measured"), tables.pop("generated")
    test = statistics_test(one, other, seed)
    folds = dict.fromkeys(tables, FEW_FOLDS) | {"resampled": FOLDS}
    areas = {key: statistics_test(one, t, seed, folds[key]) for key, t in tables.items()}
    base = areas.get("resampled") or statistics_test(one[first], one[second], seed)
    results = [judge_classifier("statistics", test, base, real, areas)]
    if not quick:
        progress("classifier on channels")
        test = channels_test(measured, generated, seed)
        progress("classifier on channels, real against real")
        if training is None:
            base = channels_test(measured[first], measured[second], seed)
        else:
            n = min(len(training), len(generated))
            drawn = training[np.sort(rng.permutation(len(training))[:n])]
            base = channels_test(measured, drawn, seed)
        told = {} if training is None else {"resampled": base}
        results.append(judge_classifier("channels", test, base, real, told))
    return tuple(results)
