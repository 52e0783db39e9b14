"""One pass over a set: every statistic of every realisation, and weighted means of features."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from chanvae.catalogue.grid import Grid, View
from chanvae.catalogue.statistics import applicable
from chanvae.channels import ChannelDataset
from chanvae.evaluate.features import features


@dataclass(frozen=True)
class Looks:
    """What was seen of a set.

    Args:
        values: Statistic -> its value for every realisation ``[n]``, float64; not finite where a
            realisation does not define it.
        means: Feature -> its mean over realisations under every weighting ``[weightings, k]``.
    """

    values: Mapping[str, np.ndarray]
    means: Mapping[str, np.ndarray]


def look(
    dataset: ChannelDataset,
    weights: Float[np.ndarray, "weightings n"] | None = None,
    batch: int = 512,
    device: torch.device | str = "cpu",
) -> Looks:
    """Look at every realisation once.

    Args:
        dataset: The set, read ``batch`` realisations at a time.
        weights: Weights of the realisations, each row with the sum 1; the plain mean if not given.
        batch: Realisations in memory.
        device: Where it is computed.
    """
    grid, n = Grid.of(dataset, device), len(dataset)
    if weights is None:
        weights = np.full((1, n), 1 / n)
    rows = torch.as_tensor(weights, dtype=torch.float32, device=device)
    statistics, kinds = applicable(grid), features(grid)
    values: dict[str, list[np.ndarray]] = {s.name: [] for s in statistics}
    means: dict[str, torch.Tensor] = {}
    start = 0
    with torch.no_grad():
        for chunk in dataset.batches(batch):
            view = View(chunk.tensor().to(device), grid)
            for s in statistics:
                values[s.name].append(s.function(view).double().cpu().numpy())
            part = rows[:, start : start + len(chunk)]
            for name, feature in kinds.items():
                found = part @ torch.nan_to_num(feature(view)).float()
                means[name] = means[name] + found.double() if name in means else found.double()
            start += len(chunk)
    return Looks(
        {name: np.concatenate(parts) for name, parts in values.items()},
        {name: mean.cpu().numpy() for name, mean in means.items()},
    )


def compute(dataset: ChannelDataset, device: torch.device | str = "cpu") -> dict[str, np.ndarray]:
    """Every applicable statistic of every realisation: name -> float64 ``[n]``."""
    return dict(look(dataset, device=device).values)
