"""Sionna's panels, and what takes its paths to channels as chanvae orders them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from chanvae.arrays import ArrayGeometry

if TYPE_CHECKING:
    from sionna.phy.channel.tr38901 import PanelArray
    from torch import Tensor

    from chanvae.io.simulation.setup import Simulation

DEVICE = "cpu"
"""Simulating is the processor's work, so that a seed means the same on every machine."""


def panel(array: ArrayGeometry, pattern: str, carrier: float) -> tuple[PanelArray, np.ndarray]:
    """A Sionna panel and the order that puts its antennas as ``ArrayGeometry`` numbers them."""
    from sionna.phy.channel.tr38901 import PanelArray

    dual = array.polarizations == 2
    found = PanelArray(
        num_rows_per_panel=array.rows,
        num_cols_per_panel=array.columns,
        polarization="dual" if dual else "single",
        polarization_type="cross" if dual else "V",
        antenna_pattern=pattern,
        carrier_frequency=carrier,
        element_vertical_spacing=array.row_spacing,
        element_horizontal_spacing=array.column_spacing,
        device=DEVICE,
    )
    slant = np.zeros(array.size)
    if dual:
        slant[found.ant_ind_pol2.cpu().numpy()] = 1
    return found, order(found.ant_pos.cpu().numpy() / (3e8 / carrier), slant)


def order(where: np.ndarray, slant: np.ndarray) -> np.ndarray:
    """Antennas by polarisation, row from the top, column along y.

    Args:
        where: Positions [wavelengths] ``[antenna, 3]``, the array in the plane of y and z.
        slant: Which polarisation ``[antenna]``.
    """
    where = np.round(where, 4)
    return np.lexsort((where[:, 1], -where[:, 2], slant)).copy()


def responder(
    setup: Simulation, rx_order: np.ndarray, tx_order: np.ndarray
) -> Callable[[Tensor, Tensor], np.ndarray]:
    """From Sionna's ``a`` and ``tau`` of single links to complex64 ``[n, rx, tx, time, freq]``."""
    import torch
    from sionna.phy.channel import cir_to_ofdm_channel, subcarrier_frequencies

    frequencies = subcarrier_frequencies(setup.subcarriers, setup.spacing, device=DEVICE)

    def respond(a: Tensor, tau: Tensor) -> np.ndarray:
        h = cir_to_ofdm_channel(frequencies, a, tau)[:, 0, :, 0, :, :, :]
        h = h[:, rx_order][:, :, tx_order]
        if setup.unit_power:
            h = h / h.abs().square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
        return h.to(torch.complex64).cpu().numpy()

    return respond
