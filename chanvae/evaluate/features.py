"""What a set is described by as a whole: means over its realisations of these features."""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from chanvae.catalogue.grid import Grid, View
from chanvae.stats.doppler import doppler_spectrum
from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import End

ENVELOPE_DB = (-60.0, 20.0)
"""Range of the histogram of power over the mean power of its realisation [dB]."""
ENVELOPE_BINS = 320
LARGEST = 64
"""Antennas of an array whose correlation matrix is compared, at most."""

Feature = Callable[[View], Float[Tensor, "n k"]]
_TINY = 1e-300


def features(grid: Grid) -> dict[str, Feature]:
    """The features that the axes of a set allow, by name.

    Each realisation counts alike: profiles, spectra, maps and matrices are those of realisations
    scaled to unit power.
    """
    found: dict[str, Feature] = {"envelope": _envelope}
    if len(grid.freq) > 1:
        found["delay_profile"] = lambda v: _share(v.profile)
        found["frequency_correlation"] = lambda v: v.correlations
    for end in ("rx", "tx"):
        array = grid.array(end)
        if max(array.rows, array.columns) > 1:
            found[f"angle_profile_{end}"] = partial(_spectrum, end)
            found[f"codebook_{end}"] = partial(_codebook, end)
        if 1 < array.size <= LARGEST:
            found[f"correlation_{end}"] = partial(_correlation, end)
    if len(grid.freq) > 1 and len(grid.angle_delay.shape) > 1:
        found["angle_delay"] = lambda v: _share(v.maps.flatten(1))
    if len(grid.time) > 1:
        found["doppler_profile"] = lambda v: _share(doppler_spectrum(v.h))
    return found


def matrices(mean: Float[Tensor, "*r k"]) -> Tensor:
    """Correlation matrices ``[*r, antenna, antenna]`` from the mean of their feature."""
    antennas = round((mean.shape[-1] / 2) ** 0.5)
    parts = mean.reshape(*mean.shape[:-1], 2, antennas, antennas)
    return torch.complex(parts[..., 0, :, :].contiguous(), parts[..., 1, :, :].contiguous())


def _share(power: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    return power / power.sum(-1, keepdim=True).clamp(min=_TINY)


def _spectrum(end: End, view: View) -> Tensor:
    return _share(view.spectra[end])


def _codebook(end: End, view: View) -> Tensor:
    beams = view.beams[end]
    return torch.nn.functional.one_hot(beams.argmax(-1), beams.shape[-1])


def _correlation(end: End, view: View) -> Tensor:
    x = view.h.movedim(1 if end == "rx" else 2, 1).flatten(2)
    gram = x @ x.mH / x.shape[-1] / view.gain.clamp(min=_TINY)[:, None, None].to(x.real.dtype)
    return torch.stack([gram.real, gram.imag], 1).flatten(1)


def _envelope(view: View) -> Tensor:
    low, high = ENVELOPE_DB
    power = squared_magnitude(view.h).flatten(1)
    level = 10 * (power / view.gain.clamp(min=_TINY)[:, None].float()).log10()
    bins = ((level - low) * (ENVELOPE_BINS / (high - low))).nan_to_num(0, ENVELOPE_BINS, 0)
    place = bins.long().clamp(0, ENVELOPE_BINS - 1)
    offset = ENVELOPE_BINS * torch.arange(len(place), device=place.device)[:, None]
    count = torch.bincount((place + offset).flatten(), minlength=len(place) * ENVELOPE_BINS)
    return count.reshape(len(place), ENVELOPE_BINS) / power.shape[1]
