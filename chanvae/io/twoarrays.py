"""Two arrays, or two fields, that make one complex array."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from chanvae.errors import DataError
from chanvae.io.combine import Combine
from chanvae.io.options import Options
from chanvae.io.phase import in_degrees
from chanvae.io.sources import Source, open_source
from chanvae.io.stored import Placed, Stored, kind, known, listed


def two_arrays(
    source: Source,
    options: Options,
    how: str,
    first: str | None,
    second: str | None,
    stack: ExitStack,
) -> Stored:
    """Two real arrays of one shape, the second maybe in another file."""
    words = ("real", "imag") if how == "parts" else ("amplitude", "phase")
    path = source.path
    if how == "parts" and options.array is not None and first and second:
        return _compound(source, options.array, first, second)
    if second is None:
        raise DataError(f"{path}: --{words[0]} {first}: says half of it; add --{words[1]} NAME")
    b_path, b = _placed(source, second, words[1], stack)
    if first is None:
        real = [a for a in source.arrays.values() if a.dtype.kind in "iuf" and a is not b]
        same = [a for a in real if a.shape == b.shape] or [a for a in real if a.ndim > 1]
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
    if how == "parts":
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
    array = known(source, name, "array")
    for field in (first, second):
        if field not in (array.dtype.names or ()) or array.dtype[field].kind not in "iuf":
            raise DataError(
                f"{source.path}: {array.name}: {field} is no field of numbers of it; it has "
                f"{kind(array)}"
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
    array = known(source, name, word)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"{source.path}: --{word} {name}: {array.name} holds {kind(array)}; it must be real "
            "numbers"
        )
    return source.path, array
