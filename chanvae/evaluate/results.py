"""What is found about one statistic, one set figure or one classifier: plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chanvae.evaluate import circular as circle
from chanvae.evaluate.distances import Distance, Estimate
from chanvae.evaluate.twosample import TwoSample

Verdict = Literal["within the floor", "close", "off"]


@dataclass(frozen=True)
class Summary:
    """A sample of one statistic in a few numbers, in its unit.

    Args:
        n: Realisations for which the statistic is defined.
        undefined: Realisations for which it is not.
        mean: Mean.
        std: Standard deviation.
        median: Median.
        quantiles: 201 quantiles, from the smallest to the largest value.
    """

    n: int
    undefined: int
    mean: float
    std: float
    median: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, values: np.ndarray, circular: bool = False) -> "Summary":
        """The summary of the finite among some values, mean and deviation those of phases."""
        good = values[np.isfinite(values)]
        quantiles = np.quantile(good, np.linspace(0, 1, 201)).tolist()
        mean, std, median = (float(f(good)) for f in (np.mean, np.std, np.median))
        if circular:
            mean, std = circle.mean(good), circle.sigma(good)
        return cls(len(good), len(values) - len(good), mean, std, median, tuple(quantiles))


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
        heavy_tails: A few values make up the measured standard deviation, so that the verdict is
            by KS.
        distance: Generated to measured, with 95 % bootstrap intervals.
        floor: Measured against measured at the same sizes: median and 95 % interval.
        baselines: Name -> baseline to measured, with 95 % bootstrap intervals.
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
    heavy_tails: bool
    distance: Distance | None
    floor: Distance | None
    baselines: Mapping[str, Distance]
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class SetResult:
    """One figure of both sets as wholes.

    Args:
        name: The figure.
        label: The same for people.
        unit: Its unit.
        definition: What it is and where that comes from.
        distance: Generated to measured, with its 95 % bootstrap interval.
        floor: Measured against measured at the same sizes: median and 95 % interval.
        baselines: Name -> baseline to measured, with its 95 % bootstrap interval.
        verdict: The verdict.
        sentence: The verdict in words.
    """

    name: str
    label: str
    unit: str
    definition: str
    distance: Estimate
    floor: Estimate
    baselines: Mapping[str, Estimate]
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class ClassifierResult:
    """A classifier two-sample test beside the same test on measured data.

    Args:
        name: What the classifier sees: ``statistics`` or ``channels``.
        test: Generated against measured.
        baseline: Measured against measured.
        baseline_name: What measured against measured was.
        baselines: Name -> a baseline against measured.
        samples: Generated realisations from which this classifier would tell the sets apart;
            where ``at_least`` is true it needs more than that.
        at_least: The area does not differ from chance, so ``samples`` is a lower bound.
        verdict: The verdict.
        sentence: The same in words.
    """

    name: str
    test: TwoSample
    baseline: TwoSample
    baseline_name: str
    baselines: Mapping[str, TwoSample]
    samples: int
    at_least: bool
    verdict: Verdict
    sentence: str
