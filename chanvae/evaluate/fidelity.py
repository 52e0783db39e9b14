"""Condition fidelity: the conditions that were asked for against those that came out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from chanvae.catalogue.grid import Grid
from chanvae.channels import ChannelDataset
from chanvae.stats.conditions import DEFINITIONS, UNITS, channel_conditions
from chanvae.units import show


@dataclass(frozen=True)
class Fidelity:
    """Absolute error between an asked condition and the one achieved.

    Args:
        name: The condition.
        unit: Its unit.
        definition: How the achieved one is computed.
        n: Realisations.
        median: Median error [unit].
        p90: 90th percentile of the error [unit].
        sigma: Standard deviation of the condition over the measured set [unit]; the scale.
        median_sigma: ``median / sigma``; NaN where the measured condition is constant.
        p90_sigma: ``p90 / sigma``.
        bias: Mean of achieved minus asked [unit].
    """

    name: str
    unit: str
    definition: str
    n: int
    median: float
    p90: float
    sigma: float
    median_sigma: float
    p90_sigma: float
    bias: float

    @property
    def sentence(self) -> str:
        """The error in words."""
        scaled = f" ({self.median_sigma:.2g} σ)" if np.isfinite(self.median_sigma) else ""
        return (
            f"the asked {self.name.replace('_', ' ')} is met to {show(self.median, self.unit)}"
            f"{scaled} at the median and {show(self.p90, self.unit)} at the 90th percentile"
        )


def fidelity(
    measured: ChannelDataset,
    generated: ChannelDataset,
    asked: Mapping[str, np.ndarray] | None = None,
) -> tuple[Fidelity, ...]:
    """Asked against achieved, for delay spread and angular spread.

    Args:
        measured: Sets the scale.
        generated: The channels that came out.
        asked: Name -> ``[n]``; the conditions of ``generated`` if not given.

    Returns:
        One entry a condition that was asked for; none if there was none.
    """
    asked = generated.conditions if asked is None else asked
    wanted = [name for name in UNITS if name in asked]
    if not wanted:
        return ()
    achieved, scale = achieved_conditions(generated), achieved_conditions(measured)
    results = []
    for name in (n for n in wanted if n in achieved):
        error = achieved[name] - np.asarray(asked[name], dtype=np.float64)
        error = error[np.isfinite(error)]
        if not len(error):
            continue
        median, p90 = np.quantile(np.abs(error), [0.5, 0.9])
        sigma = float(np.nanstd(scale[name]))
        over = [float(x / sigma) if sigma > 0 else float("nan") for x in (median, p90)]
        results.append(
            Fidelity(
                name,
                UNITS[name],
                DEFINITIONS[name],
                len(error),
                float(median),
                float(p90),
                sigma,
                *over,
                bias=float(error.mean()),
            )
        )
    return tuple(results)


def achieved_conditions(dataset: ChannelDataset, batch: int = 2048) -> dict[str, np.ndarray]:
    """The conditions that the channels of a set have, whatever the set says: name -> ``[n]``."""
    grid = Grid.of(dataset)
    parts = [
        channel_conditions(part.tensor(), grid.freq, grid.rx_array, grid.tx_array, grid.noise)
        for part in dataset.batches(batch)
    ]
    return {name: torch.cat([p[name] for p in parts]).numpy() for name in parts[0]}
