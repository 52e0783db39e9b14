"""Sets on different frequency grids brought to the frequencies that both cover."""

from dataclasses import replace

import numpy as np
import torch

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.units import show

MARGIN = 0.05
"""Share of the band at either edge that is dropped where frequencies do not coincide, since the
band-limited interpolation has too few neighbours there."""


def common_grid(
    measured: ChannelDataset, generated: ChannelDataset, training: ChannelDataset | None
) -> tuple[ChannelDataset, ChannelDataset, ChannelDataset | None]:
    """All sets on one frequency grid: the band that all cover, at the coarsest spacing.

    Args:
        measured: A set.
        generated: A set.
        training: A set, or none.

    Raises:
        DataError: A set has a single frequency, or the bands share fewer than four frequencies.
    """
    sets = [s for s in (measured, generated, training) if s is not None]
    if all(_same(measured, s) for s in sets):
        return measured, generated, training
    if min(len(s.freq) for s in sets) < 2:
        raise DataError("a set with a single frequency cannot be resampled; leave out --resample")
    edges = [MARGIN * s.bandwidth for s in sets]
    low = max(s.freq[0] + e for s, e in zip(sets, edges))
    high = min(s.freq[-1] - e for s, e in zip(sets, edges))
    spacing = max(s.subcarrier_spacing for s in sets)
    count = int((high - low) / spacing * (1 + 1e-9)) + 1 if high > low else 0
    if count < 4:
        bands = ", ".join(
            f"{show(float(s.freq[0]), 'Hz')} to {show(float(s.freq[-1]), 'Hz')}" for s in sets
        )
        raise DataError(f"the bands ({bands}) share fewer than 4 frequencies; nothing to compare")
    freq = (low + high) / 2 + (np.arange(count) - (count - 1) / 2) * spacing
    # The statistics want frequency 0 at index N // 2; only the spacing counts for them.
    done = [resampled(s, freq) for s in sets]
    return done[0], done[1], done[2] if training is not None else None


def resampled(dataset: ChannelDataset, freq: np.ndarray, batch: int = 1024) -> ChannelDataset:
    """A set at other frequencies, by band-limited (sinc) interpolation under a Kaiser window.

    Args:
        dataset: The set; its frequencies are uniform.
        freq: Frequencies inside its band [Hz], ascending.
        batch: Realisations in memory beside the result.
    """
    place = (freq - dataset.freq[0]) / dataset.subcarrier_spacing
    weights = torch.as_tensor(_kernel(place, len(dataset.freq)), dtype=torch.complex64)
    parts = [(p.tensor() @ weights.mT).numpy() for p in dataset.batches(batch)]
    return replace(dataset, h=np.concatenate(parts), freq=np.asarray(freq, np.float64))


def _kernel(place: np.ndarray, n: int, reach: int = 16) -> np.ndarray:
    """Interpolation weights ``[out, n]`` that sum to one at every place."""
    away = place[:, None] - np.arange(n)
    window = np.i0(8.0 * np.sqrt(np.clip(1 - (away / reach) ** 2, 0, None))) / np.i0(8.0)
    weights = np.sinc(away) * window * (np.abs(away) < reach)
    return weights / weights.sum(1, keepdims=True)


def _same(one: ChannelDataset, other: ChannelDataset) -> bool:
    if len(one.freq) != len(other.freq):
        return False
    off = np.abs(np.asarray(one.freq) - np.asarray(other.freq)).max()
    return bool(off <= 1e-3 * one.subcarrier_spacing) or len(one.freq) == 1
