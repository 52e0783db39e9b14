"""Whether something simpler than the model does as well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chanvae.evaluate.baselines.make import BASELINES
from chanvae.evaluate.results import ClassifierResult, SetResult, StatisticResult

CHANCE = 2.0
"""Times the floor that a baseline must be apart to count as farther: of many figures a few leave
their floor by chance."""


@dataclass(frozen=True)
class BaselineResult:
    """A baseline beside the model.

    Args:
        name: Key in tables and JSON.
        label: The same for people.
        definition: How it makes channels.
        copies: It hands out training channels.
        n: Channels that were made; 0 where it was left out.
        better: Figures in which it is nearer to measured than the model, beyond the interval.
        worse: Figures in which the model is nearer, beyond the interval and :data:`CHANCE` floors.
        as_good: No figure in which the model is nearer, and no classifier that finds the
            baseline's channels sooner.
        sentence: The same in words.
    """

    name: str
    label: str
    definition: str
    copies: bool
    n: int
    better: int
    worse: int
    as_good: bool
    sentence: str


def judge_baselines(
    sizes: Mapping[str, int],
    statistics: Sequence[StatisticResult],
    figures: Sequence[SetResult],
    classifiers: Sequence[ClassifierResult],
) -> tuple[BaselineResult, ...]:
    """Every baseline against the model, figure by figure.

    Args:
        sizes: Name -> channels made of it; 0 where it was left out.
        statistics: Results with the distances of the baselines.
        figures: The same of the sets as wholes.
        classifiers: The same of classifiers.
    """
    return tuple(_judge(name, n, statistics, figures, classifiers) for name, n in sizes.items())


def _judge(
    name: str,
    n: int,
    statistics: Sequence[StatisticResult],
    figures: Sequence[SetResult],
    classifiers: Sequence[ClassifierResult],
) -> BaselineResult:
    told = BASELINES[name]
    if not n:
        text = (
            f"{told.label} was left out; install the extra for it: pip install chanvae[benchmark]"
        )
        return BaselineResult(name, told.label, told.definition, told.copies, 0, 0, 0, False, text)
    rows = [
        (s.distance.ks, s.floor.ks, s.baselines[name].ks.value)
        if s.heavy_tails
        else (s.distance.w1_sigma, s.floor.w1_sigma, s.baselines[name].w1_sigma.value)
        for s in statistics
        if s.distance is not None and s.floor is not None and name in s.baselines
    ]
    rows += [
        (f.distance, f.floor, f.baselines[name].value) for f in figures if name in f.baselines
    ]
    model, other = (
        np.array([[m.value, m.low, m.high, floor.high] for m, floor, _ in rows]).reshape(-1, 4),
        np.array([value for *_, value in rows]),
    )
    better = int(((other < model[:, 1]) & (model[:, 0] > model[:, 3])).sum())
    worse = int(((other > model[:, 2]) & (other > CHANCE * model[:, 3])).sum())
    sooner = any(
        c.baselines[name].auc > max(c.test.interval[1], c.baseline.interval[1])
        for c in classifiers
        if name in c.baselines
    )
    as_good = worse == 0 and not sooner
    text = f"{told.label} is nearer in {better} of {len(rows)} figures, farther in {worse}"
    if as_good and told.copies:
        text += "; it does as well, but only hands out training channels again"
    elif as_good:
        text += "; it does as well, so the model is not needed"
    return BaselineResult(
        name, told.label, told.definition, told.copies, n, better, worse, as_good, text
    )
