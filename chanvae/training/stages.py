"""The stages of a fit, in order: what each trains, on what, and what says that it is better."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from chanvae.config import FitConfig, Rival
from chanvae.models.cvae import draw
from chanvae.models.site import SiteModel
from chanvae.seeds import generator_for
from chanvae.training.loop import Stage
from chanvae.training.material import Material
from chanvae.training.posterior import Posterior
from chanvae.training.refinement import Refinement
from chanvae.training.schedules import kl_weight
from chanvae.training.supply import FileMaps


def stages(model: SiteModel, material: Material, config: FitConfig) -> Iterator[Stage]:
    """The autoencoder, what poses and latents are drawn from, then the decoder once more."""
    train, validation, how = material.train, material.validation, config.training
    order = train.x.order if isinstance(train.x, FileMaps) else None
    context = model.context(train.c, train.pose)
    context_validation = model.context(validation.c, validation.pose)

    def loss(rows: Tensor, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        weight = kl_weight(step, autoencoder.steps, how)
        told = context[rows]
        x = train.x[rows].to(told.device)
        return model.cvae.loss(x, told, generator, step, weight, how.free_bits)

    def validate(generator: torch.Generator) -> dict[str, Any]:
        return model.cvae.validate(validation.x, context_validation, generator)

    seed = config.seed
    rival = isinstance(config.model, Rival)
    first = config.model.optimisation if isinstance(config.model, Rival) else how.optimisation
    autoencoder = Stage(
        "rival" if rival else "autoencoder", model.cvae, first, len(train), loss, validate, seed,
        order, game=config.model.kind == "wgan",
    )  # fmt: skip
    yield autoencoder
    model.cvae.eval()
    values = model.pose_prior.gaussian(train.pose, generator_for(seed, "pose", 0, model.device))
    held_out = model.pose_prior.gaussian(
        validation.pose, generator_for(seed, "pose", 1, model.device)
    )
    if model.pose_prior.flow is not None:
        yield Stage(
            "pose",
            model.pose_prior,
            how.pose,
            len(train),
            lambda rows, _, __: {"loss": -model.pose_prior.log_prob(values[rows], train.c[rows])},
            lambda _: {"loss": -float(model.pose_prior.log_prob(held_out, validation.c).mean())},
            seed,
        )
    if isinstance(config.model, Rival):
        return
    optimisation = getattr(config.model.prior, "optimisation", None)
    train_posterior = Posterior(model, train, context)
    model.latent_prior.fit_scale(
        train_posterior.sample(generator_for(seed, "scale", 0, model.device))
    )
    validation_posterior = Posterior(model, validation, context_validation)
    other = validation_posterior.sample(generator_for(seed, "z", 0, model.device))

    def prior_loss(rows: Tensor, _: int, generator: torch.Generator) -> dict[str, Tensor]:
        z = draw(*train_posterior[rows], generator)
        return {"loss": model.latent_prior.loss(z, context[rows], generator)}

    def prior_validate(generator: torch.Generator) -> dict[str, float]:
        return {
            "loss": float(model.latent_prior.loss(other, context_validation, generator).mean())
        }

    if optimisation is not None:
        yield Stage(
            "prior", model.latent_prior, optimisation, len(train), prior_loss, prior_validate,
            seed, order,
        )  # fmt: skip
    if how.refinement is None:
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        bank = generator_for(seed, "refinement bank", 0, model.device)
        refinement = Refinement(model, train, context, validation, bank, seed)
    game = Stage(
        "refinement", refinement.networks, how.refinement, len(train),
        lambda rows, step, generator: refinement.loss(rows, step, generator, game.steps),
        refinement.validate, seed, order, game=True,
    )  # fmt: skip
    yield game
