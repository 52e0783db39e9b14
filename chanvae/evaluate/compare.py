"""Measured against generated: every statistic with its floor, baseline, interval and verdict."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.evaluate.distances import floor_size
from chanvae.evaluate.fidelity import Fidelity, fidelity
from chanvae.evaluate.pictures import Pictures, pictures
from chanvae.evaluate.statistics import Statistic, applicable, compute
from chanvae.evaluate.twosample import channels_test, statistics_test
from chanvae.evaluate.verdict import (
    RULE,
    ClassifierResult,
    StatisticResult,
    conclude,
    judge_classifier,
    judge_statistic,
)
from chanvae.signal.normalization import denormalise
from chanvae.units import show

FEWEST = 20
"""Realisations of a set below which nothing can be said about it."""

Rows = TypeVar("Rows", np.ndarray, ChannelDataset)


@dataclass(frozen=True)
class Report:
    """How far generated channels are from measured ones; plain data, in SI units.

    Args:
        sentences: The verdict in a few sentences.
        statistics: One result a statistic.
        classifiers: Two-sample tests.
        fidelity: Asked against achieved conditions, where conditions were asked for.
        measured: Size, axes and provenance of the measured set.
        generated: The same of the generated set.
        training: The same of the part of the training set that was used, if it was given.
        rule: How verdicts are reached.
        notes: What is needed to read the numbers rightly.
        seed: Seed of every draw.
        quick: The classifier on channels was left out.
        pictures: Profiles and maps that the page shows.
    """

    sentences: tuple[str, ...]
    statistics: tuple[StatisticResult, ...]
    classifiers: tuple[ClassifierResult, ...]
    fidelity: tuple[Fidelity, ...]
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
            "schema_version": 1,
            **asdict(replace(self, pictures=None)),  # pyright: ignore[reportArgumentType]
            "profiles": self.pictures.profiles(),
        }
        for told, test in zip(content["classifiers"], self.classifiers, strict=True):
            for key in ("test", "baseline"):
                told[key]["interval"] = getattr(test, key).interval
        del content["pictures"]
        return _plain(content)

    def __str__(self) -> str:
        """The verdict, then a line a statistic and a classifier."""
        lines = list(self.sentences)
        for s in self.statistics:
            told = "constant" if s.distance is None else f"W1/σ {s.distance.w1_sigma.value:.3f}"
            if s.floor is not None:
                told += f" (floor {s.floor.w1_sigma.value:.3f})"
            lines.append(f"{s.label}: {told}, {s.verdict}")
        for c in self.classifiers:
            interval = "-".join(f"{edge:.3f}" for edge in c.test.interval)
            lines.append(
                f"AUC on {c.name}: {c.test.auc:.3f} ({interval}; "
                f"{c.baseline_name} {c.baseline.auc:.3f}), {c.verdict}"
            )
        for f in self.fidelity:
            lines.append(f.sentence)
        return "\n".join(lines)

    def save(self, directory: str | Path) -> tuple[Path, Path]:
        """Write ``report.json`` and the self-contained ``report.html``.

        Args:
            directory: Made if absent; a report that is in it is replaced.

        Returns:
            Both paths.
        """
        from chanvae.evaluate.report import save

        return save(self, Path(directory))


def compare(
    measured: ChannelDataset,
    generated: ChannelDataset,
    *,
    training: ChannelDataset | None = None,
    seed: int = 0,
    quick: bool = False,
    asked: Mapping[str, np.ndarray] | None = None,
    progress: Callable[[str], object] = lambda step: None,
) -> Report:
    """Compare two sets of channels, whoever made them.

    Args:
        measured: Real channels that no model was fitted on.
        generated: Channels to judge, on the same frequencies and arrays.
        training: What the model was fitted on; drawn at random, as many as generated, it shows
            how near other measured data come.
        seed: Seed of every draw.
        quick: Leave out the classifier on channels.
        asked: Conditions that were asked for, name -> ``[n]``; those in ``generated.conditions``
            if not given.
        progress: Called with the name of each step.

    Raises:
        DataError: The sets cannot be compared; the message says what differs.
    """
    rng = np.random.default_rng(seed)
    measured = denormalise(measured)
    generated = _on_grid_of(measured, denormalise(generated), "generated")
    if training is not None:
        training = _on_grid_of(measured, denormalise(training), "training")
        training = _draw(training, min(len(training), len(generated)), rng)

    progress("statistics")
    sets = {"measured": measured, "generated": generated, "training": training}
    values = {name: compute(s) for name, s in sets.items() if s is not None}
    known = applicable(measured)
    group, labels = _group(measured)
    progress("distances, floors and intervals")
    columns = [{name: v[s.name] for name, v in values.items()} for s in known]
    judged = [judge_statistic(s, c, labels, seed) for s, c in zip(known, columns, strict=True)]
    statistics = tuple(s for s in judged if s is not None)

    real = "training data against measured" if training is not None else "measured halves"
    progress("classifier on statistics")
    tables = {name: _table(v, known) for name, v in values.items()}
    pair = _real(tables["measured"], tables.get("training"), rng)
    test = statistics_test(tables["measured"], tables["generated"], seed)
    classifiers = [judge_classifier("statistics", test, statistics_test(*pair, seed), real)]
    if not quick:
        progress("classifier on channels")
        test = channels_test(measured, generated, seed)
        progress("classifier on channels, real against real")
        base = channels_test(*_real(measured, training, rng), seed)
        classifiers.append(judge_classifier("channels", test, base, real))

    progress("conditions and pictures")
    met = fidelity(measured, generated, asked)
    return Report(
        sentences=conclude(statistics, classifiers, met),
        statistics=statistics,
        classifiers=tuple(classifiers),
        fidelity=met,
        measured=_describe(measured),
        generated=_describe(generated),
        training=None if training is None else _describe(training),
        rule=RULE,
        notes=_notes(measured, generated, group, [s.label for s in statistics if s.constant]),
        seed=seed,
        quick=quick,
        pictures=pictures(measured, generated, seed),
    )


def _on_grid_of(measured: ChannelDataset, other: ChannelDataset, name: str) -> ChannelDataset:
    """``other`` with the arrays of ``measured`` where it only assumed its own; refuse the rest."""
    for label, dataset in (("measured", measured), (name, other)):
        if len(dataset) < FEWEST:
            raise DataError(
                f"{label}: {len(dataset)} realisation(s); a comparison needs at least {FEWEST}"
            )
    for axis, a, b in zip(
        ("rx", "tx", "time", "freq"), measured.shape[1:], other.shape[1:], strict=True
    ):
        if a != b:
            raise DataError(
                f"{name}: axis {axis} has length {b}, measured has {a}; "
                "bring both to the same antennas, times and frequencies"
            )
    off = np.abs(np.asarray(measured.freq) - np.asarray(other.freq)).max()
    if len(measured.freq) > 1 and off > 1e-3 * measured.subcarrier_spacing:
        raise DataError(
            f"{name}: the frequency grid differs from that of measured by up to "
            f"{show(float(off), 'Hz')} (spacing {show(other.subcarrier_spacing, 'Hz')} against "
            f"{show(measured.subcarrier_spacing, 'Hz')}); resample one of them"
        )
    arrays = {}
    for end in ("rx_array", "tx_array"):
        a, b = getattr(measured, end), getattr(other, end)
        if a != b and not (a.assumed or b.assumed):
            raise DataError(
                f"{name}: {end} is {b}, that of measured is {a}; say the true one when reading"
            )
        arrays[end] = a
    meta = replace(other.meta, noise_floor=measured.meta.noise_floor)
    return replace(other, **arrays, meta=meta)


def _draw(dataset: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    return dataset[np.sort(rng.permutation(len(dataset))[:n])]


def _real(measured: Rows, training: Rows | None, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Real data against real data: with the training set, or the two halves of measured."""
    if training is not None:
        return measured, training
    order = rng.permutation(len(measured))
    half = len(order) // 2
    return measured[np.sort(order[:half])], measured[np.sort(order[half : 2 * half])]


def _group(measured: ChannelDataset) -> tuple[str, np.ndarray | None]:
    """The first group that holds more than one realisation, and the label of each."""
    for name, values in measured.groups.items():
        labels = np.unique(values, return_inverse=True)[1]
        if 1 < labels.max() + 1 < len(labels):
            return name, labels
    return "", None


def _table(values: Mapping[str, np.ndarray], known: tuple[Statistic, ...]) -> np.ndarray:
    """Statistics as columns, without digits that are rounding and not physics."""
    columns = [np.round(values[s.name] / s.resolution) * s.resolution for s in known]
    return np.stack(columns, axis=1)


def _describe(dataset: ChannelDataset) -> dict[str, Any]:
    n, *axes = dataset.shape
    return {
        "n": n,
        **dict(zip(("rx", "tx", "time", "freq"), axes, strict=True)),
        "rx_array": str(dataset.rx_array),
        "tx_array": str(dataset.tx_array),
        "carrier_frequency": dataset.meta.carrier_frequency,
        "bandwidth": dataset.bandwidth,
        "normalization": dataset.meta.normalization,
        "groups": {k: len(np.unique(v)) for k, v in dataset.groups.items()},
        "provenance": dict(dataset.meta.provenance),
    }


def _notes(
    measured: ChannelDataset, generated: ChannelDataset, group: str, constant: list[str]
) -> tuple[str, ...]:
    size = floor_size(len(measured), len(generated))
    notes = [
        f"The floor parts the measured set 200 times at random into two of {size} realisations "
        f"and is scaled to the sizes compared, {len(measured)} and {len(generated)}; intervals "
        "are 95 %, of 200 bootstrap draws."
    ]
    if group:
        count = len(np.unique(measured.groups[group]))
        notes.append(
            f"The measured set holds {count} values of {group}. Realisations that share one are "
            "not independent: the intervals draw them whole, but the floor parts realisations and "
            "so says only how near the same groups can come. How near new groups come is said by "
            "the training data."
        )
    if constant:
        notes.append(
            f"Constant in the measured set, so without a distance: {', '.join(constant)}."
        )
    return tuple(notes)


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
