"""DeepMIMO v4 scenario arrays: power, phase and delay of every path of every user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.options import Options
from chanvae.io.paths.links import Links
from chanvae.io.paths.steering import steering
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source, open_source

LAYOUT = "DeepMIMO v4 scenario arrays"
_NEEDED = ("power", "phase", "delay")
_ANGLES = ("aoa_az", "aoa_el", "aod_az", "aod_el")
_ONE_OF_MANY = re.compile(r"(power|phase|delay|ao[ad]_(?:az|el)|inter)(_t\d+_tx\d+_r\d+\.\w+)")
_DIRECT = 0
"""Interaction code of a line of sight."""


@dataclass(frozen=True, eq=False)
class _Users:
    """Paths of users, whose antennas are put in when they are read.

    Args:
        gain: Complex amplitudes ``[user, path]``, 0 where there is no path.
        delay: [s] ``[user, path]``.
        angles: Name -> [rad] ``[user, path]``; those of arrays with one antenna are not needed.
        rx_array: Of the user.
        tx_array: Of the base station.
    """

    gain: np.ndarray
    delay: np.ndarray
    angles: Mapping[str, np.ndarray]
    rx_array: ArrayGeometry
    tx_array: ArrayGeometry

    def __call__(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The paths of some users."""
        rx, tx = self._end(self.rx_array, "aoa", rows), self._end(self.tx_array, "aod", rows)
        amplitude = np.einsum("np,rnp,tnp->nrtp", self.gain[rows], rx, tx)
        return amplitude[..., None], self.delay[rows][:, None, None]

    def _end(self, array: ArrayGeometry, name: str, rows: np.ndarray) -> np.ndarray:
        if array.rows * array.columns == 1:
            return np.ones((array.size, len(rows), self.gain.shape[1]))
        return steering(array, self.angles[f"{name}_az"][rows], self.angles[f"{name}_el"][rows])


def recognised(source: Source) -> bool:
    """Whether a file holds power, phase and delay by user and path, or is one of such files."""
    if _ONE_OF_MANY.fullmatch(Path(source.path).name):
        return True
    found = [source.arrays.get(f"/{name}") for name in _NEEDED]
    real = [a for a in found if a is not None and a.dtype.kind in "iuf" and a.ndim == 2]
    return len(real) == len(_NEEDED) and len({array.shape for array in real}) == 1


def links(source: Source, options: Options) -> Links:
    """The links of a file, or of the files of one transmitter, that :func:`recognised` knows.

    Powers are in dBW, phases and angles in degrees (elevations from the zenith), delays in
    seconds; NaN is no path.

    Raises:
        DataError: An array is missing or of another shape, or antennas are asked for and the
            angles are missing.
    """
    with ExitStack() as stack:
        arrays = _arrays(source, stack)
        where = source.path
        missing = [name for name in _NEEDED if name not in arrays]
        if missing:
            raise DataError(
                f"{where}: has no {missing[0]}, which the paths need; put the files "
                "power_..., phase_... and delay_... of one transmitter into one folder"
            )
        for name, array in arrays.items():
            if array.dtype.kind not in "iuf" or array.ndim < 2:
                raise DataError(
                    f"{where}: {name} is {array.dtype} {array.shape}; real numbers (user, path)"
                )
        values = {name: np.asarray(array.read()) for name, array in arrays.items()}
    shape = values["power"].shape
    for name, array in values.items():
        if name != "inter" and array.shape != shape:
            raise DataError(
                f"{where}: {name} has shape {array.shape} and power {shape}; both are (user, path)"
            )
    there = np.isfinite(values["power"]) & np.isfinite(values["delay"])
    there &= np.isfinite(values["phase"])
    with np.errstate(over="ignore"):  # infinity is told when the paths are surveyed
        power = 10 ** (np.where(there, values["power"].astype(np.float64), -np.inf) / 10)
    phase = np.deg2rad(np.where(there, values["phase"], 0).astype(np.float64))
    rx_array, tx_array = options.rx_array or ArrayGeometry(), options.tx_array or ArrayGeometry()
    angles = {
        name: np.deg2rad(np.where(there, values[name], 0).astype(np.float64))
        for name in _ANGLES
        if name in values
    }
    for end, array, name in (("rx", rx_array, "aoa"), ("tx", tx_array, "aod")):
        lost = [n for n in (f"{name}_az", f"{name}_el") if n not in angles]
        if array.rows * array.columns > 1 and lost:
            raise DataError(f"{where}: --{end}-array needs {lost[0]}, which is not there")
    gain = np.sqrt(power) * np.exp(1j * phase)
    delay = np.where(there, values["delay"], 0).astype(np.float64)
    labels = {}
    if "inter" in values and values["inter"].shape == shape:
        labels["los"] = ((values["inter"] == _DIRECT) & there).any(1).astype(np.int64)
    return Links(
        layout=LAYOUT,
        array="/power",
        file_shape=shape,
        paths=_Users(gain, delay, angles, rx_array, tx_array),
        shape=(shape[0], rx_array.size, tx_array.size, 1),
        count=shape[1],
        labels=labels,
        assumed=(
            "power is in dBW, phase and angles in degrees (elevation from the zenith), delay in "
            "seconds; NaN is no path",
            "the arrays stand in the y-z plane and look along x; rx is the user, tx the base "
            "station: --rx-array and --tx-array say their antennas",
        ),
    )


def _arrays(source: Source, stack: ExitStack) -> dict[str, SourceArray]:
    """The arrays of a scenario by name, from the file or from its neighbours in the folder."""
    match = _ONE_OF_MANY.fullmatch(Path(source.path).name)
    if match is None:
        known = {name: source.arrays.get(f"/{name}") for name in (*_NEEDED, *_ANGLES, "inter")}
        return {name: array for name, array in known.items() if array is not None}
    found = {}
    for name in (*_NEEDED, *_ANGLES, "inter"):
        path = Path(source.path).with_name(name + match[2])
        if path.is_file():
            inside = stack.enter_context(open_source(path)).arrays
            array = inside.get(f"/{name}") or next(iter(inside.values()), None)
            if array is not None:
                found[name] = array
    return found
