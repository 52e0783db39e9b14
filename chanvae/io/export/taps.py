"""Channels on an even grid of frequencies as one path a delay bin, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chanvae.errors import DataError


@dataclass(frozen=True, eq=False)
class Taps:
    r"""N paths with delays k / (N Δf) that reproduce a channel at its N frequencies.

    .. math:: h(f_i) = \sum_k a_k e^{-j 2\pi f_i \tau_k}, \qquad \tau_k = k / (N \Delta f)

    Args:
        freq: Baseband frequencies [Hz], ascending, evenly spaced, float64 ``[freq]``.

    Raises:
        DataError: The grid is not even.
    """

    freq: np.ndarray

    def __post_init__(self) -> None:
        step = np.diff(self.freq)
        if len(step) and np.ptp(step) > 1e-6 * step.mean():
            raise DataError("the frequencies are not evenly spaced; paths need an even grid")

    @property
    def delay(self) -> np.ndarray:
        """Delay of each path [s], float64 ``[path]``."""
        size = len(self.freq)
        if size == 1:
            return np.zeros(1)
        return np.arange(size) * (size - 1) / size / float(self.freq[-1] - self.freq[0])

    def amplitudes(self, h: np.ndarray) -> np.ndarray:
        """``h [..., freq]`` to a, complex64 ``[..., path]``."""
        return (np.fft.ifft(h) * self._turn).astype(np.complex64)

    def channels(self, a: np.ndarray) -> np.ndarray:
        """The inverse: a ``[..., path]`` to ``h``, complex64 ``[..., freq]``."""
        return np.fft.fft(a * self._turn.conj()).astype(np.complex64)

    @property
    def _turn(self) -> np.ndarray:
        """Phase of each path at the first frequency."""
        return np.exp(2j * np.pi * ((float(self.freq[0]) * self.delay) % 1.0))


@dataclass(frozen=True, eq=False)
class FromCIR:
    """From a block of Sionna's ``a`` to complex64 ``[n, rx, tx, time, freq]``."""

    taps: Taps

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """``[n, 1, rx, 1, tx, path, time]`` to ``h``."""
        return self.taps.channels(block[:, 0, :, 0].swapaxes(-1, -2))
