"""The latent space as a map: its principal directions, or any two of its entries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from chanvae.errors import DataError
from chanvae.models.site import SiteModel
from chanvae.transforms.registration import Pose

MOST = 1024
"""Realisations whose principal directions are found, at most."""
PRINCIPAL = 8
"""Principal directions that are offered."""
_NAME = re.compile(r"(pc|z)(\d{1,5})")


@dataclass(frozen=True)
class Moved:
    """A move of latents to coordinates along two directions; what is across them stays.

    Args:
        directions: Unit vectors of the flattened, standardised latent ``[2, dims]``.
        to: The coordinates ``[2]``.
        center: Mean of a latent, ``[*latent_shape]`` or what broadcasts to it.
        scale: Its scale.
    """

    directions: Tensor
    to: tuple[float, float]
    center: Tensor
    scale: Tensor

    def __call__(self, z: Tensor) -> Tensor:
        """Latents ``[n, *latent_shape]`` to moved ones."""
        flat = ((z - self.center) / self.scale).flatten(1)
        missing = torch.tensor(self.to, dtype=flat.dtype) - flat @ self.directions.T
        # Two directions need not be at right angles: solve for the steps along them.
        steps = torch.linalg.solve(self.directions @ self.directions.T, missing.T).T
        return (flat + steps @ self.directions).reshape(z.shape) * self.scale + self.center


@dataclass(frozen=True)
class LatentSpace:
    """Latents of realisations, standardised by the prior's mean and scale.

    Args:
        model: The model.
        latents: Posterior means, or draws from the prior ``[n, dims]``.
        components: Principal directions, unit vectors ``[k, dims]``.
        explained: Share of the variance along each ``[k]``.
        measured: The latents are those of measured realisations, not drawn from the prior.
    """

    model: SiteModel
    latents: Tensor
    components: Tensor
    explained: np.ndarray
    measured: bool = True

    @classmethod
    def of(cls, model: SiteModel, latents: Tensor, measured: bool = True) -> "LatentSpace":
        """The space that latents ``[n, *latent_shape]`` span."""
        prior = model.latent_prior
        flat = ((latents - prior.center) / prior.scale).flatten(1)
        spread = (flat - flat.mean(0)).double()
        some = spread[:: max(len(spread) // MOST, 1)][:MOST]
        _, values, vectors = torch.linalg.svd(some, full_matrices=False)
        components = vectors[:PRINCIPAL]
        strongest = components.abs().argmax(1, keepdim=True)
        components = components * components.gather(1, strongest).sign()
        share = values[:PRINCIPAL].square() / values.square().sum().clamp(min=1e-30)
        return cls(model, flat, components.to(flat.dtype), share.numpy(), measured)

    @property
    def names(self) -> tuple[str, ...]:
        """Directions: ``pc1`` … the principal ones, ``z1`` … the entries of the latent."""
        count, dims = self.components.shape
        return *(f"pc{k + 1}" for k in range(count)), *(f"z{k + 1}" for k in range(dims))

    def direction(self, name: str) -> Tensor:
        """The unit vector of a direction ``[dims]``."""
        match = _NAME.fullmatch(name)
        count, dims = self.components.shape
        number = int(match[2]) - 1 if match else -1
        if match is None or not 0 <= number < (count if match[1] == "pc" else dims):
            raise DataError(
                f"latent direction {name[:20]!r}: there are pc1 to pc{count}, z1 to z{dims}"
            )
        if match[1] == "pc":
            return self.components[number]
        return torch.eye(dims, dtype=self.components.dtype)[number]

    def places(self, across: str, up: str) -> np.ndarray:
        """Coordinates of the realisations along two directions ``[n, 2]``."""
        return (self.latents @ self._two(across, up).T).numpy()

    def moved(self, across: str, up: str, to: tuple[float, float]) -> Moved:
        """A move to coordinates along two directions."""
        prior = self.model.latent_prior
        return Moved(self._two(across, up), to, prior.center, prior.scale)

    def _two(self, across: str, up: str) -> Tensor:
        if across == up:
            raise DataError("a map of latents needs two different directions")
        return torch.stack([self.direction(across), self.direction(up)])


@torch.no_grad()
def posterior_means(
    model: SiteModel, x: Tensor, pose: Pose, c: Tensor, together: int = 256
) -> Tensor:
    """Means of the latents of registered maps ``[n, *grid.shape]``: ``[n, *latent_shape]``."""
    parts = [
        model.cvae.encode(x[rows], model.context(c[rows], pose[rows]))[0]
        for rows in torch.arange(len(x)).split(together)
    ]
    return torch.cat(parts)


@torch.no_grad()
def prior_draws(model: SiteModel, c: Tensor, generator: torch.Generator) -> Tensor:
    """Latents drawn for condition vectors, where no measured channels are at hand."""
    pose = model.pose_prior.sample(c, generator)
    return model.latent_prior.sample(model.context(model.tell(c), pose), generator)


def summary(space: LatentSpace) -> Mapping[str, object]:
    """What the page needs to offer directions."""
    return {
        "names": [f"pc{k + 1}" for k in range(len(space.components))],
        "measured": space.measured,
        "dims": int(space.components.shape[1]),
        "explained": [round(float(v), 4) for v in space.explained],
    }
