"""The latents of training realisations under a trained encoder, which the prior is fitted on."""

from __future__ import annotations

import torch
from torch import Tensor

from chanvae.models.cvae import draw
from chanvae.models.site import Registered, SiteModel
from chanvae.training.supply import FileMaps

SAMPLE = 20_000
"""Realisations that say how latents are scaled, where their maps stay in the file."""
_BATCH = 512


class Posterior:
    """Mean and log variance of the latent of realisations, ``[n, *latent_shape]`` each.

    Kept in memory where the maps are; where those stay in the file, encoded when asked for.

    Args:
        model: Its encoder is trained.
        data: Realisations.
        context: Their contexts ``[n, width]``.
    """

    def __init__(self, model: SiteModel, data: Registered, context: Tensor) -> None:
        self._model, self._data, self._context = model, data, context
        self._known = None
        if not isinstance(data.x, FileMaps):
            self._known = self._encoded(torch.arange(len(data)), data.x)

    def __getitem__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents of realisations."""
        if self._known is not None:
            mean, log_variance = self._known
            return mean[rows], log_variance[rows]
        return self._encoded(rows, self._data.x[rows])

    def sample(self, generator: torch.Generator) -> Tensor:
        """A draw of the latent of every realisation, or of many, evenly spaced."""
        maps = self._data.x
        if self._known is not None or not isinstance(maps, FileMaps):
            return draw(*self[torch.arange(len(self._data))], generator)
        rows = torch.arange(0, len(self._data), max(len(self._data) // SAMPLE, 1))
        parts = [self._encoded(r, maps.read(r)) for r in rows.split(_BATCH)]
        mean, log_variance = (torch.cat(part) for part in zip(*parts))
        return draw(mean, log_variance, generator)

    @torch.no_grad()
    def _encoded(self, rows: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        parts = [
            self._model.cvae.encode(some.to(self._context.device), self._context[r])
            for r, some in zip(rows.split(_BATCH), x.split(_BATCH))
        ]
        return torch.cat([m for m, _ in parts]), torch.cat([v for _, v in parts])
