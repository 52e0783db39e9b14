"""The last stage of a fit: the decoder is refined until draws look measured to a critic."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import softplus

from chanvae.models.site import Registered, SiteModel
from chanvae.nn.critic import Critic
from chanvae.seeds import parted
from chanvae.together import alike, in_turns
from chanvae.training.calibration import quieten

BANK = 8192
"""Latents drawn from the prior once, and decoded anew at every step."""
PENALTY = 1.0
"""Weight of the critic's squared gradient."""
EVERY = 4
"""Steps from one look at that gradient to the next."""
LEAST = 1e-3
"""Spread of logarithms below which what maps hold counts as constant: rounding does as much."""
QUIETENED = 400
"""Step before which it is settled, as the calibration does, what bins keep beside the paths; after
a third of a shorter game."""


class Refinement:
    """The decoder of a model, and the critic that it is refined against.

    The bound makes a decoder likely, not its draws: what a likelihood leaves out, and what the
    prior does otherwise than the posterior, shows in draws only. Here draws from the prior meet
    measured maps. Both networks learn in one step from relativistic losses, the critic under a
    zero-centred gradient penalty on both sides, with which the game is known to converge. Once
    draws have come near, what bins keep beside the paths is settled, so that the rest of the game
    is about draws as they will be.

    Args:
        model: Its decoder is trained; its encoder and priors stay.
        train: Training realisations.
        context: Their contexts ``[n, width]``.
        validation: Realisations that say which weights are kept.
        generator: What the latents are drawn from.
        seed: Seed of the fit.

    References:
        Larsen et al. 2016, arXiv:1512.09300 (autoencoders and critics); Mescheder, Geiger and
        Nowozin 2018, arXiv:1801.04406 (the penalty); Huang et al. 2024, arXiv:2501.05441
        (relativistic losses with it).
    """

    def __init__(
        self,
        model: SiteModel,
        train: Registered,
        context: Tensor,
        validation: Registered,
        generator: torch.Generator,
        seed: int,
    ) -> None:
        self._train, self._seed = train, seed
        self._model, self._context = model, context
        self._critic = Critic(model.grid, context.shape[1]).to(context.device)
        self.networks = nn.ModuleDict(
            {"decoder": model.cvae.get_submodule("decoder"), "critic": self._critic}
        )
        size = (min(BANK, len(context)),)
        chosen = torch.randint(len(context), size, generator=generator, device=context.device)
        self._told = context[chosen]
        with torch.no_grad():
            self._latents = model.latent_prior.sample(self._told, generator)
        self._wanted = self._marginals(validation.x).double()

    def loss(
        self, rows: Tensor, step: int, generator: torch.Generator, steps: int
    ) -> dict[str, Tensor]:
        """Losses ``[1]`` of a step of ``steps`` on measured maps; ``loss`` is the sum of both."""
        if step == min(QUIETENED, steps // 3):
            with alike():
                quieten(self._model, self._train, self._seed)
        size = (len(rows),)
        lot = torch.randint(len(self._told), size, generator=generator, device=self._told.device)
        told = self._told[lot]
        drawn = self._critic.see(self._draw(lot, generator))
        shown = [part.detach() for part in drawn]
        measured = self._critic.see(self._train.x[rows].to(told.device))
        if penalised := step % EVERY == 0:
            for part in (*shown, *measured):
                part.requires_grad_()
        low, high = self._critic(*shown, told), self._critic(*measured, self._context[rows])
        critic = softplus(low - high).mean()
        if penalised:
            looked_at = [*shown, *measured]
            slopes = torch.autograd.grad(low.sum() + high.sum(), looked_at, create_graph=True)
            steepness = torch.stack([s.square().flatten(1).sum(1).mean() for s in slopes]).sum()
            critic = critic + EVERY * PENALTY / 2 * steepness
        frozen = {name: weight.detach() for name, weight in self._critic.named_parameters()}
        judged = functional_call(self._critic, frozen, (*drawn, told))
        decoder = softplus(high.detach() - judged).mean()
        terms = {"loss": critic + decoder, "critic": critic, "decoder": decoder}
        return {name: value[None] for name, value in terms.items()}

    @torch.no_grad()
    def validate(self, generator: torch.Generator) -> dict[str, float]:
        """Mean W1/σ of what maps hold along delay, along angle and between both."""
        lots = torch.arange(min(len(self._wanted), len(self._told))).split(256)
        chances = parted(generator, len(lots))

        def look(k: int) -> Tensor:
            return self._marginals(self._draw(lots[k], chances[k])).double()

        found = in_turns([len(lot) for lot in lots], look, self._told.device)
        levels = torch.linspace(0, 1, 101, dtype=found.dtype, device=found.device)
        apart = found.quantile(levels, 0) - self._wanted.quantile(levels, 0)
        sigma = self._wanted.std(0)
        varying = sigma > LEAST
        return {"loss": float((apart.abs().mean(0) / sigma)[varying].mean())}

    def _draw(self, lot: Tensor, generator: torch.Generator) -> Tensor:
        """Maps of latents of the bank, ``[n, *shape]``."""
        return self._model.maps(self._latents[lot], self._told[lot], generator)

    def _marginals(self, x: Tensor) -> Tensor:
        """Eigenvalues, and the power at every delay and angle, in a logarithmic scale."""
        power = x.abs().square().reshape(len(x), -1, x.shape[-1])
        share = power / power.mean((1, 2), keepdim=True).clamp(min=1e-9)
        sides = [(share.mean(side) + 1e-4).log() for side in (1, 2)]
        return torch.cat([self._critic.see(x)[1], *sides], dim=1)
