"""Where the frequencies of an array lie: a spacing, a band that is filled, or indices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chanvae.errors import DataError
from chanvae.io.options import Options
from chanvae.io.said import number
from chanvae.units import show


def grid(
    where: str,
    axes: tuple[str, ...],
    shape: tuple[int, ...],
    said: Mapping[str, Any],
    options: Options,
    assumed: list[str],
) -> tuple[float, np.ndarray, tuple[int, ...]]:
    """Spacing in the file's own domain, ascending baseband frequencies, and where they stand.

    Raises:
        DataError: The spacing is not said, or what is said does not fit.
    """
    delay = "delay" in axes
    size = dict(zip(axes, shape, strict=True)).get("delay" if delay else "freq", 1)
    if size == 1:
        return float("nan"), np.zeros(1), ()
    if delay:
        _unused(where, "delay", "--tap-spacing", options.subcarrier_spacing, "subcarrier-spacing")
        spacing = number(where, said, ("tap_s", "tap_spacing_s"), options.tap_spacing)
    else:
        _unused(where, "freq", "--subcarrier-spacing", options.tap_spacing, "tap-spacing")
        names = ("subcarrier_spacing_hz",)
        spacing = number(where, said, names, options.subcarrier_spacing)
    index = None if delay else options.subcarrier_index or said.get("subcarrier_index")
    if options.bandwidth is not None and index is None:
        from_bandwidth = 1 / options.bandwidth if delay else options.bandwidth / size
        if np.isnan(spacing):
            spacing = from_bandwidth
        elif abs(spacing / from_bandwidth - 1) > 0.01:
            unit = "s" if delay else "Hz"
            raise DataError(
                f"{where}: --bandwidth {show(options.bandwidth, 'Hz')} means a spacing of "
                f"{show(from_bandwidth, unit)}, and it is {show(spacing, unit)}; leave one out"
            )
    if np.isnan(spacing):
        what, option = ("taps", "--tap-spacing 1ns") if delay else (
            "subcarriers", "--subcarrier-spacing 15kHz"
        )  # fmt: skip
        raise DataError(
            f"{where}: the spacing of its {size} {what} is not in the file; add {option} "
            "(or --bandwidth 20MHz, if they fill it)"
        )
    if delay:
        assumed.append("the first tap has delay 0 and taps follow in order of delay")
        return spacing, np.fft.fftshift(np.fft.fftfreq(size, spacing)), ()
    if index is None:
        assumed.append("subcarriers follow in ascending frequency with baseband 0 in the middle")
        return spacing, (np.arange(size) - size // 2) * spacing, ()
    return _indexed(where, np.asarray(index), size, spacing, options.subcarrier_index is not None)


def time_spacing(where: str, size: int, said: Mapping[str, Any], options: Options) -> float:
    """Spacing of the times [s]; 0 where there is one.

    Raises:
        DataError: There are several and it is not said.
    """
    step = number(where, said, ("time_spacing_s",), options.time_spacing)
    if size > 1 and np.isnan(step):
        raise DataError(
            f"{where}: the spacing of its {size} times is not in the file; add --time-spacing 1ms"
        )
    return 0.0 if np.isnan(step) else step


def _indexed(
    where: str, index: np.ndarray, size: int, spacing: float, option: bool
) -> tuple[float, np.ndarray, tuple[int, ...]]:
    """True frequencies of a grid with gaps or in another order: index times spacing."""
    if index.shape != (size,) or index.dtype.kind not in "iuf" or len(set(index.tolist())) < size:
        what, mend = ("attribute subcarrier_index", "correct it in the file")
        if option:
            what, mend = ("--subcarrier-index", "name every subcarrier once")
        raise DataError(
            f"{where}: {what} must be {size} distinct numbers, one a "
            f"subcarrier; it is {index.dtype} {index.shape}: {mend}"
        )
    order = np.argsort(index)
    freq = index[order].astype(np.float64) * spacing
    return spacing, freq, () if np.all(np.diff(order) == 1) else tuple(order.tolist())


def _unused(where: str, axis: str, wanted: str, value: float | None, option: str) -> None:
    if value is not None:
        raise DataError(f"{where}: --{option} is not for its axis {axis}; give {wanted}")
