"""What the report shows beside its numbers: power-delay profiles and a few angle-delay maps."""

from dataclasses import dataclass

import numpy as np

from chanvae.channels import ChannelDataset
from chanvae.evaluate.statistics import Grid, angle_delay_power
from chanvae.stats.delay import delay_axis, power_delay_profile

SHOWN = 4
"""Realisations of each set that are shown."""


@dataclass(frozen=True)
class Pictures:
    """Arrays for the figures.

    Args:
        delay: Delay bins [s]; NaN for a single frequency.
        measured_profile: Mean power-delay profile of realisations scaled to unit power
            ``[delay]``, linear.
        generated_profile: The same of the generated set.
        measured_maps: Power of four angle-delay maps ``[4, angle, delay]``, linear, the
            strongest bin of each 1.
        generated_maps: The same of the generated set.
    """

    delay: np.ndarray
    measured_profile: np.ndarray
    generated_profile: np.ndarray
    measured_maps: np.ndarray
    generated_maps: np.ndarray

    def profiles(self) -> dict[str, object]:
        """The profiles with their unit, for JSON."""
        return {
            "definition": "mean over realisations, each of unit power, of the power per delay bin",
            "delay": {"unit": "s", "values": self.delay},
            "measured": self.measured_profile,
            "generated": self.generated_profile,
        }


def pictures(
    measured: ChannelDataset, generated: ChannelDataset, seed: int = 0, batch: int = 2048
) -> Pictures:
    """Profiles of both sets and maps of realisations drawn at random, not chosen.

    Args:
        measured: The measured set.
        generated: The generated set.
        seed: Seed of the draw.
        batch: Realisations in memory.
    """
    rng, grid = np.random.default_rng(seed), Grid.of(measured)
    profiles, maps = [], []
    for dataset in (measured, generated):
        sums = [_profiles(part).sum(0) for part in dataset.batches(batch)]
        profiles.append(np.sum(sums, axis=0) / len(dataset))
        chosen = dataset[np.sort(rng.permutation(len(dataset))[:SHOWN])]
        power = _centred(angle_delay_power(chosen.tensor(), grid).numpy(), grid)
        # Gains differ by tens of decibels; what a map shows is its shape.
        maps.append(power / power.max(axis=(1, 2), keepdims=True).clip(min=1e-300))
    return Pictures(delay_axis(grid.freq).numpy(), *profiles, *maps)


def _profiles(dataset: ChannelDataset) -> np.ndarray:
    """Power-delay profiles ``[n, delay]`` that sum to one, so that strong channels do not rule."""
    profile = power_delay_profile(dataset.tensor()).numpy()
    return profile / profile.sum(axis=1, keepdims=True).clip(min=1e-300)


def _centred(power: np.ndarray, grid: Grid) -> np.ndarray:
    """Maps with broadside in the middle of every angle axis."""
    transform = grid.angle_delay
    axes = [a + 1 for a, fourier in enumerate(transform.is_fourier[:-1]) if fourier]
    unfolded = power.reshape(len(power), *transform.shape)
    return np.fft.fftshift(unfolded, axes).reshape(power.shape)
