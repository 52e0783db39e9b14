"""The conditions of a channel: its delay spread and its angular spread."""

import math

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.signal.normalization import noise_power
from chanvae.stats.angle import ANGULAR_SPREAD_DEFINITION, angular_spread
from chanvae.stats.delay import DELAY_SPREAD_DEFINITION, NOISE_CORRECTION, delay_spread
from chanvae.stats.spatial import array_axis

_BATCH = 1 << 24
"""Bytes of channels looked at together."""

UNITS = {"delay_spread": "s", "angular_spread": "rad"}
"""Condition -> SI unit."""

DEFINITIONS = {
    "delay_spread": DELAY_SPREAD_DEFINITION,
    "angular_spread": ANGULAR_SPREAD_DEFINITION,
}
"""Condition -> how it is computed."""


def channel_conditions(
    h: Complex[Tensor, "*batch rx tx time freq"],
    freq: Float[Tensor, " freq"],
    rx_array: ArrayGeometry,
    tx_array: ArrayGeometry,
    noise: Float[Tensor, "*batch"] | float = 0.0,
) -> dict[str, Tensor]:
    """The conditions that channels of this shape have.

    Args:
        h: Channel realisations.
        freq: Baseband frequencies [Hz], ascending, uniform.
        rx_array: Receive array.
        tx_array: Transmit array.
        noise: Noise power per frequency, linear; the delay spread is corrected for it.

    Returns:
        ``delay_spread`` [s] where there is more than one frequency; ``angular_spread`` [rad] of
        the receive array, or of the transmit array where the receive array has one element,
        absent where both have; each ``[*batch]``, NaN where there is no power.
    """
    conditions = {}
    if h.shape[-1] > 1:
        conditions["delay_spread"] = delay_spread(h, freq, noise=noise)
    if array_axis(rx_array)[0] > 1:
        conditions["angular_spread"] = angular_spread(h, rx_array, "rx")
    elif array_axis(tx_array)[0] > 1:
        conditions["angular_spread"] = angular_spread(h, tx_array, "tx")
    return conditions


def with_channel_conditions(dataset: ChannelDataset, batch: int = 0) -> ChannelDataset:
    """The same channels with their delay and angular spread as conditions.

    Whatever the file called ``delay_spread`` or ``angular_spread`` is computed anew, so that
    measured and generated channels have them by one definition; other conditions stay.

    Args:
        dataset: The set; its channels are read ``batch`` at a time.
        batch: Realisations in memory at a time; by default as many as 16 MiB hold.
    """
    batch = batch or max(_BATCH // (8 * math.prod(dataset.shape[1:])), 1)
    freq = torch.as_tensor(dataset.freq, dtype=torch.float64)
    noise = torch.as_tensor(noise_power(dataset))
    found: dict[str, np.ndarray] = {}
    for start in range(0, len(dataset), batch):
        part = dataset[start : start + batch]
        floor = noise[start : start + batch]
        values = channel_conditions(part.tensor(), freq, dataset.rx_array, dataset.tx_array, floor)
        for name, value in values.items():  # one array each: many small ones fragment the heap
            if name not in found:
                found[name] = np.empty(len(dataset), value.numpy().dtype)
            found[name][start : start + batch] = value.numpy()
    known = dict(DEFINITIONS)
    if bool((noise > 0).any()):
        known["delay_spread"] += f"; {NOISE_CORRECTION}"
    return dataset.with_conditions(
        found,
        units={name: UNITS[name] for name in found},
        **{f"{name}_definition": known[name] for name in found},
    )
