"""The last stage of a fit: which draws are kept."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from chanvae.config import Selection as SelectionConfig
from chanvae.models.site import Registered, SiteModel
from chanvae.run import AGAIN
from chanvae.seeds import generator_for
from chanvae.together import in_turns
from chanvae.training.loop import Stage
from chanvae.training.supply import map_bytes, maps_of

FEWEST = 64
"""Fewer channels to choose by say nothing."""
SELECTIONS = ("selection", "met selection")
"""Stages: among draws as they come, and among those whose spreads are met."""
_TOGETHER = 1 << 30
"""Bytes of channels that are looked at together."""
_LEAST = 0.01
"""Nats, beyond a standard error, by which held-out channels must be told from draws; with less the
AUC is below 0.58."""
_SPOILT = 0.1
"""Share of the inputs that is left out at random while it learns."""


class Selecting:
    """A classifier of measured and drawn channels, from which the ratio of their densities comes.

    Args:
        model: A model that is trained and calibrated; its selection is fitted.
        train: What it was trained on.
        validation: What chooses the weights, and whether there is anything to select by.
        how: Settings.
        most: Realisations that there is time for.
        seed: Seed of the fit.
        met: Whether the draws are those whose spreads are met, as if they were asked for.
    """

    def __init__(
        self,
        model: SiteModel,
        train: Registered,
        validation: Registered,
        how: SelectionConfig,
        most: int,
        seed: int,
        met: bool = False,
    ) -> None:
        selection = model.selections[met]
        assert selection is not None
        self._model, self.selection, self._met = model, selection, met
        name = SELECTIONS[met]
        self._batch = min(max(_TOGETHER // map_bytes(model.grid), 1), 1024)
        n = min(len(train), how.met if met else how.realisations, most)
        rows = torch.randperm(len(train), generator=generator_for(seed, name, 0))[:n].sort().values
        measured = self._measured(train, rows)
        blur = generator_for(seed, name, 1, model.device)
        self.selection.fit_scale(measured, train.c[rows], blur)
        self._seed = seed
        self._x, self._y = self._pairs(measured, train.c[rows], name)
        judged = self._measured(validation, torch.arange(len(validation)))
        self._held_out = self._pairs(judged, validation.c, f"{name} held out")
        self.stage = Stage(
            name, self.selection, how.optimisation, len(self._x), self._loss, self._validate, seed
        )

    def end(self) -> None:
        """Choose tilt and cap, if channels that chose only weights are told apart at all."""
        x, y = self._held_out
        with torch.no_grad():
            ratios = self.selection(x)
        error = functional.binary_cross_entropy_with_logits(ratios, y, reduction="none")
        beyond = math.log(2) - float(error.mean())
        if beyond > _LEAST + float(error.std()) / math.sqrt(len(y)):
            drawn, measured = (self._x[self._y == k] for k in (0, 1))
            self.selection.settle(drawn, measured)

    def _measured(self, data: Registered, rows: Tensor) -> Tensor:
        """Statistics of measured channels."""
        parts = rows.split(self._batch)

        def look(k: int) -> Tensor:
            h = self._model.restore(maps_of(data, parts[k]), data.pose[parts[k]])
            return self.selection.look(h)

        return self._looked_at(parts, look)

    def _pairs(self, measured: Tensor, c: Tensor, purpose: str) -> tuple[Tensor, Tensor]:
        """Inputs of measured channels and of draws for their conditions; which are measured."""
        asked, parts = self._model.spreads if self._met else None, c.split(self._batch)

        def look(k: int) -> Tensor:
            chance = generator_for(self._seed, f"{purpose} draws", k, c.device)
            h = self._model.draw(parts[k], chance, asked, self._met, AGAIN, every=True)
            return self.selection.look(h)

        seen, told = torch.cat([measured, self._looked_at(parts, look)]), torch.cat([c, c])
        label = torch.repeat_interleave(torch.tensor([1.0, 0.0], device=c.device), len(c))
        blur = generator_for(self._seed, f"{purpose} blur", 0, c.device)
        return self.selection.inputs(seen, told, blur), label

    def _looked_at(self, parts: Sequence[Tensor], look: Callable[[int], Tensor]) -> Tensor:
        """Statistics of all parts, which processes look at in turns."""
        return in_turns([len(part) for part in parts], look, self._model.device)

    def _loss(self, rows: Tensor, _: int, generator: torch.Generator) -> dict[str, Tensor]:
        x = self._x[rows]
        whole = torch.rand(x.shape, generator=generator, device=x.device) >= _SPOILT
        error = functional.binary_cross_entropy_with_logits(
            self.selection(x * whole), self._y[rows], reduction="none"
        )
        return {"loss": error}

    @torch.no_grad()
    def _validate(self, _: torch.Generator) -> dict[str, Any]:
        x, y = self._held_out
        error = functional.binary_cross_entropy_with_logits(self.selection(x), y)
        return {"loss": float(error)}
