"""Small synthetic sets: a few random paths on a uniform linear array and a frequency grid."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.evaluate import channel_classifier, compression


def paths(
    n: int, seed: int, antennas: int = 4, freqs: int = 16, spread: float = 100e-9, k: float = 0.0
) -> ChannelDataset:
    """``n`` channels of six paths over 20 MHz with exponential delays, at unit mean power.

    Args:
        n: Realisations.
        seed: Seed.
        antennas: Receive antennas, half a wavelength apart.
        freqs: Frequencies.
        spread: Mean excess delay of a path [s].
        k: Power of a path with fixed delay and angle, relative to the others together.
    """
    rng = np.random.default_rng(seed)
    freq = np.linspace(-10e6, 10e6, freqs, endpoint=False)
    delays = 50e-9 + rng.exponential(spread, (n, 6))
    angles = rng.normal(0, 0.3, (n, 1)) + rng.normal(0, 0.2, (n, 6))
    gains = rng.normal(size=(n, 6, 2)).view(complex)[..., 0] / 12**0.5
    gains *= 10 ** (rng.normal(0, 3, (n, 1)) / 20)
    if k:
        delays[:, 0], angles[:, 0] = 50e-9, 0.0
        gains[:, 0] = k**0.5 * np.exp(2j * np.pi * rng.random(n))
    steer = np.exp(-1j * np.pi * np.sin(angles)[..., None] * np.arange(antennas))
    waves = np.exp(-2j * np.pi * delays[..., None] * freq)
    h = np.einsum("np,npr,npf->nrf", gains, steer, waves).astype(np.complex64)
    return ChannelDataset(h[:, :, None, None, :], freq, rx_array=ArrayGeometry.line(antennas))


@pytest.fixture(scope="session")
def make() -> Callable[..., ChannelDataset]:
    """The maker of synthetic sets."""
    return paths


@pytest.fixture(scope="module")
def hasty() -> Iterator[None]:
    """Networks of the referee hardly trained, where their figures do not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "STEPS", 20)
        patch.setattr(channel_classifier, "STEPS", 30)
        yield
