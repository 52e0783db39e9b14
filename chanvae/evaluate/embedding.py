"""Channels as short real vectors, for distances between whole sets of them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from chanvae.catalogue.grid import Grid, View
from chanvae.channels import ChannelDataset

DEPTH_DB = 40.0
"""Bins weaker than the strongest by more than this are told as this [dB]."""
PLANES = 8192
"""Bins of a map that are looked at, at most."""
EMBEDDING_DEFINITION = (
    f"the angle-delay map in dB below its strongest bin, down to {DEPTH_DB:g} dB, and the gain in "
    "dB, projected on the leading principal components of both sets together"
)


@dataclass(frozen=True)
class Embedding:
    """Principal components of the logarithmic angle-delay maps of two sets.

    Args:
        bins: The bins of the flattened map that are used.
        mean: Their mean ``[k]``.
        axes: Principal components ``[k, dims]``.
    """

    bins: Tensor
    mean: Float[Tensor, " k"]
    axes: Float[Tensor, "k dims"]

    @classmethod
    def of(
        cls, measured: ChannelDataset, generated: ChannelDataset, seed: int = 0, dims: int = 64
    ) -> "Embedding":
        """Fit on up to 2,000 realisations of each set, so that neither is favoured."""
        rng = np.random.default_rng(seed)
        size = int(np.prod(measured.shape[1:]))
        bins = torch.as_tensor(np.sort(rng.permutation(size)[:PLANES]))
        n = min(len(measured), len(generated), 2000)
        sets = [d[np.sort(rng.permutation(len(d))[:n])] for d in (measured, generated)]
        x = torch.cat([_logarithmic(d, bins) for d in sets])
        mean = x.mean(0)
        dims = min(dims, *x.shape)
        # Not of the whole Gram matrix: 64 of 1,000 components are wanted.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            axes = torch.svd_lowrank(x - mean, dims, niter=3)[2]
        return cls(bins, mean, axes)

    def __call__(self, dataset: ChannelDataset) -> Float[np.ndarray, "n dims"]:
        """A vector for every realisation, float32."""
        return ((_logarithmic(dataset, self.bins) - self.mean) @ self.axes).numpy()


def _logarithmic(dataset: ChannelDataset, bins: Tensor, batch: int = 1024) -> Tensor:
    grid, parts = Grid.of(dataset), []
    for part in dataset.batches(batch):
        view = View(part.tensor(), grid)
        power = view.maps.flatten(1)
        peak = power.amax(1, keepdim=True).clamp(min=1e-300)
        level = 10 * (power[:, bins] / peak).clamp(min=10 ** (-DEPTH_DB / 10)).log10()
        strength = 10 * view.gain.clamp(min=1e-300).log10()
        parts.append(torch.cat([level, strength[:, None]], 1).float())
    return torch.cat(parts)
