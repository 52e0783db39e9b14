"""The report of a comparison: plain frozen data that becomes JSON, text or a page."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from chanvae.evaluate.card3gpp import Card
from chanvae.evaluate.carry import Carry
from chanvae.evaluate.channelwise import ChannelDistances
from chanvae.evaluate.fidelity import Fidelity
from chanvae.evaluate.learning import LearningCurve
from chanvae.evaluate.memory import Leakage, Memory
from chanvae.evaluate.needless import BaselineResult
from chanvae.evaluate.pictures import Pictures
from chanvae.evaluate.results import ClassifierResult, SetResult, StatisticResult
from chanvae.evaluate.tasks import Task


@dataclass(frozen=True)
class Report:
    """How far generated channels are from measured ones; plain data, in SI units.

    Args:
        sentences: The verdict in three sentences.
        statistics: One result a statistic.
        figures: One result a figure of the sets as wholes.
        channels: Distances between whole channels.
        classifiers: Two-sample tests.
        fidelity: Asked against achieved conditions, where conditions were asked for.
        baselines: Whether something simpler does as well; empty without training data.
        memory: Whether training channels were copied; ``None`` without training data.
        leakage: Near copies across the split of the run; ``None`` where it was not at random.
        carry: Whether the model carries to groups or conditions that training never saw;
            ``None`` where none were held out.
        tasks: What the channels are good for; empty where left out.
        learning: Whether more measurements would help; ``None`` where not asked for.
        card: Large-scale parameters as in TR 38.901, table 7.5-6.
        measured: Size, axes and provenance of the measured set.
        generated: The same of the generated set.
        training: The same of the training set, if it was given.
        rule: How verdicts are reached.
        notes: What is needed to read the numbers rightly.
        seed: Seed of every draw.
        quick: The classifier on channels and the tasks were left out.
        pictures: Profiles and maps that the page shows.
    """

    sentences: tuple[str, ...]
    statistics: tuple[StatisticResult, ...]
    figures: tuple[SetResult, ...]
    channels: ChannelDistances
    classifiers: tuple[ClassifierResult, ...]
    fidelity: tuple[Fidelity, ...]
    baselines: tuple[BaselineResult, ...]
    memory: Memory | None
    leakage: Leakage | None
    carry: Carry | None
    tasks: tuple[Task, ...]
    learning: LearningCurve | None
    card: Card
    measured: Mapping[str, Any]
    generated: Mapping[str, Any]
    training: Mapping[str, Any] | None
    rule: str
    notes: tuple[str, ...]
    seed: int
    quick: bool
    pictures: Pictures = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Every number with its unit, definition and interval, ready for JSON (no NaN in it)."""
        content = {
            "schema_version": 4,
            **asdict(replace(self, pictures=None)),  # pyright: ignore[reportArgumentType]
            "profiles": self.pictures.profiles(),
        }
        for told, test in zip(content["classifiers"], self.classifiers, strict=True):
            told["test"]["interval"] = test.test.interval
            told["baseline"]["interval"] = test.baseline.interval
            for key, other in test.baselines.items():
                told["baselines"][key]["interval"] = other.interval
        del content["pictures"]
        return _plain(content)

    def __str__(self) -> str:
        """The verdict, then a line a statistic, a figure and a classifier."""
        lines = list(self.sentences)
        for s in self.statistics:
            told = "constant" if s.distance is None else f"W1/σ {s.distance.w1_sigma.value:.3f}"
            if s.floor is not None:
                told += f" (floor {s.floor.w1_sigma.value:.3f})"
            lines.append(f"{s.label}: {told}, {s.verdict}")
        for f in self.figures:
            unit = "" if f.unit == "1" else f" {f.unit}"
            told = f"{f.distance.value:.3f}{unit} (floor {f.floor.value:.3f})"
            lines.append(f"{f.label}: {told}, {f.verdict}")
        for c in self.classifiers:
            interval = "-".join(f"{edge:.3f}" for edge in c.test.interval)
            lines.append(
                f"AUC on {c.name}: {c.test.auc:.3f} ({interval}; "
                f"{c.baseline_name} {c.baseline.auc:.3f}), {c.verdict}"
            )
        said = [self.memory, self.carry, self.learning, *self.tasks, *self.fidelity]
        lines += [s.sentence for s in said if s is not None]
        return "\n".join(lines)

    def save(self, directory: str | Path) -> tuple[Path, ...]:
        """Write ``report.json``, ``report.html`` and ``card.csv``.

        Args:
            directory: Made if absent; a report that is in it is replaced.

        Returns:
            The paths.
        """
        from chanvae.evaluate.page import save

        return save(self, Path(directory))


def _plain(value: Any) -> Any:
    """The same in what JSON has; numbers that are not finite become None."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)
