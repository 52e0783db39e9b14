"""Denoising diffusion of the registered maps themselves, by the schedulers of diffusers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from chanvae.config import DdpmConfig, FlowMatchingPrior
from chanvae.errors import DataError
from chanvae.models.maps import MapModel, Terms
from chanvae.models.priors import LatentPrior
from chanvae.nn.blocks import Patches
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.pack import pack, unpack


@dataclass(frozen=True)
class Denoised:
    """Maps that noise becomes, in steps that may draw noise of their own.

    Args:
        model: The network and its scheduler.
        noise: ``[n, *latent_shape]``.
        context: ``[n, width]``.
    """

    model: "Ddpm"
    noise: Tensor
    context: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """A draw, complex ``[n, *shape]``."""
        model, z = self.model, self.noise
        scheduler = model.scheduler(model.config.sampler)
        scheduler.set_timesteps(model.config.steps, device=z.device)
        for level in scheduler.timesteps:
            told = model.velocity(z, level.expand(len(z)), self.context)
            z = scheduler.step(told, level, z, generator=generator).prev_sample
        return model.maps(z)


class Ddpm(MapModel):
    """A network that tells noise and map apart, and the chain that takes the noise out.

    Maps are cut into patches, whose bins are the channels of the network, each at unit scale.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: How large, how many noise levels and steps, DDPM or DDIM.

    References:
        Ho, Jain and Abbeel 2020, arXiv:2006.11239; Song, Meng and Ermon 2021, arXiv:2010.02502
        (DDIM); Nichol and Dhariwal 2021, arXiv:2102.09672 (the cosine schedule); Salimans and Ho
        2022, arXiv:2202.00512 (the velocity, which keeps quiet bins quiet).
    """

    def __init__(self, grid: AngleDelay, context: int, config: DdpmConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = Patches(grid.shape, config.patch)
        size = FlowMatchingPrior(width=config.width, blocks=config.blocks)
        shape = (self.patches.features(2), *self.patches.coarse)
        self.network = LatentPrior(shape, context, size, grid, self.patches)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the noise, which is that of the patches."""
        return self.network.latent_shape

    def scheduler(self, kind: str) -> Any:
        """The scheduler of diffusers: ``ddpm`` or ``ddim``.

        Raises:
            DataError: diffusers is not installed.
        """
        try:
            from diffusers.schedulers.scheduling_ddim import DDIMScheduler
            from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
        except ModuleNotFoundError:
            raise DataError(
                "model.kind=ddpm: needs diffusers; `pip install chanvae[benchmark]` brings it"
            ) from None
        chosen = DDIMScheduler if kind == "ddim" else DDPMScheduler
        return chosen(
            num_train_timesteps=self.config.levels,
            beta_schedule="squaredcos_cap_v2",
            clip_sample=False,
            prediction_type="v_prediction",
            timestep_spacing="trailing",
        )

    @cached_property
    def _noising(self) -> Any:
        return self.scheduler("ddpm")

    @property
    def prepared(self) -> bool:
        """Always."""
        return True

    def prepare(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Learn mean and scale of each bin of a patch."""
        self.network.fit_scale(self.patches.cut(pack(x)))

    def velocity(self, z: Tensor, level: Tensor, context: Tensor) -> Tensor:
        """How noise and map turn into each other at ``z`` ``[n, *latent_shape]``, at ``[n]``."""
        return self.network.velocity(z, level.to(z.dtype) / self.config.levels, context)

    def maps(self, z: Tensor) -> Tensor:
        """Patches at unit scale to maps, complex ``[n, *shape]``."""
        patches = self.network.center + self.network.scale * z
        return unpack(self.patches.join(patches, 2))

    def decode(
        self, z: Tensor, context: Tensor, generator: torch.Generator | None = None
    ) -> Denoised:
        """What the noise ``z`` becomes."""
        return Denoised(self, z, context)

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """Squared error of the velocity at levels drawn at random, mean over a map ``[n]``."""
        z = (self.patches.cut(pack(x)) - self.network.center) / self.network.scale
        noise = torch.randn(z.shape, device=z.device, generator=generator)
        size = (len(z),)
        level = torch.randint(self.config.levels, size, generator=generator, device=z.device)
        wanted = self._noising.get_velocity(z, noise, level)
        told = self.velocity(self._noising.add_noise(z, noise, level), level, context)
        return {"loss": (told - wanted).square().flatten(1).mean(1)}
