"""Figures of two sets as wholes: how far their profiles, spectra and distributions are apart."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from chanvae.catalogue.grid import Grid
from chanvae.evaluate.features import ENVELOPE_BINS, ENVELOPE_DB, features, matrices
from chanvae.stats.angle import beam_angles
from chanvae.stats.delay import delay_axis
from chanvae.stats.spatial import End, correlation_matrix_distance
from chanvae.units import show

RANGE_DB = 30.0
"""Bins of a profile weaker than the measured peak by more than this do not count [dB]."""


@dataclass(frozen=True)
class SetFigure:
    """A distance between two sets, computed from the means of one feature.

    Args:
        name: Key in tables and JSON.
        label: The same for people.
        unit: Its unit, ``"dB"`` or ``"1"``.
        definition: What it is and where that comes from.
        feature: The feature that it compares.
        distance: Two means ``[r, k]``, measured and generated, to distances ``[r]``.
        close: Distance that is close, whatever the floor.
        power: A distance between equal sets falls as the size to the minus half of this.
        where: Two means ``[k]`` to words on where and how they differ most; may be empty.
    """

    name: str
    label: str
    unit: str
    definition: str
    feature: str
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray]
    close: float
    power: int = 1
    where: Callable[[np.ndarray, np.ndarray], str] = lambda a, b: ""


def set_figures(grid: Grid) -> tuple[SetFigure, ...]:
    """The figures that the axes of a set allow."""
    known = features(grid)
    return tuple(f for f in _all(grid) if f.feature in known)


def _all(grid: Grid) -> list[SetFigure]:
    delays = delay_axis(grid.freq).numpy()
    found = [
        _profile(
            "delay_profile",
            "power-delay profile",
            "mean power-delay profile",
            partial(_worst_bin, delays, "s"),
        ),
        *(f for end in ("rx", "tx") for f in _ends(grid, end)),
        _profile("angle_delay", "angle-delay profile", "mean angle-delay map"),
        _profile("doppler_profile", "Doppler spectrum", "mean Doppler spectrum"),
        SetFigure(
            "frequency_autocorrelation",
            "frequency autocorrelation",
            "1",
            "RMS difference over all frequency separations of the mean frequency correlation "
            "(Recommendation ITU-R P.1407).",
            "frequency_correlation",
            lambda a, b: np.sqrt(((a - b) ** 2).mean(-1)),
            0.02,
        ),
        SetFigure(
            "envelope",
            "envelope distribution",
            "1",
            "Kolmogorov-Smirnov distance of the power relative to the mean of its realisation, "
            "over all samples of a set, told in quarters of a decibel.",
            "envelope",
            lambda a, b: np.abs(np.cumsum(a - b, -1)).max(-1),
            0.02,
        ),
    ]
    found += [_tail(q, name) for q, name in ((1e-2, "fade_tail_1e-2"), (1e-3, "fade_tail_1e-3"))]
    return found


def _profile(
    name: str,
    label: str,
    what: str,
    where: Callable[[np.ndarray, np.ndarray], str] = lambda a, b: "",
) -> SetFigure:
    return SetFigure(
        name,
        label,
        "dB",
        f"RMS difference in decibels of the {what} of realisations scaled to unit power, over "
        f"the bins where either is at most {RANGE_DB:g} dB below the measured peak; weaker ones "
        f"are told as {RANGE_DB + 10:g} dB below it.",
        name,
        decibel_rms,
        0.5,
        where=where,
    )


def _ends(grid: Grid, end: End) -> tuple[SetFigure, ...]:
    angles = beam_angles(grid.array(end)).numpy()
    return (
        _profile(
            f"angle_profile_{end}",
            f"angular spectrum ({end})",
            f"mean angular power spectrum at {end}",
            partial(_worst_bin, angles, "rad"),
        ),
        SetFigure(
            f"correlation_distance_{end}",
            f"correlation matrix ({end})",
            "1",
            "Correlation-matrix distance (Herdin et al., IEEE VTC Spring 2005) of the mean "
            f"correlation matrices at {end} of realisations scaled to unit power.",
            f"correlation_{end}",
            _matrix_distance,
            0.01,
            power=2,
        ),
        SetFigure(
            f"codebook_{end}",
            f"codebook fingerprint ({end})",
            "1",
            f"Total variation between how often each beam of a DFT codebook at {end} is the "
            "strongest.",
            f"codebook_{end}",
            lambda a, b: np.abs(a - b).sum(-1) / 2,
            0.03,
        ),
    )


def _tail(quantile: float, name: str) -> SetFigure:
    def where(a: np.ndarray, b: np.ndarray) -> str:
        gap = float(envelope_quantile(b, quantile) - envelope_quantile(a, quantile))
        return f"{abs(gap):.2g} dB too {'deep' if gap < 0 else 'shallow'}"

    return SetFigure(
        name,
        f"deep fade ({quantile:g})",
        "dB",
        f"Difference of the {quantile:g} quantile of the power relative to the mean of its "
        "realisation, over all samples of a set.",
        "envelope",
        lambda a, b: np.abs(envelope_quantile(a, quantile) - envelope_quantile(b, quantile)),
        0.5,
        where=where,
    )


def envelope_quantile(histogram: np.ndarray, quantile: float) -> np.ndarray:
    """Quantile [dB] of envelope histograms ``[*r, bins]``, linear within a bin."""
    low, high = ENVELOPE_DB
    total = np.cumsum(histogram, -1)
    place = (total < quantile).sum(-1, keepdims=True).clip(max=ENVELOPE_BINS - 1)
    inside = np.take_along_axis(histogram, place, -1)
    before = np.take_along_axis(total, place, -1) - inside
    part = (quantile - before) / np.maximum(inside, 1e-12)
    return (low + (place + part.clip(0, 1)) * (high - low) / ENVELOPE_BINS)[..., 0]


def decibel_rms(measured: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """RMS difference in dB of profiles ``[*r, k]`` over the bins above the range."""
    gap, counts = _decibel_gap(measured, generated)
    return np.sqrt((gap**2 * counts).sum(-1) / counts.sum(-1))


def _decibel_gap(measured: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    peak = measured.max(-1, keepdims=True)
    counts = np.maximum(measured, generated) >= peak * 10 ** (-RANGE_DB / 10)
    least = peak * 10 ** (-(RANGE_DB + 10) / 10)
    return 10 * np.log10(np.maximum(generated, least) / np.maximum(measured, least)), counts


def _worst_bin(axis: np.ndarray, unit: str, measured: np.ndarray, generated: np.ndarray) -> str:
    gap, counts = _decibel_gap(measured, generated)
    worst = int(np.argmax(np.abs(gap) * counts))
    word = "strong" if gap[worst] > 0 else "weak"
    return f"up to {abs(gap[worst]):.2g} dB too {word}, at {show(float(axis[worst]), unit)}"


def _matrix_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    both = (matrices(torch.as_tensor(np.ascontiguousarray(x))) for x in (a, b))
    return correlation_matrix_distance(*both).numpy()
