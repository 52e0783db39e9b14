"""The frequency response of paths: a sum of exponentials, in float64."""

from __future__ import annotations

import numpy as np


def response(amplitude: np.ndarray, delay: np.ndarray, freq: np.ndarray) -> np.ndarray:
    r"""Channels of paths on a frequency grid.

    .. math:: h(f) = \sum_p a_p\, e^{-j 2\pi f \tau_p}

    Args:
        amplitude: Complex baseband amplitudes ``[n, rx, tx, path, time]``, 0 where there is none.
        delay: Delays [s] ``[n, rx or 1, tx or 1, path]``, finite.
        freq: Baseband frequencies [Hz] ``[freq]``.

    Returns:
        complex64 ``[n, rx, tx, time, freq]``, summed in complex128.
    """
    turn = np.exp(-2j * np.pi * delay.astype(np.float64)[..., None] * freq)
    paths = amplitude.astype(np.complex128).swapaxes(-1, -2)
    if turn.shape[1] == 1 and turn.shape[2] == 1:  # one matrix product for all antennas
        n, rx, tx, time, count = paths.shape
        found = paths.reshape(n, rx * tx * time, count) @ turn[:, 0, 0]
        return found.reshape(n, rx, tx, time, len(freq)).astype(np.complex64)
    return (paths @ turn).astype(np.complex64)


def grid(bandwidth: float, subcarriers: int) -> np.ndarray:
    """Baseband frequencies [Hz] of subcarriers that fill a bandwidth, 0 at ``N // 2``."""
    return (np.arange(subcarriers) - subcarriers // 2) * (bandwidth / subcarriers)


def path_power(amplitude: np.ndarray) -> np.ndarray:
    """Power of each path, over antennas and times: ``[n, path]``."""
    return np.mean(np.abs(amplitude.astype(np.complex128)) ** 2, axis=(1, 2, 4))


def delay_spread(power: np.ndarray, delay: np.ndarray) -> np.ndarray:
    """Power-weighted RMS delay of the paths of each link [s] ``[n]``; NaN without power.

    Args:
        power: Of each path ``[n, path]``.
        delay: Delays [s] ``[n, path]``.
    """
    total = power.sum(-1, keepdims=True)
    share = np.divide(power, total, out=np.full_like(power, np.nan), where=total > 0)
    mean = (share * delay).sum(-1, keepdims=True)
    return np.sqrt((share * (delay - mean) ** 2).sum(-1))
