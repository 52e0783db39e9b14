"""The last touch of a fit: where draws are biased, the model is told by how much."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.models.meeting import computed
from chanvae.models.path_planes import PathsFromPlanes
from chanvae.models.site import KNOTS, Registered, SiteModel
from chanvae.seeds import generator_for
from chanvae.stats.conditions import with_channel_conditions
from chanvae.stats.spatial import effective_rank, singular_values
from chanvae.together import in_turns
from chanvae.training.supply import maps_of
from chanvae.transforms.condition_vector import ConditionVector

DRAWS = 4096
"""Channels drawn to look at, each round."""
FEWEST = 64
"""Fewer say nothing about quantiles."""
ROUNDS = 5
"""Tilt and conditions act on each other, so they are sought in turn."""
RESTS = (1.0, 0.75, 0.5, 0.25)
"""Amplitudes that bins beside the paths may keep."""
LOOKS = 2048
"""Channels that are looked at to choose one."""
_BATCH = 1024
_LARGEST = 10**0.3
"""A tilt beyond 3 dB in one round is noise or a bin without power."""
_STEP = 0.7
"""Share of an error that a round takes away."""
_BEYOND = 0.5
"""Standard deviations beyond what the data hold that a model is told at most."""


@torch.no_grad()
def calibrate(
    model: SiteModel,
    train: Registered,
    vector: ConditionVector,
    template: ChannelDataset,
    seed: int,
    tilt: bool = True,
    draws: int = DRAWS,
) -> None:
    """Set the constants of a model by which its draws become right as a whole.

    What the networks are told in place of the spreads that the data hold is moved, quantile by
    quantile, until the spreads that come out are distributed as in the data. The tilt weights
    drawn maps by delay until their mean profile is that of the training maps; it is for
    likelihoods whose bins are independent, as it would spoil the leakage of a path. Beside paths,
    bins keep the share with which draws have the effective rank of the data. All are found on the
    model's own draws for conditions of the training data.

    Args:
        model: A model whose networks and priors are trained; its constants are set.
        train: What it was trained on.
        vector: The conditions.
        template: Axes, arrays and meta of the channels.
        seed: Seed of the fit.
        tilt: Seek the tilt too.
        draws: Channels drawn to look at, each round; below 64 nothing is sought.
    """
    if draws < FEWEST:
        return
    quieten(model, train, seed, draws)
    places = computed(vector)
    if not (tilt or places):
        return
    rows = _rows(train, seed, draws)
    wanted = None
    if tilt:
        profiles = [_profiles(maps_of(train, r)) for r in rows.split(_BATCH)]
        wanted = torch.cat(profiles).mean(0)
    levels = torch.linspace(0, 1, KNOTS, dtype=torch.float64, device=model.device)
    levels = levels.clamp(0.005, 0.995)
    for k in places.values():
        model.held[k] = torch.quantile(train.c[rows, k].double(), levels)
        model.told[k] = model.held[k]
    for round_ in range(ROUNDS):
        generator = generator_for(seed, "calibration", round_ + 1, model.device)
        lot = torch.randint(len(train), (draws,), generator=generator, device=model.device)
        seen = _seen(model, train.c[lot], template, list(places), seed, round_ + 1)
        if wanted is not None:
            ratio = wanted / seen[:, len(places) :].mean(0).clamp(min=1e-12)
            model.tilt *= ratio.clamp(1 / _LARGEST, _LARGEST).sqrt().to(model.tilt.dtype)
        for column, (name, k) in enumerate(places.items()):
            values = vector.column(name).encode(seen[:, column].cpu().numpy())
            found = torch.as_tensor(values[np.isfinite(values).all(1), 0], device=model.device)
            if len(found):
                error = torch.quantile(found, levels) - torch.quantile(
                    train.c[lot, k].double(), levels
                )
                told = torch.cummax(model.told[k] - _STEP * error, 0).values
                low, high = model.held[k, 0] - _BEYOND, model.held[k, -1] + _BEYOND
                model.told[k] = told.clamp(low, high)


def _seen(
    model: SiteModel, c: Tensor, template: ChannelDataset, names: list[str], seed: int, round_: int
) -> Tensor:
    """Spreads of draws for condition vectors ``[n, …]``, and their profiles by delay.

    ``[n, names + delays]``
    """
    parts = c.split(_BATCH)

    def look(k: int) -> Tensor:
        chance = generator_for(seed, f"calibration {round_}", k, model.device)
        x, pose = model.draw_maps(parts[k], chance)
        drawn = replace(template, h=model.restore(x, pose).cpu().numpy(), conditions={})
        found = with_channel_conditions(drawn).conditions
        spreads = [torch.as_tensor(found[name], device=x.device)[:, None] for name in names]
        return torch.cat([*spreads, _profiles(x)], 1)

    return in_turns([len(part) for part in parts], look, model.device)


@torch.no_grad()
def quieten(model: SiteModel, train: Registered, seed: int, draws: int = LOOKS) -> None:
    """Keep of the bins beside the paths what brings draws nearest to the data in effective rank.

    Bins that are drawn independently have full rank; channels of few paths have not, where they
    were measured without much noise. A likelihood without paths is left as it is.

    Args:
        model: Its networks and priors are trained.
        train: What they were trained on.
        seed: Seed of the fit.
        draws: Channels drawn to look at, at most 2,048.
    """
    likelihood = getattr(model.cvae, "likelihood", None)
    if not isinstance(likelihood, PathsFromPlanes):
        return
    looks = min(draws, LOOKS, len(train))
    wanted = _ranks(model, maps_of(train, _rows(train, seed, looks))).sort().values
    lot = torch.randint(len(train), (looks,), generator=generator_for(seed, "rest", 0))
    parts, apart = lot.split(_BATCH), []

    def look(k: int) -> Tensor:
        chance = generator_for(seed, "rest", k + 1, model.device)  # the same for each
        return _ranks(model, model.draw_maps(train.c[parts[k]], chance)[0]).double()[:, None]

    for rest in RESTS:
        likelihood.rest.fill_(rest)
        found = in_turns([len(part) for part in parts], look, model.device)[:, 0]
        apart.append(float((found.sort().values - wanted).abs().mean()))
    likelihood.rest.fill_(RESTS[int(np.argmin(apart))])


def _ranks(model: SiteModel, x: Tensor) -> Tensor:
    """Effective ranks of maps ``[n, *shape]``: those of the channels they belong to ``[n]``."""
    return effective_rank(singular_values(model.grid.fold(x)))


def _rows(train: Registered, seed: int, n: int) -> Tensor:
    """Training realisations to look at, the same for a seed."""
    order = torch.randperm(len(train), generator=generator_for(seed, "calibration", 0))
    return order[:n].sort().values


def _profiles(x: Tensor) -> Tensor:
    """Shares of their power that maps ``[n, *shape]`` have at each delay ``[n, delays]``."""
    power = x.abs().square().double().reshape(len(x), -1, x.shape[-1]).sum(1)
    return power / power.sum(1, keepdim=True)
