"""From distances to a verdict: within the floor, close or off, and in which direction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chanvae.evaluate.distances import Distance, distance, floor, is_constant
from chanvae.evaluate.fidelity import Fidelity
from chanvae.evaluate.statistics import Statistic
from chanvae.evaluate.twosample import TwoSample
from chanvae.units import show

Verdict = Literal["within the floor", "close", "off"]

CLOSE_SIGMA = 0.1
CLOSE_FLOORS = 2.0
CLOSE_AUC = 0.7
RULE = (
    "A statistic is within the floor where its W1/σ is at most the 97.5 % quantile of real "
    f"against real, close where it is at most {CLOSE_SIGMA:g} or {CLOSE_FLOORS:g} times that "
    "quantile, off where it is larger. A classifier is within the floor where its 95 % interval "
    f"reaches down to 0.5 or into that of its baseline, close up to an AUC of {CLOSE_AUC:g}, off "
    "above."
)
"""How a verdict is reached."""


@dataclass(frozen=True)
class Summary:
    """A sample of one statistic in a few numbers, in its unit.

    Args:
        n: Realisations for which the statistic is defined.
        mean: Mean.
        std: Standard deviation.
        median: Median.
        quantiles: 201 quantiles, from the smallest to the largest value.
    """

    n: int
    mean: float
    std: float
    median: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, values: np.ndarray) -> "Summary":
        """The summary of finite values."""
        quantiles = np.quantile(values, np.linspace(0, 1, 201)).tolist()
        mean, std, median = (float(f(values)) for f in (np.mean, np.std, np.median))
        return cls(len(values), mean, std, median, tuple(quantiles))


@dataclass(frozen=True)
class StatisticResult:
    """One statistic of both sets.

    Args:
        name: The statistic.
        label: The same for people.
        unit: Its unit.
        definition: What it is and where that comes from.
        measured: Summary of the measured set.
        generated: Summary of the generated set.
        constant: The measured set has no spread, so that no distance has a scale.
        distance: Generated to measured, with 95 % bootstrap intervals.
        floor: Real against real at the same sizes: median and 95 % interval.
        training: Training data, as many as generated, to measured.
        verdict: The verdict.
        sentence: The verdict with its direction.
    """

    name: str
    label: str
    unit: str
    definition: str
    measured: Summary
    generated: Summary
    constant: bool
    distance: Distance | None
    floor: Distance | None
    training: Distance | None
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class ClassifierResult:
    """A classifier two-sample test beside the same test on real data.

    Args:
        name: What the classifier sees: ``statistics`` or ``channels``.
        test: Generated against measured.
        baseline: Real against real.
        baseline_name: What real against real was.
        verdict: The verdict.
        sentence: The same in words.
    """

    name: str
    test: TwoSample
    baseline: TwoSample
    baseline_name: str
    verdict: Verdict
    sentence: str


def judge_statistic(
    statistic: Statistic,
    values: Mapping[str, np.ndarray],
    labels: np.ndarray | None = None,
    seed: int = 0,
) -> StatisticResult | None:
    """Distances and verdict of one statistic.

    Args:
        statistic: The statistic.
        values: Its values in ``measured``, ``generated`` and perhaps ``training``.
        labels: Group of each measured realisation, drawn whole for the interval.
        seed: Seed of floor and bootstrap.

    Returns:
        The result; ``None`` where it is defined for fewer than 2 realisations of a set.
    """
    good = {name: v[np.isfinite(v)] for name, v in values.items()}
    if min(map(len, good.values())) < 2:
        return None
    measured, generated = good["measured"], good["generated"]
    constant = is_constant(measured, statistic.resolution)
    if labels is not None:
        kept = labels[np.isfinite(values["measured"])]
        labels = np.unique(kept, return_inverse=True)[1]
    between = real = trained = None
    if constant:
        gap = float(np.abs(generated - measured.mean()).max())
        verdict, sentence = _constant(statistic, float(measured.mean()), gap)
    else:
        between = distance(measured, generated, seed, labels=labels)
        real = floor(measured, len(generated), seed)
        if "training" in good:
            trained = distance(measured, good["training"], seed, labels=labels)
        verdict = _verdict(between, real)
        sentence = _sentence(statistic, measured, generated, verdict, between, real, trained)
    return StatisticResult(
        name=statistic.name,
        label=statistic.label,
        unit=statistic.unit,
        definition=statistic.definition,
        measured=Summary.of(measured),
        generated=Summary.of(generated),
        constant=constant,
        distance=between,
        floor=real,
        training=trained,
        verdict=verdict,
        sentence=sentence,
    )


def judge_classifier(
    name: str, test: TwoSample, baseline: TwoSample, baseline_name: str
) -> ClassifierResult:
    """Verdict of a classifier two-sample test."""
    if test.interval[0] <= max(0.5, baseline.interval[1]):
        verdict: Verdict = "within the floor"
    else:
        verdict = "close" if test.auc <= CLOSE_AUC else "off"
    sentence = (
        f"a classifier on {name} tells generated from measured with an AUC of {test.auc:.2f} "
        f"(0.5 is chance; {baseline_name}: {baseline.auc:.2f})"
    )
    return ClassifierResult(name, test, baseline, baseline_name, verdict, sentence)


def conclude(
    statistics: Sequence[StatisticResult],
    classifiers: Sequence[ClassifierResult],
    fidelity: Sequence[Fidelity],
) -> tuple[str, ...]:
    """The whole report in a few sentences, the worst first; never one score."""
    count = {v: sum(s.verdict == v for s in statistics) for v in ("within the floor", "close")}
    off = [s for s in statistics if s.verdict == "off"]
    worst = sorted(off, key=lambda s: -s.distance.w1_sigma.value if s.distance else -np.inf)
    first = (
        f"Of {len(statistics)} statistics {count['within the floor']} are within the floor, "
        f"{count['close']} close and {len(off)} off"
    )
    first += f": {'; '.join(s.sentence for s in worst[:3])}." if off else "."
    return (
        first,
        *(c.sentence[0].upper() + c.sentence[1:] + "." for c in classifiers),
        *(f.sentence[0].upper() + f.sentence[1:] + "." for f in fidelity),
    )


def _verdict(between: Distance, real: Distance) -> Verdict:
    if between.w1_sigma.value <= real.w1_sigma.high:
        return "within the floor"
    limit = max(CLOSE_SIGMA, CLOSE_FLOORS * real.w1_sigma.high)
    return "close" if between.w1_sigma.value <= limit else "off"


def _constant(statistic: Statistic, value: float, gap: float) -> tuple[Verdict, str]:
    same = gap <= 10 * max(statistic.resolution, 1e-9 * abs(value))
    said = f"measured {statistic.label} is constant at {show(value, statistic.unit)}"
    if same:
        return "within the floor", f"{said}, and so is generated"
    return "off", f"{said}, generated is up to {show(gap, statistic.unit)} away"


def _sentence(
    statistic: Statistic,
    measured: np.ndarray,
    generated: np.ndarray,
    verdict: Verdict,
    between: Distance,
    real: Distance,
    trained: Distance | None,
) -> str:
    if verdict == "within the floor":
        return f"generated {statistic.label} is within the floor"
    shift = float(generated.mean() - measured.mean())
    ratio = float(generated.std() / measured.std())
    w1 = between.w1_sigma.value
    if abs(shift) >= 0.5 * w1 * measured.std():
        word = statistic.low if shift < 0 else statistic.high
        said = f"is {show(abs(shift), statistic.unit)} too {word}"
    elif abs(ratio - 1) > 0.02:
        said = f"varies too {'little' if ratio < 1 else 'much'}, {ratio:.2g} times the measured σ"
    else:
        said = "has another distribution"
    low = real.w1_sigma.value
    factor = f", {w1 / low:.1f} times the floor" if low else ""
    text = f"generated {statistic.label} {said} (W1/σ {w1:.2g}{factor})"
    if trained is not None and w1 <= trained.w1_sigma.high:
        text += f"; the training data are as far ({trained.w1_sigma.value:.2g})"
    return text
