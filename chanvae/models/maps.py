"""What every model of registered maps has: a latent, maps for it, a loss, and figures."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from chanvae.errors import DataError

Terms = dict[str, Tensor]


class MapDistribution(Protocol):
    """A distribution over complex maps ``[n, *shape]``."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log density in nats ``[n]``."""
        ...

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        ...


class Drawing(Protocol):
    """What can be drawn from, whether or not its density is known."""

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        ...


class Draw(Protocol):
    """One draw, that can be had as it is or changed, always of the same chance."""

    def __call__(self, weights: Tensor | None = None, stretch: Tensor | None = None) -> Tensor:
        """Complex ``[n, *shape]``.

        Args:
            weights: Of amplitudes ``[n, *shape]``.
            stretch: By how much longer delays after the peak are ``[n]``; for paths that stand
                at places, nothing to bins.
        """
        ...


@dataclass(frozen=True)
class Drawn:
    """Maps that a latent says wholly, complex ``[n, *shape]``."""

    x: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """The maps; no chance is left."""
        return self.x


class MapModel(nn.Module):
    """p(x | context) of registered maps x, by way of a latent z; the interface of the family."""

    @property
    @abstractmethod
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one latent."""

    @abstractmethod
    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Drawing:
        """Maps for latents ``[n, *latent_shape]`` and contexts ``[n, width]``."""

    @abstractmethod
    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """What a training step minimises, ``loss``, and its parts ``[n]``.

        Args:
            x: Registered maps, complex ``[n, *shape]``.
            context: Their contexts ``[n, width]``.
            generator: What is drawn from.
            step: Number of the step.
            weight: Share of the KL's weight that annealing has come to.
            free: Nats that a latent may hold at no cost.
        """

    def validate(self, x: Tensor, context: Tensor, generator: torch.Generator) -> dict[str, Any]:
        """Figures of held-out maps; ``loss`` says which weights are best: by default the mean."""
        parts = zip(x.split(256), context.split(256))
        found = torch.cat([self.loss(a, told, generator, 0)["loss"] for a, told in parts])
        return {"loss": float(found.mean())}

    def encode(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z | x, c), ``[n, *latent_shape]`` each.

        Raises:
            DataError: The model has no encoder.
        """
        raise DataError("this kind of model has no encoder, so its channels have no latents")

    @property
    def prepared(self) -> bool:
        """Whether the model is to be given training maps before it is trained."""
        return False

    def prepare(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Set what is not learned by steps, from some of the training maps."""
