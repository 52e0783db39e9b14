"""The Wasserstein GAN with gradient penalty."""

from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from chanvae.config import WganConfig
from chanvae.models.maps import Drawn, MapModel, Terms
from chanvae.nn.critic import Critic
from chanvae.nn.decoder import VectorDecoder
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.pack import unpack


class Wgan(MapModel):
    """A decoder from noise to maps, and the critic that it is trained against.

    The critic is that of the default's refinement; its slope is held at 1 between what it sees of
    generated and of measured maps. Outputs of the decoder are scaled bin by bin.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network, steps of the critic and weight of its slope.

    References:
        Gulrajani et al. 2017, arXiv:1704.00028.
    """

    scale: Tensor

    def __init__(self, grid: AngleDelay, context: int, config: WganConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = VectorDecoder(grid.shape, 2, context, config.network, grid)
        self.critic = Critic(grid, context)
        self.register_buffer("scale", torch.ones(grid.shape))

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the noise."""
        return self.decoder.latent_shape

    @property
    def prepared(self) -> bool:
        """Always."""
        return True

    def prepare(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Learn the scale of each bin."""
        self.scale = x.abs().square().mean(0).clamp(min=1e-9).sqrt()

    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Drawn:
        """The maps of the noise ``z``."""
        return Drawn(unpack(self.decoder(z, context)) * self.scale)

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """The critic's loss, and every few steps the decoder's ``[n]``; each moves its own."""
        z = torch.randn(len(x), *self.latent_shape, device=x.device, generator=generator)
        drawn = self.critic.see(self.decode(z, context).x)
        shown = [part.detach() for part in drawn]
        measured = self.critic.see(x)
        share = torch.rand(len(x), device=x.device, generator=generator)
        between = [
            a.lerp(b, share.reshape(-1, *[1] * (a.ndim - 1))).requires_grad_()
            for a, b in zip(shown, measured)
        ]
        scores = self.critic(*between, context).sum()
        slopes = torch.autograd.grad(scores, between, create_graph=True, allow_unused=True)
        steep = sum(s.square().flatten(1).sum(1) for s in slopes if s is not None)
        slope = (torch.as_tensor(steep) + 1e-12).sqrt()
        apart = self.critic(*measured, context) - self.critic(*shown, context)
        critic = self.config.penalty * (slope - 1).square() - apart
        terms = {"loss": critic, "critic": critic, "apart": apart}
        if step % self.config.critic_steps:
            return terms
        frozen = {name: weight.detach() for name, weight in self.critic.named_parameters()}
        decoder = -functional_call(self.critic, frozen, (*drawn, context))
        return terms | {"loss": critic + decoder, "decoder": decoder}

    @torch.no_grad()
    def validate(self, x: Tensor, context: Tensor, generator: torch.Generator) -> dict[str, Any]:
        """Mean W1/σ of the power that drawn and held-out maps have at every delay and angle."""
        z = torch.randn(len(x), *self.latent_shape, device=x.device, generator=generator)
        parts = zip(z.split(256), context.split(256))
        drawn = torch.cat([self.decode(a, told).x for a, told in parts])
        levels = torch.linspace(0, 1, 101, device=x.device)
        found, wanted = _sides(drawn), _sides(x)
        apart = (found.quantile(levels, 0) - wanted.quantile(levels, 0)).abs().mean(0)
        sigma = wanted.std(0)
        return {"loss": float((apart / sigma.clamp(min=1e-6))[sigma > 1e-6].mean())}


def _sides(x: Tensor) -> Tensor:
    """Power of maps ``[n, *shape]`` at every delay and every angle, as logarithms of shares."""
    power = x.abs().square().reshape(len(x), -1, x.shape[-1])
    share = power / power.mean((1, 2), keepdim=True).clamp(min=1e-9)
    return torch.cat([(share.mean(side) + 1e-4).log() for side in (1, 2)], dim=1)
