"""What a file says about its channels: attributes, and small arrays that stand for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from chanvae.errors import DataError
from chanvae.io.schema import text
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source, open_source

NAMES = (
    "axes", "tap_s", "tap_spacing_s", "subcarrier_spacing_hz", "subcarrier_index",
    "time_spacing_s", "carrier_hz", "carrier_frequency_hz", "bandwidth_hz", "licence", "source",
    "attribution",
)  # fmt: skip
"""What may be said by an attribute, or by an array of that name where a file has none."""
_LARGEST = 1 << 16
"""Elements of an array that may stand for an attribute."""


def said_by(
    source: Source,
    array: SourceArray,
    beside: str | None,
    where: Mapping[str, Sequence[str]],
    stack: ExitStack,
) -> dict[str, Any]:
    """Everything a file says about one of its arrays, and a second file beside it.

    Args:
        source: The file.
        array: The array of the channels, whose attributes go first.
        beside: Path of a second file that says more, or nothing.
        where: Attribute -> arrays that say it in this layout; the mean of several.
        stack: Keeps the second file open.
    """
    files = [source]
    if beside is not None:
        files.insert(0, stack.enter_context(open_source(beside)))
    found: dict[str, Any] = {}
    for file in files[::-1]:
        found |= {name: value for name in NAMES if (value := _array(file, name)) is not None}
        found |= file.attributes
    for name, arrays in where.items():
        values = [_number(file, inner) for inner in arrays for file in _with(files, inner)[:1]]
        if len(values) == len(arrays):
            found[name] = float(np.mean(values))
    return found | dict(array.attrs)


def number(
    where: str, said: Mapping[str, Any], names: tuple[str, ...], option: float | None
) -> float:
    """A positive number from the options, or else the file; NaN where neither says it.

    Raises:
        DataError: What the file says is no positive number.
    """
    if option is not None:
        return option
    name = next((name for name in names if name in said), None)
    if name is None:
        return float("nan")
    value = np.asarray(said[name])
    if value.size != 1 or value.dtype.kind not in "iuf" or not 0 < value.item() < np.inf:
        raise DataError(
            f"{where}: attribute {name} is {plain(said[name])!r}; it must be a positive number: "
            "correct it, or say it with an option"
        )
    return float(value.item())


def plain(value: Any) -> Any:
    """An attribute as JSON can hold it; ``None`` where it cannot."""
    if text(value):
        return text(value)
    array = np.asarray(value)
    return array.tolist() if array.dtype.kind in "biuf" and array.size <= 4096 else None


def _array(source: Source, name: str) -> Any:
    """What an array at the top of a file says in place of an attribute."""
    array = source.arrays.get(f"/{name}")
    if array is None or array.size > _LARGEST or array.dtype.kind not in "iufU":
        return None
    values = array.column()
    if name == "axes" and source.kind == "MATLAB v7.3":
        words = values.tolist() if len(values) > 1 else str(values[0]).split(",")
        return ",".join(words[::-1])
    return values.item() if values.size == 1 else values


def _with(files: Sequence[Source], name: str) -> list[Source]:
    return [file for file in files if f"/{name.strip('/')}" in file.arrays]


def _number(source: Source, name: str) -> float:
    array = source.arrays[f"/{name.strip('/')}"]
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise DataError(
            f"{source.path}: {array.name} is {array.dtype} {array.shape}; a single number stands "
            "there in this layout: correct it, or say it with an option"
        )
    return float(array.column()[0])
