"""Reading what chanvae wrote for MATLAB, Sionna and numpy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chanvae.axes import AXES
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io import schema
from chanvae.io.export.matlab import NAME
from chanvae.io.export.taps import FromCIR, Taps
from chanvae.io.filearray import FileArray, as_complex
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source


@dataclass(frozen=True)
class FromMatlab:
    """From a block ``[freq, time, tx, rx, n]`` of {real, imag} to ``[n, rx, tx, time, freq]``."""

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Turn the axes round."""
        parts = np.stack([block["real"], block["imag"]], -1).astype(np.float32)
        return np.ascontiguousarray(parts.view(np.complex64)[..., 0].transpose())


LAYOUTS = {
    "mat": "chanvae's .mat for MATLAB",
    "sionna": "chanvae's paths for Sionna (a, tau)",
    "npz": "chanvae's .npz",
}
"""Format -> what it is called where it is read."""


def recognised(source: Source) -> str | None:
    """Which of the formats a file is in: ``mat``, ``sionna``, ``npz``; or none of them."""
    arrays = source.arrays
    if source.kind == "npz" and {"/h", "/freq", "/schema_version"} <= arrays.keys():
        return "npz"
    if source.file is not None and {"/h", "/freq", "/meta/schema_version"} <= arrays.keys():
        return "mat"
    if "schema_version" in source.attributes and {"/a", "/tau", "/freq"} <= arrays.keys():
        return "sionna"
    return None


def read(source: Source) -> ChannelDataset:
    """Read a file that chanvae wrote for another program; ``h`` stays in the file.

    Args:
        source: A file that :func:`recognised` knows.

    Raises:
        DataError: It was changed since so that its parts do not fit, or its schema is newer.
    """
    path, kind = source.path, recognised(source)
    said = _said(source, str(kind))
    schema.version(said, path)
    freq, time = (_axis(source, name) for name in ("/freq", "/time"))
    values = {room: _columns(source, room) for room in ("conditions", "groups")}
    try:
        shape, h = _channels(source, str(kind), freq)
        return ChannelDataset(
            h=h,
            freq=freq,
            time=time,
            conditions=values["conditions"],
            condition_units=_units(source, said),
            rx_array=schema.geometry(said, "rx_array", shape[1], path),
            tx_array=schema.geometry(said, "tx_array", shape[2], path),
            groups=values["groups"],
            meta=schema.meta(said, path),
        )
    except DataError as error:
        raise error if str(error).startswith(path) else DataError(f"{path}: {error}") from None


def _channels(source: Source, kind: str, freq: np.ndarray) -> tuple[tuple[int, ...], FileArray]:
    """The array of channels, and its shape once it is ``[n, rx, tx, time, freq]``."""
    name = "/a" if kind == "sionna" else "/h"
    found, path = source.arrays[name], str(Path(source.path).resolve())
    where, want = f"{source.path}:{name}", 7 if kind == "sionna" else len(AXES)
    parts = (found.dtype.names or ()) == ("real", "imag")
    if found.ndim != want or not (parts if kind == "mat" else found.dtype.kind == "c"):
        raise DataError(f"{where}: is {found.dtype} {found.shape}, not as chanvae wrote it")
    if kind == "mat":
        shape = found.shape[::-1]
        return shape, FileArray(path, name, shape, len(AXES) - 1, FromMatlab())
    if kind == "npz":
        return found.shape, FileArray(path, name, found.shape, 0, as_complex)
    n, one, rx, other, tx, delays, time = found.shape
    taps, tau = Taps(freq), source.arrays["/tau"]
    ends = [tau.read(0, k, k + 1).ravel() for k in (0, max(n - 1, 0))]
    period = 1.0 if len(freq) == 1 else len(freq) * taps.delay[1]
    if (one, other, delays) != (1, 1, len(freq)) or any(
        end.shape != taps.delay.shape or np.abs(end - taps.delay).max() > 1e-6 * period
        for end in ends
    ):
        raise DataError(
            f"{where}: its paths are no longer one a delay bin of /freq; remove the attribute "
            "schema_version to have it read as a list of paths"
        )
    shape = (n, rx, tx, time, delays)
    return shape, FileArray(path, name, shape, 0, FromCIR(taps))


def _said(source: Source, kind: str) -> dict[str, Any]:
    """The root attributes of the file format, wherever this format keeps them."""
    if kind == "sionna":
        return dict(source.attributes)
    room = "/meta/" if kind == "mat" else "/"
    names = (
        "schema_version", "carrier_frequency", "rx_array", "tx_array", "normalization",
        "delay_spread_definition", "angular_spread_definition", "provenance", "condition_units",
        *schema.POWERS,
    )  # fmt: skip
    found = {name: source.arrays.get(room + name) for name in names}
    return {name: _single(source, array) for name, array in found.items() if array is not None}


def _single(source: Source, array: SourceArray) -> Any:
    if array.size != 1:
        raise DataError(f"{source.path}:{array.name}: has shape {array.shape}; expected one value")
    return array.column().item()


def _columns(source: Source, room: str) -> dict[str, np.ndarray]:
    """One value a realisation, by the name it had before MATLAB's rules."""
    found = {}
    for name, array in source.arrays.items():
        if name.startswith(f"/{room}/"):
            given = schema.text(array.attrs.get(NAME, "")) or name.removeprefix(f"/{room}/")
            if array.dtype.kind not in "biufU":
                raise DataError(
                    f"{source.path}:{name}: is {array.dtype}; expected numbers or text"
                )
            found[given] = array.column()
    return found


def _units(source: Source, said: Mapping[str, Any]) -> dict[str, str]:
    """The units of the conditions: of their attributes, or the JSON text beside them."""
    if "condition_units" not in said:
        room = "/conditions/"
        return {
            name.removeprefix(room): schema.text(array.attrs.get("unit", "1"))
            for name, array in source.arrays.items()
            if name.startswith(room)
        }
    try:
        return {str(k): str(v) for k, v in json.loads(said["condition_units"]).items()}
    except (TypeError, AttributeError, json.JSONDecodeError):
        raise DataError(f"{source.path}: condition_units is not a JSON object") from None


def _axis(source: Source, name: str) -> np.ndarray:
    array = source.arrays.get(name)
    if array is None or array.dtype.kind not in "iuf":
        raise DataError(f"{source.path}:{name}: is missing or not numbers; convert the file again")
    values = array.column().astype(np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{source.path}:{name}: holds NaN or infinity; convert the file again")
    return values
