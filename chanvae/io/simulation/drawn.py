"""One block of simulated channels with the truth that the model drew them from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from chanvae.stats.angle import circular_angular_spread

UNITS = {
    "los": "1",
    "indoor": "1",
    "speed": "m/s",
    "user_x": "m",
    "user_y": "m",
    "user_z": "m",
    "simulated_delay_spread": "s",
    "simulated_asa": "rad",
    "simulated_asd": "rad",
    "simulated_zsa": "rad",
    "simulated_zsd": "rad",
    "simulated_k_factor": "1",
}
"""Label -> SI unit. What is called ``simulated_`` is what the model was asked for: the large-scale
parameters of TR 38.901, of azimuth (a) and zenith (z) at the receiver (a) and the transmitter (d).
They differ from ``delay_spread`` and ``angular_spread``, which are computed from the channels as
anybody's channels are."""


@dataclass(frozen=True)
class Drawn:
    """Channels and labels of one block.

    Args:
        h: complex64 ``[n, rx, tx, time, freq]``.
        labels: Name in :data:`UNITS` -> ``[n]``.
    """

    h: np.ndarray
    labels: Mapping[str, np.ndarray]


Draw = Callable[[int, int], Drawn]
"""From the number of a block and its seed to the block; it depends on no block drawn before."""


def spread(power: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Circular spread [rad] ``[n]`` of paths: power and angle [rad] ``[n, path]``."""
    found = circular_angular_spread(torch.as_tensor(power), torch.as_tensor(angle))
    return found.numpy().astype(np.float64)


def unit_power(h: np.ndarray) -> np.ndarray:
    """Each realisation scaled to mean power one, without any power left as it is."""
    level = np.sqrt(np.mean(np.abs(h) ** 2, axis=(1, 2, 3, 4), keepdims=True))
    return h / np.where(level > 0, level, 1)
