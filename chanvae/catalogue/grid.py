"""What the axes of a set mean, and one batch of its channels with what is computed from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.signal.normalization import noise_power
from chanvae.stats import angle, beams, delay, fading, spatial
from chanvae.transforms.angle_delay import AngleDelay


@dataclass(frozen=True)
class Grid:
    """What the axes of a channel mean.

    Args:
        freq: Baseband frequency [Hz].
        time: Time [s].
        rx_array: Receive array.
        tx_array: Transmit array.
        noise: Noise power per frequency, linear; 0 where unknown.
    """

    freq: Tensor
    time: Tensor
    rx_array: ArrayGeometry
    tx_array: ArrayGeometry
    noise: float = 0.0

    @classmethod
    def of(cls, dataset: ChannelDataset, device: torch.device | str = "cpu") -> "Grid":
        """The grid of a set, for channels on a device."""
        freq = torch.as_tensor(np.asarray(dataset.freq, dtype=np.float64), device=device)
        time = torch.as_tensor(np.asarray(dataset.time, dtype=np.float64), device=device)
        noise = float(noise_power(dataset).mean()) if len(dataset) else 0.0
        return cls(freq, time, dataset.rx_array, dataset.tx_array, noise)

    @property
    def angle_delay(self) -> AngleDelay:
        """The transform to angle-delay maps."""
        return AngleDelay(self.rx_array, self.tx_array, len(self.time), len(self.freq))

    @property
    def lag(self) -> int:
        """Subcarriers between the two frequencies of ``frequency_correlation``."""
        return max(1, len(self.freq) // 16)

    def array(self, end: spatial.End) -> ArrayGeometry:
        """The array at one end of the link."""
        return self.rx_array if end == "rx" else self.tx_array


@dataclass(frozen=True)
class View:
    """A batch of channels; what several statistics need of it is computed once.

    Args:
        h: Channels ``[n, rx, tx, time, freq]``.
        grid: What their axes mean.
    """

    h: Complex[Tensor, "n rx tx time freq"]
    grid: Grid

    @cached_property
    def gain(self) -> Float[Tensor, " n"]:
        """Mean power, linear."""
        return fading.gain(self.h)

    @cached_property
    def maps(self) -> Float[Tensor, "n angle delay"]:
        """Power of the angle-delay map; angle and Doppler axes flattened to one, float64."""
        x = self.grid.angle_delay.forward(self.grid.angle_delay.unfold(self.h))
        return fading.squared_magnitude(x.reshape(len(x), -1, x.shape[-1])).double()

    @cached_property
    def profile(self) -> Float[Tensor, "n delay"]:
        """Power-delay profile, linear."""
        return delay.power_delay_profile(self.h)

    @cached_property
    def correlations(self) -> Float[Tensor, "n lag"]:
        """Frequency correlation at every lag."""
        return delay.frequency_correlations(self.h)

    @cached_property
    def singular_values(self) -> Float[Tensor, "n value"]:
        """Singular values of the matrix [rx·tx, time·freq], ascending."""
        return spatial.singular_values(self.h)

    @cached_property
    def spectra(self) -> dict[str, Float[Tensor, "n angle"]]:
        """Angular power spectrum at each end."""
        ends: tuple[spatial.End, spatial.End] = ("rx", "tx")
        return {e: angle.angular_power_spectrum(self.h, self.grid.array(e), e) for e in ends}

    @cached_property
    def beams(self) -> dict[str, Float[Tensor, "n beam"]]:
        """Power in the beams of a DFT codebook at each end."""
        ends: tuple[spatial.End, spatial.End] = ("rx", "tx")
        return {e: beams.beam_power(self.h, self.grid.array(e), e) for e in ends}
