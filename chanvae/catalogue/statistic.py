"""A statistic that two sets of channels are compared by: one number a realisation."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from chanvae.catalogue.grid import Grid, View


@dataclass(frozen=True)
class Statistic:
    """One number a realisation.

    Args:
        name: Key in tables and JSON.
        label: The same for people.
        unit: SI unit, ``"dB"`` or ``"1"``.
        definition: What it is and where that comes from, in one sentence.
        function: A batch of channels to values ``[n]``.
        applies: Whether a grid has the axes it needs.
        low: Word for a generated value below the measured one.
        high: Word for a generated value above the measured one.
        resolution: Difference [unit] below which values are the same.
        circular: The values are phases [rad], so that -π and π are one.
    """

    name: str
    label: str
    unit: str
    definition: str
    function: Callable[[View], Tensor]
    applies: Callable[[Grid], bool] = lambda grid: True
    low: str = "low"
    high: str = "high"
    resolution: float = 1e-6
    circular: bool = False
