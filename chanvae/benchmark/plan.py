"""What a benchmark tries: models of the family, or one model along a setting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chanvae.config import FitConfig
from chanvae.errors import DataError
from chanvae.presets import configure

_PLAIN = ("training.refinement=null",)
_CODES = (*_PLAIN, "model.prior.kind=mixture")
_TEXTBOOK = (*_PLAIN, "model.prior.kind=standard")
MODELS: Mapping[str, tuple[str, ...]] = {
    "autoencoder": _CODES,
    "denoising": _CODES,
    "sparse": _CODES,
    "vae": _TEXTBOOK,
    "beta_vae": _TEXTBOOK,
    "cvae": (),
    "vqvae": _PLAIN,
    "hvae": _TEXTBOOK,
    "wgan": _PLAIN,
    "ddpm": _PLAIN,
    "flow_matching": _PLAIN,
    "gmm": _PLAIN,
}
"""Kind -> how it differs from the preset: ``cvae`` is the preset as it is, the others are the
textbook's, with the preset's network and likelihood where they have one."""

SWEEPS: Mapping[str, str] = {"beta": "model.beta", "latent": "model.network.latent"}
"""What can be swept by numbers -> the setting."""
SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "none": ("training.warmup=0", "training.beta_first=1"),
    "warmup": ("training.annealing=warmup", "training.warmup=0.3"),
    "slow": ("training.annealing=warmup", "training.warmup=0.8"),
    "cyclic": ("training.annealing=cyclic", "training.warmup=0.5"),
}
"""Schedules of ``--sweep annealing=``."""


@dataclass(frozen=True)
class Trial:
    """One fit that is to be judged.

    Args:
        name: Model, or setting and value of a sweep.
        seed: Seed of the fit.
        config: What is fitted.
        value: Place along a sweep; empty without one.
    """

    name: str
    seed: int
    config: FitConfig
    value: str = ""

    @property
    def file(self) -> str:
        """Name of its files."""
        return f"{self.name}-{self.seed}"

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration as JSON has it."""
        return self.config.model_dump(mode="json")


def models_plan(
    models: Iterable[str],
    budget: float,
    seeds: int,
    preset: str = "default",
    changes: tuple[str, ...] = (),
    asked: Mapping[str, Any] | None = None,
) -> list[Trial]:
    """A trial for every model and seed.

    Args:
        models: Names of :data:`MODELS`.
        budget: Wall time of a fit [s].
        seeds: How many seeds.
        preset: What the models are changes of.
        changes: Changes of all models, as ``key=value``.
        asked: The same as a mapping.

    Raises:
        DataError: A model that does not exist, or a change that it does not take.
    """
    names = list(dict.fromkeys(models))
    for name in names:
        if name not in MODELS:
            raise DataError(f"--models: no model {name!r}; choose from {', '.join(MODELS)}")
    return [
        Trial(name, seed, _config(preset, (f"model.kind={name}", *MODELS[name]), budget, seed,
                                  changes, asked))
        for name in names
        for seed in range(seeds)
    ]  # fmt: skip


def sweep_plan(
    sweep: str,
    model: str,
    budget: float,
    seeds: int,
    preset: str = "default",
    changes: tuple[str, ...] = (),
    asked: Mapping[str, Any] | None = None,
) -> list[Trial]:
    """A trial for every value of a setting and seed.

    Args:
        sweep: As typed: ``beta=0.1,1,10``, ``latent=2,32,512`` or ``annealing=none,cyclic``.
        model: The model whose setting it is, without refinement.
        budget: Wall time of a fit [s].
        seeds: How many seeds.
        preset: What the model is a change of.
        changes: Changes of all fits, as ``key=value``.
        asked: The same as a mapping.

    Raises:
        DataError: A setting that cannot be swept, or a value that does not fit.
    """
    name, _, typed = sweep.partition("=")
    values = [v.strip() for v in typed.split(",") if v.strip()]
    if name not in (*SWEEPS, "annealing") or not values:
        raise DataError(
            f"--sweep {sweep}: write beta=0.1,0.3,1,3,10, latent=2,8,32,128,512 or "
            f"annealing={','.join(SCHEDULES)}"
        )
    trials = []
    for value in dict.fromkeys(values):
        if name == "annealing" and value not in SCHEDULES:
            raise DataError(f"--sweep annealing={value}: choose from {', '.join(SCHEDULES)}")
        own = SCHEDULES[value] if name == "annealing" else (f"{SWEEPS[name]}={value}",)
        base = (f"model.kind={model}", "training.refinement=null", *own)
        for seed in range(seeds):
            config = _config(preset, base, budget, seed, changes, asked)
            trials.append(Trial(f"{model}-{name}-{value}", seed, config, value))
    return trials


def _config(
    preset: str,
    own: tuple[str, ...],
    budget: float,
    seed: int,
    changes: tuple[str, ...],
    asked: Mapping[str, Any] | None,
) -> FitConfig:
    if not budget > 0:
        raise DataError(f"--budget {budget:g}s: a fit needs more than 0 s")
    told = (*own, *changes, f"training.seconds={budget}", f"seed={seed}")
    return configure(preset, told, asked)
