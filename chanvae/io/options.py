"""What the user says about a file, on the command line, in Python or in a layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError

_POSITIVE = ("tap_spacing", "subcarrier_spacing", "time_spacing", "bandwidth", "carrier")


@dataclass(frozen=True)
class Options:
    """What the user says about a file; :func:`chanvae.load` explains each."""

    array: str | None = None
    axes: tuple[str, ...] | None = None
    real: str | None = None
    imag: str | None = None
    amplitude: str | None = None
    phase: str | None = None
    phase_unit: str | None = None
    scale: str | None = None
    offset: float | None = None
    reshape: tuple[int, ...] | None = None
    tap_spacing: float | None = None
    subcarrier_spacing: float | None = None
    subcarrier_index: tuple[int, ...] | None = None
    time_spacing: float | None = None
    bandwidth: float | None = None
    subcarriers: int | None = None
    pilots: str | None = None
    carrier: float | None = None
    rx_array: ArrayGeometry | None = None
    tx_array: ArrayGeometry | None = None
    meta: str | None = None
    layout: str | None = None
    groups: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                option = name.replace("_", "-")
                raise DataError(f"--{option} is {value:g}; it must be positive and finite")
        if self.subcarriers is not None and self.subcarriers < 1:
            raise DataError(f"--subcarriers {self.subcarriers}: there must be at least one")
        if self.phase_unit not in (None, "deg", "rad"):
            raise DataError(f"--phase-unit {self.phase_unit}: say deg or rad")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """From keyword arguments; text is read as the command line would read it.

        Raises:
            TypeError: One of them is no option.
            DataError: One of them makes no sense.
        """
        if unknown := given.keys() - {f.name for f in fields(cls)}:
            raise TypeError(f"unknown reading options: {', '.join(sorted(unknown))}")
        known = {k: v for k, v in given.items() if v is not None}
        if "axes" in known:
            known["axes"] = _words(known["axes"])
        for end in ("rx_array", "tx_array"):
            if isinstance(known.get(end), str):
                known[end] = ArrayGeometry.parse(known[end])
        for names in ("groups", "conditions"):
            several = known.get(names, ())
            known[names] = (several,) if isinstance(several, str) else tuple(several)
        if "reshape" in known:
            known["reshape"] = _lengths(known["reshape"])
        if "subcarrier_index" in known:
            known["subcarrier_index"] = subcarriers(known["subcarrier_index"])
        return cls(**known)

    def over(self, other: Options) -> Options:
        """These options, and where one is not said that of ``other``.

        Ways to say the same thing belong together: ``real`` said here leaves out the other's
        ``amplitude``, and ``bandwidth`` the other's spacing.
        """
        given = {k: v for k, v in vars(self).items() if v not in (None, ())}
        kept = {k: v for k, v in vars(other).items() if v not in (None, ())}
        for name in given:
            kept = {k: v for k, v in kept.items() if k not in _INSTEAD.get(name, ())}
        return replace(self, **{**kept, **given})


_NUMBERS = ("array", "real", "imag", "amplitude", "phase", "phase_unit")
_SPACINGS = ("tap_spacing", "subcarrier_spacing", "bandwidth")
_INSTEAD = {
    **dict.fromkeys(_NUMBERS, _NUMBERS),
    **dict.fromkeys(_SPACINGS, _SPACINGS),
    "bandwidth": (*_SPACINGS, "subcarrier_index"),
}
"""An option that is said -> those of a layout that it stands in place of."""


def settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options with the files they name at their full path, so that they hold in any folder.

    Whether a file is trusted is for each command to say, and is left out.
    """

    def full(said: str) -> str:
        file, colon, inner = said.rpartition(":")
        if colon and Path(file).is_file():
            return f"{Path(file).resolve()}:{inner}"
        named = Path(said).suffix and Path(said).is_file()  # a name without may be an array
        return str(Path(said).resolve()) if named else said

    files = ("meta", "layout", "real", "imag", "amplitude", "phase", "pilots")
    kept = {k: v for k, v in given.items() if k != "trusted"}
    return {k: full(v) if k in files and isinstance(v, str) else v for k, v in kept.items()}


def subcarriers(said: str | Sequence[int]) -> tuple[int, ...]:
    """Subcarrier numbers as typed: ``-28..-2/2,-1,1..27/2,28``, or a sequence of them.

    ``a..b`` is every number from a to b, ``a..b/2`` every second.

    Raises:
        DataError: It is written in another way.
    """
    if not isinstance(said, str):
        return tuple(int(k) for k in said)
    found: list[int] = []
    for word in _words(said):
        span, _, step = word.partition("/")
        first, dots, last = span.partition("..")
        try:
            low, by = int(first), int(step or 1)
            high = int(last) if dots else low
        except ValueError:
            low, high, by = 0, 0, 0
        if by < 1 or high < low or high - low > 1 << 20:
            raise DataError(
                f"--subcarrier-index: {word!r}: write numbers and ranges, such as "
                "-28..-2/2,-1,1..27/2,28"
            )
        found += range(low, high + 1, by)
    return tuple(found)


def _words(said: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(word.strip() for word in (said.split(",") if isinstance(said, str) else said))


def _lengths(said: str | Sequence[int]) -> tuple[int, ...]:
    words = _words(said) if isinstance(said, str) else said
    if not words or not all(str(word).isdigit() and int(word) for word in words):
        raise DataError(
            f"--reshape {said}: write the lengths of the axes after the first, such as 2,32,32"
        )
    return tuple(int(word) for word in words)
