"""Quantities with units as people type them: ``80ns``, ``12deg``, ``3.5GHz``."""

import math
import re

from chanvae.errors import DataError

UNITS = {
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "ps": 1e-12},
    "Hz": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "rad": {"rad": 1.0, "deg": math.pi / 180, "°": math.pi / 180},
    "m": {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "km": 1e3},
    "m/s": {"m/s": 1.0, "km/h": 1 / 3.6},
    "dB": {"dB": 1.0},
    "share": {"%": 0.01},
}
"""SI unit -> what may be typed for it -> factor to SI."""

_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


def parse(text: str, unit: str, name: str = "value") -> float:
    """Read a quantity with its unit.

    Args:
        text: What was typed, such as ``80ns``.
        unit: The SI unit it must be convertible to; ``""`` or ``"1"`` for a pure number.
        name: What it is for, used in the error.

    Returns:
        The value in ``unit``.

    Raises:
        DataError: Not a number, no unit, or a unit of another quantity.
    """
    match = _NUMBER.fullmatch(text)
    known = UNITS.get(unit, {"": 1.0})
    choices = ", ".join(known) if unit in UNITS else "no unit"
    if match is None:
        raise DataError(
            f"{name}: {text!r} is not a quantity; write a number and a unit ({choices})"
        )
    number, suffix = match.groups()
    if suffix not in known:
        said = (
            f"unit {suffix!r} is not one of" if suffix else "a bare number has no unit; add one of"
        )
        raise DataError(f"{name}: {text!r}: {said} {choices}")
    return float(number) * known[suffix]


def parse_range(text: str, unit: str, name: str = "value") -> tuple[float, float]:
    """Read one quantity, or the lowest and the highest as in ``30ns..300ns``.

    Args:
        text: What was typed.
        unit: As for :func:`parse`.
        name: As for :func:`parse`.

    Returns:
        Lowest and highest, equal where one was typed.

    Raises:
        DataError: As :func:`parse`, or the lowest is above the highest.
    """
    low, between, high = text.partition("..")
    found = parse(low, unit, name), parse(high if between else low, unit, name)
    if found[0] > found[1]:
        raise DataError(f"{name}: {text!r}: write the lowest first")
    return found


def show(value: float, unit: str, digits: int = 3) -> str:
    """Write an SI value with a unit people use, such as ``81.2 ns`` or ``12.5 deg``."""
    name, size = handy(value, unit)
    return f"{value / size:.{digits}g} {name}".rstrip()


def handy(value: float, unit: str) -> tuple[str, float]:
    """The unit people write a value in, and its size in SI.

    Args:
        value: In ``unit``; of several that share a unit, the largest.
        unit: The SI unit; ``""`` or ``"1"`` for none.

    Returns:
        Such as ``("ns", 1e-9)``; ``("", 1.0)`` for no unit.
    """
    if unit == "rad":
        return "deg", UNITS["rad"]["deg"]
    if unit not in ("s", "Hz", "m") or value == 0 or not math.isfinite(value):
        return "" if unit == "1" else unit, 1.0
    scales = {k: f for k, f in UNITS[unit].items() if k not in ("µs", "cm")}
    fitting = [k for k, f in scales.items() if abs(value) >= 0.9999 * f]
    best = max(fitting, key=scales.__getitem__) if fitting else min(scales, key=scales.__getitem__)
    return best, scales[best]
