"""The arrays of a MATLAB file older than v7.3, which is read whole."""

from __future__ import annotations

import warnings
import zlib

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from chanvae.errors import DataError
from chanvae.io.opened import DAMAGED, READING, line
from chanvae.io.probe import sound
from chanvae.io.sourcearray import SourceArray, in_memory

FAILURES = (*READING, MatReadError, NotImplementedError, MemoryError, EOFError, zlib.error)
"""What scipy raises for a file that is damaged or is not what it says."""
_DEEPEST = 16
"""Structs within structs that are followed."""


def arrays(path: str) -> tuple[dict[str, SourceArray], dict[str, object], frozenset[str]]:
    """Every array by its path, no attributes, and the paths of the structs.

    A struct of one element is a folder of its fields. Its axes are in MATLAB's order.

    Raises:
        DataError: The file is truncated or damaged.
    """
    sound(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = scipy.io.loadmat(path)
    except FAILURES as error:
        raise DataError(f"{path}: {DAMAGED} ({line(error)})") from error
    found: dict[str, SourceArray] = {}
    structs: set[str] = set()
    for name, values in content.items():
        if not name.startswith("__"):
            _add(f"/{name}", values, found, structs)
    return found, {}, frozenset(structs)


def _add(
    name: str, values: object, found: dict[str, SourceArray], structs: set[str], depth: int = 0
) -> None:
    """An array, or the fields of a struct."""
    if not isinstance(values, np.ndarray) or depth > _DEEPEST:
        return
    if values.dtype.names and values.size == 1:
        structs.add(name)
        for field in values.dtype.names:
            _add(f"{name}/{field}", values.item()[values.dtype.names.index(field)], found,
                 structs, depth + 1)  # fmt: skip
    elif values.dtype.kind == "O":
        found[name] = in_memory(name, _cell(values))
    elif values.dtype.kind != "V":
        found[name] = in_memory(name, values)


def _cell(values: np.ndarray) -> np.ndarray:
    """A cell of text as text, of equal arrays as one array; else as it is."""
    inner = [np.asarray(value) for value in values.flat]
    if not inner or len({(value.shape, value.dtype.kind) for value in inner}) > 1:
        texts = bool(inner) and all(v.dtype.kind == "U" and v.size == 1 for v in inner)
        return np.array([v.item() for v in inner]).reshape(values.shape) if texts else values
    if inner[0].dtype.kind in "OV":
        return values
    stacked = np.stack(inner)
    return stacked.reshape(values.shape) if inner[0].size == 1 else stacked
