"""Measured against generated: every figure with its floor, baselines, interval and verdict."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from chanvae.catalogue.grid import Grid
from chanvae.catalogue.statistics import applicable
from chanvae.channels import ChannelDataset
from chanvae.evaluate.baselines.make import baselines
from chanvae.evaluate.card3gpp import card
from chanvae.evaluate.channel_classifier import channels_test
from chanvae.evaluate.channelwise import channel_distances
from chanvae.evaluate.conclusion import conclude
from chanvae.evaluate.effort import FULL, QUICK
from chanvae.evaluate.embedding import EMBEDDING_DEFINITION, Embedding
from chanvae.evaluate.fidelity import fidelity
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
from chanvae.threads import side_by_side

FEW_FOLDS = 2
"""Folds of the classifier beside a baseline, whose area nobody needs to three digits."""


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
    device: torch.device | str = "cpu",
) -> Report:
    """Compare two sets of channels, whoever made them, in the units they were measured in.

    Args:
        measured: Channels that no model was fitted on.
        generated: Channels to judge, on the same frequencies and arrays.
        training: What the model was fitted on: baselines are fitted on it, and copies of it are
            looked for.
        seed: Seed of every draw.
        quick: Leave out the classifier on channels and the tasks, and look at fewer channels
            (:data:`~chanvae.evaluate.effort.QUICK`) for baselines, copies and manifolds.
        resample: Bring sets on another frequency grid to the frequencies that both cover.
        asked: Conditions that were asked for, name -> ``[n]``; those in ``generated.conditions``
            if not given.
        progress: Called with the name of each step.
        device: Where statistics and the classifier on channels are computed.

    Raises:
        DataError: The sets cannot be compared; the message says what differs.
    """
    rng, effort = np.random.default_rng(seed), QUICK if quick else FULL
    measured, generated = denormalise(measured), denormalise(generated)
    training = None if training is None else denormalise(training)
    if resample:
        measured, generated, training = common_grid(measured, generated, training)
    generated = on_grid_of(measured, generated, "generated")
    if training is not None:
        training = on_grid_of(measured, training, "training")
    name, labels = group(measured)

    looks = partial(look, device=device)
    progress("statistics")
    # Baselines are made and looked at side by side, and copies sought meanwhile.
    with side_by_side() as pool:
        partings = measured_weights(len(measured), len(generated), labels, rng)
        drawings = bootstrap_weights(len(generated), None, rng)
        many = min(len(generated), effort.made)
        fewer = drawings if many == len(generated) else bootstrap_weights(many, None, rng)
        seen = _Seen(*pool.map(looks, (measured, generated), (partings, drawings)))
        embed = Embedding.of(measured, generated, seed)
        apart = pool.submit(
            lambda: channel_distances(
                embed(measured), embed(generated), EMBEDDING_DEFINITION, seed, effort
            )
        )
        copied = None
        if training is not None:
            copied = pool.submit(memory, training, measured, generated, seed, effort)
        sizes: dict[str, int] = {}
        made: dict[str, Looks] = {}
        if training is not None:
            makers = baselines(training, many, seed, effort.fitted)
            jobs = {
                key: pool.submit(_looked_at, make, fewer, looks) for key, make in makers.items()
            }
            for key, job in jobs.items():
                progress(f"baseline: {key}")
                sizes[key], seen_of = job.result()
                if seen_of is not None:
                    made[key] = seen_of

        progress("distances, floors and intervals")
        known = applicable(Grid.of(measured))
        values = {"measured": seen.measured, "generated": seen.generated, **made}
        columns = [{key: v.values[s.name] for key, v in values.items()} for s in known]
        judge = partial(judge_statistic, labels=labels, seed=seed)
        judged = list(pool.map(judge, known, columns))
        statistics = tuple(s for s in judged if s is not None)
        progress("classifier on statistics")
        tables = {key: table(v.values, known) for key, v in values.items()}
        told = _on_statistics(tables, training is not None, seed, pool)
    figures = judge_figures(
        set_figures(Grid.of(measured)),
        seen.measured,
        seen.generated,
        made,
        (len(measured), len(generated)),
    )
    classifiers = (told,)
    if not quick:
        progress("classifier on channels")
        classifiers = told, _on_channels(measured, generated, training, seed, device)
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


def _looked_at(
    make: Callable[[], ChannelDataset | None],
    weights: np.ndarray,
    looks: Callable[[ChannelDataset, np.ndarray], Looks],
) -> tuple[int, Looks | None]:
    """Channels of a baseline, how many, and what is seen of them; ``None`` without any."""
    drawn = make()
    return (0, None) if drawn is None else (len(drawn), looks(drawn, weights))


def _on_statistics(
    tables: dict[str, np.ndarray], trained: bool, seed: int, pool: Executor
) -> ClassifierResult:
    """The classifier on statistics beside the same test on measured channels.

    Args:
        tables: Statistics of every set ``[n, statistics]``.
        trained: Training data are among them, as those of the baseline ``resampled``.
        seed: Seed of halves, folds and trees.
        pool: What the tests run on.
    """
    tables = dict(tables)
    one, other = tables.pop("measured"), tables.pop("generated")
    folds = dict.fromkeys(tables, FEW_FOLDS) | {"resampled": FOLDS}
    jobs = {
        key: pool.submit(statistics_test, one, found, seed, folds[key])
        for key, found in tables.items()
    }
    test = pool.submit(statistics_test, one, other, seed)
    if not trained:
        first, second = _halves(len(one), seed)
        jobs["halves"] = pool.submit(statistics_test, one[first], one[second], seed)
    areas = {key: job.result() for key, job in jobs.items()}
    base = areas["resampled"] if trained else areas.pop("halves")
    return judge_classifier("statistics", test.result(), base, _against(trained), areas)


def _on_channels(
    measured: ChannelDataset,
    generated: ChannelDataset,
    training: ChannelDataset | None,
    seed: int,
    device: torch.device | str,
) -> ClassifierResult:
    """The classifier on channels beside the same test on measured channels."""
    tell = partial(channels_test, seed=seed, device=device)
    test = tell(measured, generated)
    if training is None:
        first, second = _halves(len(measured), seed)
        base = tell(measured[first], measured[second])
        return judge_classifier("channels", test, base, _against(False), {})
    n = min(len(training), len(generated))
    rows = np.random.default_rng(seed).permutation(len(training))[:n]
    base = tell(measured, training[np.sort(rows)])
    return judge_classifier("channels", test, base, _against(True), {"resampled": base})


def _halves(n: int, seed: int) -> list[np.ndarray]:
    order = np.random.default_rng(seed).permutation(n)
    return [np.sort(half) for half in np.array_split(order, 2)]


def _against(trained: bool) -> str:
    return "training data against measured" if trained else "measured halves"
