"""How the channels of a file are stored, and what to say of arrays that are not channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chanvae.errors import DataError
from chanvae.io.combine import Combine
from chanvae.io.pairs import PARTS, pairs
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source

Placed = tuple[str, SourceArray]
"""The file and the array in it."""


@dataclass(frozen=True, eq=False)
class Stored:
    """How the channels of a file are stored.

    Args:
        arrays: One array, or two that make a complex one, each with its file.
        combine: How they do.
        numbers: The same in words.
        options: The same as command-line options.
        assumed: What was taken for certain from the names or values.
    """

    arrays: tuple[Placed, ...]
    combine: Combine
    numbers: str
    options: tuple[str, ...]
    assumed: tuple[str, ...] = ()

    @property
    def array(self) -> SourceArray:
        """The first of them, after which the others are shaped."""
        return self.arrays[0][1]


def fields_of(dtype: np.dtype) -> tuple[str, ...] | None:
    """The two fields of a complex number; ``()`` where it is native; ``None`` where it is not."""
    if dtype.kind == "c":
        return ()
    names = dtype.names or ()
    if len(names) != 2 or any(dtype[name].kind not in "iuf" for name in names):
        return None
    found = pairs(names, PARTS)
    return found[0] if found else None


def known(source: Source, name: str, word: str) -> SourceArray:
    """An array that was named.

    Raises:
        DataError: It is not there.
    """
    full = "/" + name.strip("/")
    if full in source.arrays:
        return source.arrays[full]
    said = "is a group, not an array" if full in source.groups else "is not in the file"
    has = listed(list(source.arrays.values())) or "no arrays"
    raise DataError(f"{source.path}: --{word} {name}: {full} {said}; it has {has}")


def listed(found: list[SourceArray]) -> str:
    """``/H complex64 (100, 64), …``, six at most."""
    said = [f"{a.name} {kind(a)} {a.shape}" for a in found[:6]]
    return ", ".join(said) + (f" and {len(found) - 6} more" if len(found) > 6 else "")


def kind(array: SourceArray) -> str:
    """What an array holds, in a word."""
    if array.dtype.kind == "U":
        return "text"
    if array.dtype.names is not None:
        return "compound {" + ", ".join(array.dtype.names) + "}"
    return "objects" if array.dtype.kind == "O" else str(array.dtype)
