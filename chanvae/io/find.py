"""Which array of somebody else's file holds the channels, how, and which hold labels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from chanvae.errors import DataError
from chanvae.io.combine import Combine
from chanvae.io.options import Options
from chanvae.io.pairs import PARTS, POLAR, pairs
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source
from chanvae.io.stored import Stored, fields_of, kind, known, listed
from chanvae.io.twoarrays import two_arrays


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
        return two_arrays(source, options, "parts", options.real, options.imag, stack)
    if options.amplitude or options.phase:
        return two_arrays(source, options, "polar", options.amplitude, options.phase, stack)
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


def _only(source: Source, options: Options, iq: bool, stack: ExitStack) -> Stored:
    """The only way in which the file can hold channels."""
    here = source.arrays
    real = {k: a for k, a in here.items() if a.dtype.kind in "iuf" and a.ndim > 1}
    if iq:
        found = [a for a in real.values() if options.reshape or 2 in a.shape]
        if len(found) == 1:
            return _one(source, found[0], Combine("iq"))
        if found:
            raise _several(source, [f"--array {a.name[1:]}" for a in found], listed(found))
    found = [a for a in here.values() if fields_of(a.dtype) is not None and a.size != 1]
    found = [a for a in found if a.ndim > 1] or found
    parts = _pairs(here, PARTS)
    ways = [f"--array {a.name[1:]}" for a in found]
    ways += [f"--real {a[1:]} --imag {b[1:]}" for a, b in parts]
    if len(ways) > 1:
        both = found + [here[a] for a, _ in parts]
        raise _several(source, ways, listed(both))
    if found:
        return _one(source, found[0], Combine())
    if parts:
        (a, b), said = parts[0], "are real and imaginary parts, by their names"
        both = two_arrays(source, options, "parts", a[1:], b[1:], stack)
        return replace(both, assumed=(f"{a} and {b} {said}; --array NAME takes another array",))
    if polar := _pairs(here, POLAR):
        (a, b), said = polar[0], "are amplitude and phase, by their names"
        both = two_arrays(source, options, "polar", a[1:], b[1:], stack)
        return replace(both, assumed=(f"{a} and {b} {said}; --array NAME takes another array",
                                     *both.assumed))  # fmt: skip
    raise _nothing(source, list(real.values()))


def _pairs(
    arrays: Mapping[str, SourceArray], words: tuple[tuple[str, str], ...]
) -> list[tuple[str, str]]:
    """Pairs of real arrays of one shape, more than a label, by their names."""
    real = {
        name: array
        for name, array in arrays.items()
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


def _named(source: Source, name: str, iq: bool) -> Stored:
    array, where = known(source, name, "array"), f"{source.path}: --array {name}"
    if fields_of(array.dtype) is not None:
        return _one(source, array, Combine())
    if array.dtype.kind in "iuf":
        if iq:
            return _one(source, array, Combine("iq"))
        raise DataError(f"{where}: {_real(source, array)}")
    if array.dtype.names is not None:
        raise DataError(
            f"{where}: {array.name} holds {kind(array)}: say which field is what with "
            f"--array {name} --real FIELD --imag FIELD"
        )
    raise DataError(
        f"{where}: {array.name} holds {kind(array)}, not complex numbers; store the channels as "
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
