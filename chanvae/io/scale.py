"""What the numbers of a file are divided or multiplied by: ``/PSC``, ``*gain``, ``1e-3``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chanvae.errors import DataError
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source


@dataclass(frozen=True, eq=False)
class Scale:
    """A scale: a number for all, or one a realisation.

    Args:
        sense: ``/`` divides by the array, ``*`` multiplies; nothing for a number.
        array: One number a realisation.
        factor: What everything is multiplied by.
        words: The same in words.
    """

    sense: Literal["", "/", "*"] = ""
    array: SourceArray | None = None
    factor: float = 1.0
    words: str = ""


def scale_of(source: Source, said: str | None, n: int, assumed: list[str]) -> Scale:
    """The scale that an option says.

    ``/NAME`` divides each realisation by its number in that array and ``*NAME`` multiplies. A
    bare ``NAME`` divides if it holds positive integers, as counts of what was added up are, and
    is asked about otherwise. ``/1024`` and ``0.5`` are for all realisations.

    Args:
        source: The file.
        said: The option.
        n: Number of realisations.
        assumed: Gets a sentence where the sense was taken from the numbers.

    Raises:
        DataError: There is no such array, it has not one number a realisation, or its sense has
            to be said.
    """
    if not said:
        return Scale()
    name = said.removeprefix("/").removeprefix("*")
    sense: Literal["/", "*"] | None = "/" if said[0] == "/" else "*" if said[0] == "*" else None
    if (value := _number(name)) is not None:
        return _all(source, said, sense, value)
    array = source.arrays.get(f"/{name.strip('/')}")
    if array is None or array.dtype.kind not in "iuf":
        what = "is not in the file" if array is None else f"holds {array.dtype}"
        raise DataError(f"{source.path}: --scale {said}: {name} {what}; name an array of numbers")
    if array.size != n or n not in array.shape:
        raise DataError(
            f"{source.path}: --scale {said}: {name} has shape {array.shape}; it needs one number "
            f"for each of the {n} realisations"
        )
    if sense is None:
        counts = array.dtype.kind in "iu" and bool((array.column() > 0).all())
        if not counts:
            raise DataError(
                f"{source.path}: --scale {said}: say --scale '/{name}' to divide by it or "
                f"--scale '*{name}' to multiply"
            )
        sense = "/"
        assumed.append(
            f"{name} holds counts, so each realisation is divided by its own; "
            f"--scale '*{name}' multiplies"
        )
    done = "divided" if sense == "/" else "multiplied"
    return Scale(sense, array, words=f"each realisation {done} by {array.name}")


def _all(source: Source, said: str, sense: str | None, value: float) -> Scale:
    if not 0 < abs(value) < float("inf"):
        raise DataError(f"{source.path}: --scale {said}: must be finite and not zero")
    factor = 1 / value if sense == "/" else value
    return Scale(factor=factor, words=f"multiplied by {factor:.6g}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
