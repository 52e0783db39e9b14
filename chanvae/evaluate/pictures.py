"""What the report shows beside its numbers: power-delay profiles and a few angle-delay maps."""

from dataclasses import dataclass

import numpy as np

from chanvae.catalogue.grid import Grid, View
from chanvae.channels import ChannelDataset
from chanvae.evaluate.looks import Looks
from chanvae.stats.angle import beam_angles
from chanvae.stats.delay import delay_axis

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
        angle: Angles of the spectra [rad].
        measured_spectrum: Mean angular power spectrum at the receiver, scaled alike ``[angle]``;
            empty for a single antenna.
        generated_spectrum: The same of the generated set.
        measured_maps: Power of four angle-delay maps ``[4, angle, delay]``, linear, the
            strongest bin of each 1.
        generated_maps: The same of the generated set.
    """

    delay: np.ndarray
    measured_profile: np.ndarray
    generated_profile: np.ndarray
    angle: np.ndarray
    measured_spectrum: np.ndarray
    generated_spectrum: np.ndarray
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
    measured: ChannelDataset,
    generated: ChannelDataset,
    measured_looks: Looks,
    generated_looks: Looks,
    seed: int = 0,
) -> Pictures:
    """Profiles of both sets and maps of realisations drawn at random, not chosen.

    Args:
        measured: The measured set.
        generated: The generated set.
        measured_looks: What was seen of it.
        generated_looks: The same of the generated set.
        seed: Seed of the draw.
    """
    rng, grid = np.random.default_rng(seed), Grid.of(measured)
    maps = []
    for dataset in (measured, generated):
        chosen = dataset[np.sort(rng.permutation(len(dataset))[:SHOWN])]
        power = _centred(View(chosen.tensor(), grid).maps.numpy(), grid)
        # Gains differ by tens of decibels; what a map shows is its shape.
        maps.append(power / power.max(axis=(1, 2), keepdims=True).clip(min=1e-300))
    both = measured_looks.means, generated_looks.means
    one = [means.get("delay_profile", np.ones((1, 1)))[0] for means in both]
    angles = beam_angles(grid.rx_array).numpy()
    spectra = [means.get("angle_profile_rx", np.zeros((1, 0)))[0] for means in both]
    delays = delay_axis(grid.freq).numpy()
    return Pictures(delays, one[0], one[1], angles, spectra[0], spectra[1], maps[0], maps[1])


def _centred(power: np.ndarray, grid: Grid) -> np.ndarray:
    """Maps with broadside in the middle of every angle axis."""
    transform = grid.angle_delay
    axes = [a + 1 for a, fourier in enumerate(transform.is_fourier[:-1]) if fourier]
    unfolded = power.reshape(len(power), *transform.shape)
    return np.fft.fftshift(unfolded, axes).reshape(power.shape)
