"""The response of an array to plane waves, in chanvae's numbering of antennas."""

from __future__ import annotations

import numpy as np

from chanvae.arrays import ArrayGeometry


def steering(array: ArrayGeometry, azimuth: np.ndarray, zenith: np.ndarray) -> np.ndarray:
    r"""Phases of the antennas of an array in the y-z plane, which looks along x.

    .. math:: e^{j 2\pi (d_c m \sin\theta \sin\phi + d_r k \cos\theta)}

    for column m and row k, rows going up.

    Args:
        array: Rows, columns and spacings [wavelengths]; both polarisations have one response.
        azimuth: φ [rad], from x towards y ``[...]``.
        zenith: θ [rad], from z ``[...]``.

    Returns:
        complex128 ``[antenna, ...]``, the antennas numbered polarisation, row, column.
    """
    row, column = np.divmod(np.arange(array.rows * array.columns), array.columns)
    shape = (-1, *[1] * np.ndim(azimuth))
    across = array.column_spacing * np.sin(zenith) * np.sin(azimuth)
    up = array.row_spacing * np.cos(zenith)
    one = np.exp(2j * np.pi * (column.reshape(shape) * across + row.reshape(shape) * up))
    return np.concatenate([one] * array.polarizations)
