"""From distances to a verdict: within the floor, close or off, and in which direction."""

from collections.abc import Mapping

import numpy as np

from chanvae.catalogue.statistic import Statistic
from chanvae.evaluate.direction import direction
from chanvae.evaluate.distances import (
    Distance,
    Estimate,
    distance,
    floor,
    has_heavy_tails,
    is_constant,
)
from chanvae.evaluate.results import (
    ClassifierResult,
    SetResult,
    StatisticResult,
    Summary,
    Verdict,
)
from chanvae.evaluate.setfigures import SetFigure
from chanvae.evaluate.twosample import TwoSample, samples_needed
from chanvae.units import show

CLOSE_SIGMA = 0.1
CLOSE_KS = 0.04
CLOSE_FLOORS = 2.0
CLOSE_AUC = 0.7
RULE = (
    "A figure is within the floor where it is at most the 97.5 % quantile of measured against "
    f"measured, close where it is at most {CLOSE_FLOORS:g} times that quantile or a limit that is "
    f"small whatever the floor (W1/σ {CLOSE_SIGMA:g}; a set figure has its own), off where it is "
    "larger. Where a few values make up the standard deviation, KS takes the place of W1/σ "
    f"(limit {CLOSE_KS:g}). A classifier is within the floor where its 95 % interval reaches down "
    f"to 0.5 or into that of its baseline, close up to an AUC of {CLOSE_AUC:g}, off above."
)
"""How a verdict is reached."""


def judge(value: float, floor: Estimate, limit: float) -> Verdict:
    """The verdict on one figure by its floor and the limit that is close whatever the floor."""
    if value <= floor.high:
        return "within the floor"
    return "close" if value <= max(limit, CLOSE_FLOORS * floor.high) else "off"


def judge_statistic(
    statistic: Statistic,
    values: Mapping[str, np.ndarray],
    labels: np.ndarray | None = None,
    seed: int = 0,
) -> StatisticResult | None:
    """Distances and verdict of one statistic.

    Args:
        statistic: The statistic.
        values: Its values in ``measured``, ``generated`` and every baseline.
        labels: Group of each measured realisation, drawn whole for the interval.
        seed: Seed of floor and bootstrap.

    Returns:
        The result; ``None`` where it is defined for fewer than 2 realisations of a set.
    """
    good = {name: v[np.isfinite(v)] for name, v in values.items()}
    measured, generated = good.pop("measured"), good.pop("generated")
    if min(len(measured), len(generated)) < 2:
        return None
    circular = statistic.circular
    constant = is_constant(measured, statistic.resolution, circular)
    heavy = not circular and not constant and has_heavy_tails(measured)
    if labels is not None:
        labels = np.unique(labels[np.isfinite(values["measured"])], return_inverse=True)[1]
    between = real = None
    others: dict[str, Distance] = {}
    if constant:
        gap = float(np.abs(generated - measured.mean()).max())
        verdict, sentence = _constant(statistic, float(measured.mean()), gap)
    else:
        between = distance(measured, generated, seed, labels=labels, circular=circular)
        real = floor(measured, len(generated), seed, circular=circular)
        others = {
            name: distance(measured, v, seed, 50, labels, circular)
            for name, v in good.items()
            if len(v) > 1
        }
        verdict = (
            judge(between.ks.value, real.ks, CLOSE_KS)
            if heavy
            else judge(between.w1_sigma.value, real.w1_sigma, CLOSE_SIGMA)
        )
        words = direction(statistic, measured, generated)
        sentence = _sentence(statistic, words, verdict, between, real, others, heavy)
    return StatisticResult(
        name=statistic.name,
        label=statistic.label,
        unit=statistic.unit,
        definition=statistic.definition,
        measured=Summary.of(values["measured"], circular),
        generated=Summary.of(values["generated"], circular),
        constant=constant,
        heavy_tails=heavy,
        distance=between,
        floor=real,
        baselines=others,
        verdict=verdict,
        sentence=sentence,
    )


def judge_figure(
    figure: SetFigure,
    distance: Estimate,
    floor: Estimate,
    baselines: Mapping[str, Estimate],
    where: str,
) -> SetResult:
    """Verdict of one set figure."""
    verdict = judge(distance.value, floor, figure.close)
    size = f"{distance.value:.2g}" + ("" if figure.unit == "1" else f" {figure.unit}")
    said = f"is {where}" if where else "differs"
    sentence = (
        f"generated {figure.label} is within the floor"
        if verdict == "within the floor"
        else f"generated {figure.label} {said} ({size}{_factor(distance.value, floor.value)})"
    )
    return SetResult(
        figure.name,
        figure.label,
        figure.unit,
        figure.definition,
        distance,
        floor,
        baselines,
        verdict,
        sentence,
    )


def judge_classifier(
    name: str,
    test: TwoSample,
    baseline: TwoSample,
    baseline_name: str,
    baselines: Mapping[str, TwoSample] | None = None,
) -> ClassifierResult:
    """Verdict of a classifier two-sample test."""
    if test.interval[0] <= max(0.5, baseline.interval[1]):
        verdict: Verdict = "within the floor"
    else:
        verdict = "close" if test.auc <= CLOSE_AUC else "off"
    samples, at_least = samples_needed(test)
    sentence = (
        f"a classifier on {name} tells generated from measured with an AUC of {test.auc:.2f} "
        f"(0.5 is chance; {baseline_name}: {baseline.auc:.2f}) and needs "
        f"{'more than ' if at_least else ''}{samples:,} realisations of each for it"
    )
    return ClassifierResult(
        name, test, baseline, baseline_name, baselines or {}, samples, at_least, verdict, sentence
    )


def _constant(statistic: Statistic, value: float, gap: float) -> tuple[Verdict, str]:
    same = gap <= 10 * max(statistic.resolution, 1e-9 * abs(value))
    value = round(value / statistic.resolution) * statistic.resolution
    said = f"measured {statistic.label} is constant at {show(value, statistic.unit)}"
    if same:
        return "within the floor", f"{said}, and so is generated"
    return "off", f"{said}, generated is up to {show(gap, statistic.unit)} away"


def _sentence(
    statistic: Statistic,
    words: str,
    verdict: Verdict,
    between: Distance,
    real: Distance,
    others: Mapping[str, Distance],
    heavy: bool,
) -> str:
    if verdict == "within the floor":
        return f"generated {statistic.label} is within the floor"
    pick = (lambda d: d.ks) if heavy else (lambda d: d.w1_sigma)
    here, low = pick(between).value, pick(real).value
    name = "KS" if heavy else "W1/σ"
    text = f"generated {statistic.label} {words} ({name} {here:.2g}{_factor(here, low)})"
    training = others.get("resampled")
    if training is not None and here <= pick(training).high:
        text += f"; the training data are as far ({pick(training).value:.2g})"
    return text


def _factor(value: float, floor: float) -> str:
    return f", {value / floor:.1f} times the floor" if floor else ""
