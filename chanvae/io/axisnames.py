"""The names of the axes of an array: said, or asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chanvae.axes import FOREIGN_AXES
from chanvae.errors import DataError
from chanvae.io.layouts import canonical_names
from chanvae.io.schema import text
from chanvae.io.sourcearray import SourceArray

SYNONYMS = {
    "realisation": "n", "realization": "n", "sample": "n", "snapshot": "n", "snap": "n",
    "subcarrier": "freq", "frequency": "freq", "tap": "delay",
}  # fmt: skip
"""Other people's words for the axes."""
_EXAMPLES = {1: "n", 2: "n,freq", 3: "n,rx,freq", 4: "n,rx,tx,freq", 5: "n,rx,tx,time,freq"}


def stated(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What a file says its axes are; nothing where it does not."""
    words = said.get("axes", "")
    several = isinstance(words, np.ndarray) and words.ndim == 1
    names = [text(w) for w in words] if several else text(words).split(",")
    return tuple(word.strip() for word in names) if any(names) else ()


def canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    """In chanvae's own words, where they are known."""
    return tuple(SYNONYMS.get(name.lower(), name.lower()) for name in names)


def axis_names(
    where: str,
    shape: tuple[int, ...],
    said: Mapping[str, Any],
    option: tuple[str, ...] | None,
    real: bool,
    ask: str,
    assumed: list[str],
) -> tuple[str, ...]:
    """The name of every axis of an array, from the options or else the file.

    Args:
        where: The array, for errors.
        shape: Its shape.
        said: What the file says.
        option: What the options say.
        real: Its numbers are real and imaginary parts along an axis ``iq``.
        ask: What to say where neither says it.
        assumed: Gets a sentence where the options overrule the file.

    Raises:
        DataError: Neither says it, or what is said does not fit the array.
    """
    by_file = stated(said)
    names, source = option, "--axes " + ",".join(option or ())
    if names is None:
        names, source = by_file, "attribute axes"
    if not any(names):
        raise DataError(ask)
    names = canonical(names)
    if option is not None and by_file and canonical(by_file) != names:
        assumed.append(f"--axes goes before the attribute axes of the file, {','.join(by_file)}")
    unknown = [name for name in names if name not in (*FOREIGN_AXES, "1")]
    named = [name for name in canonical_names(names) if name != "1"]
    sizes = dict(zip(names, shape, strict=False))
    length = dict(zip([str(k) for k in range(len(names))], shape, strict=False))
    dropped = [k for k, name in enumerate(names) if name == "1" and length.get(str(k), 1) != 1]
    faults = {
        f"{unknown[:1]} is not one of {' '.join(FOREIGN_AXES)}": bool(unknown),
        f"names {len(names)} axes; the array has {len(shape)} {shape}": len(names) != len(shape),
        "names an axis twice": len(set(names)) < len(names) - max(names.count("1") - 1, 0),
        "has no n, the axis of the realisations": "n" not in names,
        "has both delay and freq": {"delay", "freq"} <= set(names),
        "has both an end and its angle": len(set(named)) < len(named),
        "has iq, which is for real arrays": "iq" in names and not real,
        f"has iq for an axis of length {sizes.get('iq')}; it must be 2": (
            "iq" in names and real and sizes.get("iq") != 2
        ),
        f"has 1 for axis {dropped[:1]}, which is longer": bool(dropped),
    }
    for fault, there in faults.items():
        if there:
            example = _EXAMPLES.get(len(shape), _EXAMPLES[5])
            raise DataError(f"{where}: {source}: {fault}; say it as in --axes {example}")
    return names


def question(where: str, shape: tuple[int, ...], likely: int, why: str, array: SourceArray) -> str:
    """What to ask where nobody says what the axes are.

    Args:
        where: The array.
        shape: Its shape.
        likely: The axis that would be taken for the realisations.
        why: Why that one.
        array: The array as it lies in the file.
    """
    if len(shape) > 5:
        return (
            f"{where} has {len(shape)} axes {shape}: say what they are with --axes, of "
            f"{_EXAMPLES[5]}, and 1 for one of length 1"
        )
    if len(shape) == 1:
        return f"{where} has 1 axis {shape}: if it is the realisations, add --axes n"
    rest = _EXAMPLES[len(shape)].split(",")[1:]
    names = [*rest[:likely], "n", *rest[likely:]]
    example = ",".join(names)
    antennas = ["rx", "tx"]
    narrow = f" or --axes {','.join([*antennas[:likely], 'n', *antennas[likely:]])} without either"
    narrow = narrow if len(shape) == 3 else ""
    shown = f", which MATLAB shows as {shape[::-1]}" if array.reverse else ""
    return (
        f"{where} has {len(shape)} axes {shape}{shown}: say what they are and the grid, e.g. "
        f"--axes {example.replace('freq', 'delay')} --tap-spacing 1ns "
        f"or --axes {example} --subcarrier-spacing 15kHz{narrow} "
        f"(axis {likely}, of length {shape[likely]}, is likely the realisations: {why})"
    )
