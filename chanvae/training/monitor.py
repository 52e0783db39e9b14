"""Watching over latents while they are learned: how many are alive, and what to try if few are."""

from collections.abc import Mapping
from typing import Any

from chanvae.config import FitConfig, Rival

FEW = 0.1
"""Share of active latents below which the posterior is said to collapse."""


def collapse(figures: Mapping[str, Any], share: float, config: FitConfig) -> str:
    """A warning with remedies where latents have died, or nothing.

    Args:
        figures: What a validation found: ``validation_active_latents`` of ``validation_latents``.
        share: Share of the steps that are done; before annealing is over nothing is said.
        config: What the fit was told; remedies that are in use already are not named.
    """
    model, how = config.model, config.training
    if isinstance(model, Rival) or "validation_active_latents" not in figures:
        return ""
    active, of = figures["validation_active_latents"], figures["validation_latents"]
    if share < how.warmup or active >= FEW * of:
        return ""
    remedies = []
    if not how.free_bits:
        remedies.append("training.free_bits=0.05")
    if how.annealing != "cyclic":
        remedies.append("training.annealing=cyclic")
    if how.warmup < 0.5:
        remedies.append("training.warmup=0.6")
    if getattr(model, "beta", 0.0) > 0.2:
        remedies.append("model.beta=0.2")
    remedies.append("model.network.encoder_blocks=6")
    said = ", ".join(f"--set {remedy}" for remedy in remedies)
    return (
        f"warning: {active:.0f} of {of:.0f} latents are active, the others have collapsed onto "
        f"the prior and carry nothing; try one of {said}, or a smaller model.network.latent"
    )
