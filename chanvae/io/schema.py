"""The pieces that a file in chanvae's format holds, each checked as it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.channels import Meta
from chanvae.errors import DataError
from chanvae.units import UNITS

SCHEMA_VERSION = 1
POWERS = ("normalization_power", "noise_floor")
"""Root attributes that are a linear power, left out where unknown."""
_NOT_SI = {typed: si for si, known in UNITS.items() for typed in known if typed not in UNITS}


def is_own(file: h5py.File) -> bool:
    """Whether a file says that it is in chanvae's format."""
    return "schema_version" in file.attrs and "h" in file


def column(values: h5py.Dataset) -> np.ndarray:
    """One label a realisation, in memory: numbers as they are, text as numpy strings."""
    if h5py.check_string_dtype(values.dtype) is None:
        return np.ravel(values[()])
    return np.ravel(np.asarray(values.asstr()[()], dtype=str))


def text(value: Any) -> str:
    """An attribute as text, whichever way HDF5 stored it; ``""`` for anything else."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def version(said: Mapping[str, Any], path: str) -> None:
    """Refuse a schema version that this chanvae does not know."""
    found = said.get("schema_version")
    if not isinstance(found, (int, np.integer)) or found < 1:
        raise DataError(
            f"{path}: attribute schema_version is {found!r}; expected {SCHEMA_VERSION}"
        )
    if found > SCHEMA_VERSION:
        raise DataError(
            f"{path}: has schema version {found}; this chanvae reads up to {SCHEMA_VERSION}: "
            "upgrade chanvae"
        )


def meta(said: Mapping[str, Any], path: str) -> Meta:
    """Carrier, normalisation, definitions and provenance; what is missing is unknown."""
    carrier = said.get("carrier_frequency", float("nan"))
    if np.ndim(carrier) or not isinstance(carrier, (int, float, np.number)):
        raise DataError(
            f"{path}: attribute carrier_frequency is {carrier!r}; expected a number [Hz]"
        )
    written = text(said.get("provenance", "{}"))
    try:
        provenance = json.loads(written)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{path}: attribute provenance is not JSON: {error}") from None
    if not isinstance(provenance, dict):
        raise DataError(f"{path}: attribute provenance is {written!r}; expected a JSON object")
    names = ("delay_spread_definition", "angular_spread_definition")
    return Meta(
        float(carrier),
        text(said.get("normalization", "none")) or "none",
        *(text(said.get(name, "")) for name in names),
        provenance=provenance,
        **{name: _power(said, name, path) for name in POWERS},
    )


def _power(said: Mapping[str, Any], name: str, path: str) -> float:
    """A linear power in an attribute; NaN where it is missing."""
    value = said.get(name, float("nan"))
    if np.ndim(value) or not isinstance(value, (int, float, np.number)) or value < 0:
        raise DataError(f"{path}: attribute {name} is {value!r}; expected a linear power")
    return float(value)


def geometry(said: Mapping[str, Any], name: str, antennas: int, path: str) -> ArrayGeometry:
    """The array at one end; it may be missing where there is one antenna."""
    if name not in said:
        if antennas == 1:
            return ArrayGeometry()
        raise DataError(
            f"{path}: attribute {name} is missing and /h has {antennas} antennas there; set it, "
            f'for example to \'{{"rows": 1, "columns": {antennas}}}\''
        )
    try:
        return ArrayGeometry.from_json(text(said[name]))
    except DataError as error:
        raise DataError(f"{path}: attribute {name}: {error}") from None


def conditions(file: h5py.File, path: str) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The conditions in memory, and their units, which must be SI."""
    values, units = {}, {}
    for name, member in members(file, "conditions", path).items():
        values[name] = column(member)
        unit = text(member.attrs.get("unit", "1" if values[name].dtype.kind == "U" else ""))
        if not unit or unit in _NOT_SI:
            si = _NOT_SI.get(unit, "such as s, rad, or 1 for none")
            raise DataError(f"{path}:/conditions/{name}: unit is {unit!r}; store it in SI ({si})")
        units[name] = unit
    return values, units


def members(file: h5py.File, name: str, path: str) -> dict[str, h5py.Dataset]:
    """The arrays of numbers or text in a group, which may be missing."""
    if name not in file:
        return {}
    group = file[name]
    if not isinstance(group, h5py.Group):
        raise DataError(f"{path}:/{name}: is an array; expected a group of arrays [n]")
    found = {key: dataset(group, key, path) for key in map(str, group)}
    for key, member in found.items():
        if member.dtype.kind not in "biuf" and h5py.check_string_dtype(member.dtype) is None:
            raise DataError(f"{path}:/{name}/{key}: is {member.dtype}; expected numbers or text")
    return found


def axis(file: h5py.File, name: str, path: str) -> np.ndarray:
    """The values along an axis, float64."""
    found = dataset(file, name, path)
    if found.dtype.kind not in "iuf" or found.ndim != 1:
        raise DataError(
            f"{path}:/{name}: is {found.dtype} {found.shape}; expected float64 [{name}]"
        )
    values = found[:].astype(np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{path}:/{name}: holds NaN or infinity; every value must be a number")
    return values


def dataset(group: h5py.Group, name: str, path: str) -> h5py.Dataset:
    """An array that must be there."""
    full = f"{str(group.name).rstrip('/')}/{name}"
    if name not in group:
        raise DataError(f"{path}:{full}: is missing; see docs/format.md for what a file holds")
    found = group[name]
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{path}:{full}: is a group; expected an array")
    return found
