"""Which array of somebody else's file holds the channels, how, and which hold labels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chanvae.errors import DataError
from chanvae.io.combine import Combine
from chanvae.io.options import Options
from chanvae.io.pairs import PARTS, POLAR, pairs
from chanvae.io.phase import in_degrees
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source, open_source

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


def stored(source: Source, options: Options, iq: bool, stack: ExitStack) -> Stored:
    """How the channels of a file are stored: as the options say, or the only way there is.

    Args:
        source: The file.
        options: ``array``; ``real`` and ``imag``; ``amplitude`` and ``phase``.
        iq: An axis of (real, imaginary) is said, so that the array is real.
        stack: Keeps further files open.

    Raises:
        DataError: There is none, or more than one, or what was asked for is something else.
    """
    if options.real or options.imag:
        return _two(source, options, "parts", options.real, options.imag, stack)
    if options.amplitude or options.phase:
        return _two(source, options, "polar", options.amplitude, options.phase, stack)
    if options.array is not None:
        return _named(source, options.array, iq)
    return _only(source, options, iq, stack)


def labels(source: Source, used: tuple[str, ...], n: int) -> dict[str, SourceArray]:
    """The arrays with one number or one text a realisation, by path without the first slash."""
    return {
        name[1:]: array
        for name, array in source.arrays.items()
        if name not in used and array.size == n and n in array.shape
        if array.dtype.kind in "biufU"
    }


def listed(found: list[SourceArray]) -> str:
    """``/H complex64 (100, 64), …``, six at most."""
    said = [f"{a.name} {_kind(a)} {a.shape}" for a in found[:6]]
    return ", ".join(said) + (f" and {len(found) - 6} more" if len(found) > 6 else "")


def _only(source: Source, options: Options, iq: bool, stack: ExitStack) -> Stored:
    """The only way in which the file can hold channels."""
    known = source.arrays
    real = {k: a for k, a in known.items() if a.dtype.kind in "iuf" and a.ndim > 1}
    if iq:
        found = [a for a in real.values() if 2 in a.shape]
        if len(found) == 1:
            return _one(source, found[0], Combine("iq"))
        if found:
            raise _several(source, [f"--array {a.name[1:]}" for a in found], listed(found))
    found = [a for a in known.values() if fields_of(a.dtype) is not None and a.size != 1]
    found = [a for a in found if a.ndim > 1] or found
    parts = _pairs(known, PARTS)
    ways = [f"--array {a.name[1:]}" for a in found]
    ways += [f"--real {a[1:]} --imag {b[1:]}" for a, b in parts]
    if len(ways) > 1:
        both = found + [known[a] for a, _ in parts]
        raise _several(source, ways, listed(both))
    if found:
        return _one(source, found[0], Combine())
    if parts:
        (a, b), said = parts[0], "are real and imaginary parts, by their names"
        two = _two(source, options, "parts", a, b, stack)
        return replace(two, assumed=(f"{a} and {b} {said}; --array NAME takes another array",))
    if polar := _pairs(known, POLAR):
        (a, b), said = polar[0], "are amplitude and phase, by their names"
        two = _two(source, options, "polar", a, b, stack)
        return replace(two, assumed=(f"{a} and {b} {said}; --array NAME takes another array",
                                     *two.assumed))  # fmt: skip
    raise _nothing(source, list(real.values()))


def _pairs(
    known: Mapping[str, SourceArray], words: tuple[tuple[str, str], ...]
) -> list[tuple[str, str]]:
    """Pairs of real arrays of one shape, more than a label, by their names."""
    real = {
        name: array
        for name, array in known.items()
        if array.dtype.kind in "iuf" and array.ndim > 1 and array.size > max(array.shape)
    }
    return [(a, b) for a, b in pairs(real, words) if real[a].shape == real[b].shape]


def _one(source: Source, array: SourceArray, combine: Combine) -> Stored:
    """One array; of a compound, its fields."""
    numbers = "real and imaginary parts along an axis of 2"
    if combine.kind != "iq":
        fields = fields_of(array.dtype) or ()
        combine = replace(combine, kind="fields" if fields else "complex", fields=fields)
        numbers = "a compound {" + ", ".join(fields) + "}" if fields else "complex numbers"
    return Stored(((source.path, array),), combine, numbers, ("--array", array.name[1:]))


def _two(
    source: Source,
    options: Options,
    kind: str,
    first: str | None,
    second: str | None,
    stack: ExitStack,
) -> Stored:
    """Two real arrays of one shape, the second maybe in another file."""
    words = ("real", "imag") if kind == "parts" else ("amplitude", "phase")
    path = source.path
    if kind == "parts" and options.array is not None and first and second:
        return _compound(source, options.array, first, second)
    if second is None:
        raise DataError(f"{path}: --{words[0]} {first}: says half of it; add --{words[1]} NAME")
    b_path, b = _placed(source, second, words[1], stack)
    if first is None:
        same = [a for a in source.arrays.values() if a.shape == b.shape and a is not b]
        same = [a for a in same if a.dtype.kind in "iuf"]
        if len(same) != 1:
            raise DataError(
                f"{path}: --{words[1]} {second}: says half of it; add --{words[0]} NAME"
            )
        a_path, a = path, same[0]
    else:
        a_path, a = _placed(source, first, words[0], stack)
    if a.shape != b.shape:
        raise DataError(
            f"{path}: --{words[0]} {a.name} has shape {a.shape} and --{words[1]} {b.name} "
            f"{b.shape}; they must be of one shape: name arrays that belong together"
        )
    typed = (f"--{words[0]}", first or a.name[1:], f"--{words[1]}", second)
    if kind == "parts":
        numbers = f"real parts in {a.name}, imaginary parts in {b.name}"
        return Stored(((a_path, a), (b_path, b)), Combine("parts"), numbers, typed)
    degrees, why = in_degrees(f"{b_path}: {b.name}", b, options.phase_unit)
    unit = "degrees" if degrees else "radians"
    numbers = f"amplitude in {a.name}, phase in {b.name} [{unit}]"
    return Stored(
        ((a_path, a), (b_path, b)),
        Combine("polar", degrees=degrees),
        numbers,
        (*typed, "--phase-unit", unit[:3]),
        (why,) if why else (),
    )


def _compound(source: Source, name: str, first: str, second: str) -> Stored:
    """A compound whose two fields are named."""
    array = _known(source, name, "array")
    for field in (first, second):
        if field not in (array.dtype.names or ()) or array.dtype[field].kind not in "iuf":
            raise DataError(
                f"{source.path}: {array.name}: {field} is no field of numbers of it; it has "
                f"{_kind(array)}"
            )
    options = ("--array", name, "--real", first, "--imag", second)
    numbers = f"a compound {{{first}, {second}}}"
    return Stored(
        ((source.path, array),), Combine("fields", fields=(first, second)), numbers, options
    )


def _placed(source: Source, name: str, word: str, stack: ExitStack) -> Placed:
    """A real array of the file, or of another: ``FILE:NAME``, or ``FILE`` with one array."""
    file, colon, inner = name.rpartition(":")
    other = file if colon and Path(file).is_file() else name if Path(name).is_file() else ""
    if other and f"/{name.strip('/')}" not in source.arrays:
        source = stack.enter_context(open_source(other))
        if other == name:
            numbers = [a for a in source.arrays.values() if a.dtype.kind in "iuf"]
            if len(numbers) != 1:
                raise DataError(
                    f"{other}: has {listed(numbers) or 'no real arrays'}: say which with "
                    f"--{word} {other}:NAME"
                )
            return other, numbers[0]
        name = inner
    array = _known(source, name, word)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"{source.path}: --{word} {name}: {array.name} holds {_kind(array)}; it must be real "
            "numbers"
        )
    return source.path, array


def _known(source: Source, name: str, word: str) -> SourceArray:
    full = "/" + name.strip("/")
    if full in source.arrays:
        return source.arrays[full]
    said = "is a group, not an array" if full in source.groups else "is not in the file"
    has = listed(list(source.arrays.values())) or "no arrays"
    raise DataError(f"{source.path}: --{word} {name}: {full} {said}; it has {has}")


def _named(source: Source, name: str, iq: bool) -> Stored:
    array, where = _known(source, name, "array"), f"{source.path}: --array {name}"
    if fields_of(array.dtype) is not None:
        return _one(source, array, Combine())
    if array.dtype.kind in "iuf":
        if iq:
            return _one(source, array, Combine("iq"))
        raise DataError(f"{where}: {_real(source, array)}")
    if array.dtype.names is not None:
        raise DataError(
            f"{where}: {array.name} holds {_kind(array)}: say which field is what with "
            f"--array {name} --real FIELD --imag FIELD"
        )
    raise DataError(
        f"{where}: {array.name} holds {_kind(array)}, not complex numbers; store the channels as "
        "one complex64 array"
    )


def _several(source: Source, ways: list[str], said: str) -> DataError:
    more = f" and {len(ways) - 6} more" if len(ways) > 6 else ""
    return DataError(
        f"{source.path}: has {len(ways)} complex arrays, {said}: say which with "
        f"{' or '.join(ways[:6])}{more}"
    )


def _nothing(source: Source, real: list[SourceArray]) -> DataError:
    """Nothing in the file can be channels by itself."""
    if len(real) == 1:
        return DataError(f"{source.path}: no complex array; {_real(source, real[0])}")
    has = listed(list(source.arrays.values())) or "no arrays"
    return DataError(
        f"{source.path}: no complex array; it holds {has}: store the channels as one complex64 "
        "array, or say which arrays make it with --real NAME --imag NAME or --amplitude NAME "
        "--phase NAME"
    )


def _real(source: Source, array: SourceArray) -> str:
    for first, second in _pairs(source.arrays, PARTS):
        if array.name in (first, second):
            return (
                f"{listed([array])} is one half of a pair: say --real {first[1:]} "
                f"--imag {second[1:]} instead"
            )
    if array.ndim > 1 and 2 in (array.shape[-1], array.shape[0]):
        last = array.shape[-1] == 2
        rest = "n" if array.ndim == 2 else "n,delay" if array.ndim == 3 else "n,...,delay"
        return (
            f"{listed([array])} looks like real and imaginary parts on its "
            f"{'last' if last else 'first'} axis: say so with "
            f"--axes {f'{rest},iq' if last else f'iq,{rest}'}"
        )
    return (
        f"{listed([array])} is real, and a channel needs its phase, which a power-delay profile "
        "does not have: store the complex channels, or say what goes with it, with --real NAME "
        "--imag NAME, or --reshape LENGTHS --axes n,...,iq,... for parts side by side"
    )


def _kind(array: SourceArray) -> str:
    if array.dtype.kind == "U":
        return "text"
    if array.dtype.names is not None:
        return "compound {" + ", ".join(array.dtype.names) + "}"
    return "objects" if array.dtype.kind == "O" else str(array.dtype)
