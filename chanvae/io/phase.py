"""Whether phases are in degrees or radians: said, or certain from their range."""

from __future__ import annotations

import math

import numpy as np

from chanvae.errors import DataError
from chanvae.io.sourcearray import SourceArray

_LOOKED_AT = 1 << 20
"""Values that are looked at."""
_ENOUGH = 64
"""Values from which a range says anything."""


def in_degrees(where: str, phase: SourceArray, said: str | None) -> tuple[bool, str]:
    """Whether phases are in degrees, and why that is so.

    Wrapped phases of a channel fill their circle: values that lie within one turn of radians and
    use most of it are radians, values that lie within one turn of degrees and use most of it are
    degrees. Anything else, unwrapped phases for one, has to be said.

    Args:
        where: The array, for errors.
        phase: Phases; the first million are looked at.
        said: ``deg``, ``rad`` or nothing.

    Raises:
        DataError: Neither is certain.
    """
    if said:
        return said == "deg", ""
    step = max(_LOOKED_AT // max(phase.size // max(phase.shape[0], 1), 1), 1)
    values = np.asarray(phase.read(0, 0, step), np.float64)
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    for turn, name in ((2 * math.pi, "rad"), (360.0, "deg")):
        within = high - low <= turn * 1.001 and max(abs(low), abs(high)) <= turn * 1.001
        if values.size >= _ENOUGH and within and high - low > 0.9 * turn:
            unit = "degrees" if name == "deg" else "radians"
            return name == "deg", (
                f"phases are in {unit}: they fill {low:.4g} to {high:.4g}; "
                f"--phase-unit {'rad' if name == 'deg' else 'deg'} says otherwise"
            )
    raise DataError(
        f"{where}: phases from {low:.4g} to {high:.4g} may be degrees or radians; add "
        "--phase-unit deg or --phase-unit rad"
    )
