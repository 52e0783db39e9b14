"""What links are simulated with where nothing was measured: TDL, CDL and Rayleigh fading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.link.settings import Rival
from chanvae.link.transceiver import Channels
from chanvae.stats.delay import delay_spread, frequency_correlations

_LOOK = 300
"""Channels of each profile that are compared with the measured ones."""


def rivals(
    names: tuple[Rival, ...], measured: ChannelDataset, grid, speed: float
) -> Iterator[tuple[str, str, Channels]]:
    """Name, label and channels of each rival, on the antennas and the grid of the link.

    TDL and CDL have the median delay spread of the measured channels; of their profiles A to E
    that one is taken whose mean frequency correlation is nearest to the measured one (in the mean
    over lags).

    Args:
        names: Which.
        measured: What they are fitted to.
        grid: Sionna's resource grid.
        speed: Speed of the user [m/s].
    """
    carrier = measured.meta.carrier_frequency
    carrier = carrier if np.isfinite(carrier) else 3.5e9
    seen = measured.tensor()
    freq = torch.as_tensor(measured.freq)
    spread = float(delay_spread(seen, freq).nanmedian()) if len(freq) > 1 else 1e-9
    look = frequency_correlations(seen).nanmean(0)
    for name in names:
        if name == "rayleigh":
            from sionna.phy.channel import RayleighBlockFading

            model = RayleighBlockFading(1, measured.shape[1], 1, measured.shape[2])
            yield name, "i.i.d. Rayleigh", _channels(model, grid)
            continue
        found = []
        for profile in "ABCDE":
            model = _profile(name, profile, measured, max(spread, 1e-10), carrier, speed)
            apart = _apart(model, measured, look) if len(freq) > 1 else 0.0
            found.append((apart, profile, model))
        _, profile, model = min(found, key=lambda f: f[:2])
        label = f"{name.upper()}-{profile}, {1e9 * spread:.0f} ns"
        yield name, label, _channels(model, grid)


def _profile(
    kind: Literal["tdl", "cdl"],
    profile: str,
    measured: ChannelDataset,
    spread: float,
    carrier: float,
    speed: float,
):
    from sionna.phy.channel.tr38901 import CDL, TDL

    if kind == "tdl":
        _, rx, tx, _, _ = measured.shape
        return TDL(profile, spread, carrier, min_speed=speed, num_rx_ant=rx, num_tx_ant=tx)
    return CDL(
        profile,
        spread,
        carrier,
        ut_array=_panel(measured.tx_array, "omni", carrier),
        bs_array=_panel(measured.rx_array, "38.901", carrier),
        direction="uplink",
        min_speed=speed,
        max_speed=speed,
    )


def _panel(array: ArrayGeometry, pattern: str, carrier: float):
    from sionna.phy.channel.tr38901 import PanelArray

    dual = array.polarizations == 2
    return PanelArray(
        num_rows_per_panel=array.rows,
        num_cols_per_panel=array.columns,
        polarization="dual" if dual else "single",
        polarization_type="cross" if dual else "V",
        antenna_pattern=pattern,
        carrier_frequency=carrier,
        element_vertical_spacing=array.row_spacing,
        element_horizontal_spacing=array.column_spacing,
    )


def _apart(model, measured: ChannelDataset, look: torch.Tensor) -> float:
    from sionna.phy.channel import cir_to_ofdm_channel, subcarrier_frequencies

    a, tau = model(_LOOK, 1, 1.0)
    frequencies = subcarrier_frequencies(len(measured.freq), measured.subcarrier_spacing)
    h = cir_to_ofdm_channel(frequencies, a, tau)[:, 0, :, 0]
    return float((frequency_correlations(h.cpu()).nanmean(0) - look).abs().mean())


def _channels(model, grid) -> Channels:
    from sionna.phy.channel import GenerateOFDMChannel

    return GenerateOFDMChannel(model, grid)
