"""Normalisation, said and undone: none, unit mean power, unit power per realisation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.signal.lazy import blocks, mapped, noted, power
from chanvae.signal.noise import mean_power

NONE, MEAN, EACH = "none", "unit_mean_power", "unit_power_per_realisation"
KINDS = (NONE, MEAN, EACH)
GAIN = "measured_gain"
"""The condition that keeps what ``unit_power_per_realisation`` divided by."""


@dataclass(frozen=True)
class _Scale:
    """Multiplies each realisation by the root of its factor."""

    factor: np.ndarray

    def __call__(self, h: np.ndarray, rows: np.ndarray) -> np.ndarray:
        amplitude = np.sqrt(self.factor[rows]).astype(np.float32)
        return h * amplitude[:, None, None, None, None]


def gains(dataset: ChannelDataset) -> np.ndarray:
    """Mean of |h|² of each realisation, linear ``[n]``, in one pass."""
    parts = [power(h).mean((1, 2, 3, 4)) for h in blocks(dataset, np.arange(len(dataset)))]
    return np.concatenate([np.zeros(0), *parts])


def undoing(dataset: ChannelDataset) -> np.ndarray | None:
    """Factor of each realisation from the power it has to the power it was measured with ``[n]``.

    Ones where the set is not normalised, ``None`` where it is and the factor is not known.
    """
    n, kind = len(dataset), dataset.meta.normalization
    if kind == NONE:
        return np.ones(n)
    if kind == MEAN and np.isfinite(dataset.meta.normalization_power):
        return np.full(n, dataset.meta.normalization_power)
    if kind == EACH and GAIN in dataset.conditions:
        return np.asarray(dataset.conditions[GAIN], np.float64)
    return None


def noise_power(dataset: ChannelDataset) -> np.ndarray:
    """Noise power per frequency of each realisation in the units its ``h`` has ``[n]``.

    0 where the noise floor is unknown. ``meta.noise_floor`` is as measured; normalisation scales
    it with the channel.
    """
    floor = dataset.meta.noise_floor
    if not np.isfinite(floor):
        return np.zeros(len(dataset))
    factor = undoing(dataset)
    return np.full(len(dataset), floor) if factor is None else floor / factor


def normalise(dataset: ChannelDataset, kind: str) -> ChannelDataset:
    """The set with another normalisation; what it had is undone first.

    Args:
        dataset: The set.
        kind: ``none``, ``unit_mean_power`` (one factor, in ``meta.normalization_power``) or
            ``unit_power_per_realisation`` (the factors become the condition ``measured_gain``).

    Raises:
        DataError: The kind is unknown, the set has no power, or it is normalised already and
            what it was divided by is not known.
    """
    if kind not in KINDS:
        raise DataError(f"--normalization {kind}: say {', '.join(KINDS)}")
    before = dataset.meta.normalization
    if kind == before:
        return dataset
    if undoing(dataset) is None:
        raise DataError(
            f"--normalization {kind}: the set is {before} already and does not say what it was "
            "divided by; leave --normalization out"
        )
    dataset = denormalise(dataset)
    if kind == NONE:
        return noted(dataset, "normalization", f"{before} undone", kind=kind)
    if kind == MEAN:
        power = mean_power(dataset)
        factor, extra = np.full(len(dataset), power), {}
        said = f"divided by the mean power of the set, {10 * np.log10(power):.2f} dB"
    else:
        power, factor = float("nan"), gains(dataset)
        extra = {GAIN: factor}
        said = f"each realisation divided by its power, kept as condition {GAIN}"
    if not (factor > 0).all():
        raise DataError(
            f"--normalization {kind}: {int((factor <= 0).sum())} realisations have no power; "
            "--drop-invalid goes on without them"
        )
    meta = replace(dataset.meta, normalization=kind, normalization_power=power)
    scaled = mapped(
        dataset,
        _Scale(1 / factor),
        conditions={**dataset.conditions, **extra},
        condition_units={**dataset.condition_units, **dict.fromkeys(extra, "1")},
        meta=meta,
    )
    return noted(scaled, "normalization", said, kind=kind)


def denormalise(dataset: ChannelDataset) -> ChannelDataset:
    """The set with the power it was measured with; as it is where that is not known."""
    factor = undoing(dataset)
    if dataset.meta.normalization == NONE or factor is None:
        return dataset
    return mapped(
        dataset,
        _Scale(factor),
        conditions={k: v for k, v in dataset.conditions.items() if k != GAIN},
        condition_units={k: v for k, v in dataset.condition_units.items() if k != GAIN},
        meta=undone(dataset.meta),
    )


def undone(meta: Meta) -> Meta:
    """What is known about a set once its normalisation is undone."""
    return replace(meta, normalization=NONE, normalization_power=float("nan"))
