"""Channels along a path: between two conditions, or between two realisations in latent space."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.models.site import Registered
from chanvae.run import Run
from chanvae.seeds import generator_for
from chanvae.signal.normalization import GAIN, denormalise
from chanvae.stats.conditions import UNITS, with_channel_conditions
from chanvae.transforms.condition_vector import LOGARITHMIC
from chanvae.transforms.registration import Pose

Bend = Literal["linear", "spherical"]
POSITION, STEP = "path_position", "step"
"""The condition that says how far along the path, 0 to 1, and the group of its steps."""


@dataclass(frozen=True)
class Step:
    """One stop of a path.

    Args:
        position: How far along, 0 to 1.
        asked: What was asked for: name -> value; the middle of what was drawn for a latent path.
        achieved: Spread -> its 10 %, 50 % and 90 % quantiles over the channels that came out.
        power: Mean angle-delay power about the strongest path, linear ``[angle, delay]``.
    """

    position: float
    asked: Mapping[str, Any]
    achieved: Mapping[str, tuple[float, float, float]]
    power: np.ndarray


def line(
    start: Mapping[str, Any], end: Mapping[str, Any], steps: int
) -> list[tuple[float, dict[str, Any]]]:
    """Positions and conditions on the straight line between two: spreads by their logarithm.

    Args:
        start: Name -> value at position 0.
        end: The same at position 1.
        steps: Stops, both ends included.

    Raises:
        DataError: The ends name different conditions, or a spread is not above 0.
    """
    if start.keys() != end.keys() or not start:
        raise DataError(
            f"a path from {', '.join(start) or 'nothing'} to {', '.join(end) or 'nothing'}: "
            "name the same conditions at both ends, at least one"
        )
    return [(t, {k: _mixed(k, start[k], end[k], t) for k in start}) for t in _stops(steps)]


def along_conditions(
    run: Run,
    start: Mapping[str, Any],
    end: Mapping[str, Any],
    steps: int = 7,
    n: int = 500,
    seed: int = 0,
    extrapolate: bool = False,
) -> Iterator[tuple[Step, ChannelDataset]]:
    """Channels generated at stops between two conditions.

    Args:
        run: The model.
        start: Conditions at the first stop: name -> SI value or category.
        end: The same at the last.
        steps: Stops, both ends included.
        n: Channels at each.
        seed: Seed; every stop draws the same noise, so that channels change little by little.
        extrapolate: Allow conditions outside what the training data held.

    Yields:
        Stop after stop what was asked and came out, and the channels.
    """
    stops = line(start, end, steps)
    for name, values in ((k, [c[k] for _, c in stops]) for k in start):
        run.vector.column(name).check(np.asarray(values), extrapolate)
    for number, (position, asked) in enumerate(stops):
        made = run.sample(n, seed=seed, extrapolate=extrapolate, **asked)
        yield _stop(run, made, number, position, asked)


def between(
    run: Run,
    ends: ChannelDataset,
    steps: int = 7,
    n: int = 500,
    seed: int = 0,
    bend: Bend = "spherical",
) -> Iterator[tuple[Step, ChannelDataset]]:
    """Channels generated on a latent path between two realisations.

    Conditions, place of the strongest path and gain go straight (spreads and gain by their
    logarithm, places the short way round); the latent, standardised by the prior's mean and
    scale, goes straight or along the great circle. Each of the ``n`` channels has a latent of its
    own at both ends, drawn from the posterior, and the same noise at every stop.

    Args:
        run: The model.
        ends: Two realisations of the data the run was fitted on: ``run.dataset()[[i, j]]``.
        steps: Stops, both ends included.
        n: Channels at each.
        seed: Seed.
        bend: ``linear`` or ``spherical``.

    Yields:
        Stop after stop what was asked and came out, and the channels.
    """
    if len(ends) != 2:
        raise DataError(f"a latent path leads between 2 realisations, not {len(ends)}")
    if bend not in ("linear", "spherical"):
        raise DataError(f"path {bend!r}: choose linear or spherical")
    model, stops = run.model, _stops(steps)
    if not np.abs(ends.h[:]).any((1, 2, 3, 4)).all():
        raise DataError("a latent path cannot begin or end at a channel without power")
    x, pose = model.register(ends.tensor().to(run.device))
    c = run.vector.encode(ends.conditions, 2).to(run.device)
    rows = torch.arange(2).repeat_interleave(n)
    material = Registered(x[rows], pose[rows], c[rows])
    latent = model.posterior(material, generator_for(seed, "interpolate ends", 0, run.device))
    prior = model.latent_prior
    first, last = ((latent - prior.center) / prior.scale).chunk(2)
    for number, position in enumerate(stops):
        asked = {
            k: _mixed(k, v[0].item(), v[1].item(), position)
            for k, v in ends.conditions.items()
            if k in run.vector.names
        }
        here = _pose_between(pose, position)[torch.zeros(n, dtype=torch.long)]
        told = {k: np.full(n, v) for k, v in asked.items()}
        c = run.vector.encode(told, n).to(run.device)
        context = model.context(c, here)
        z = prior.center + prior.scale * _latent(first, last, position, bend)
        with torch.no_grad():
            generator = generator_for(seed, "interpolate", 0, run.device)
            h = model.realise(z, context, here, c, generator, model.meets)
        gains = ends.conditions.get(GAIN, np.zeros(0))
        level = (
            {GAIN: np.full(n, np.exp(_weighted(np.log(gains), position)))} if len(gains) else {}
        )
        made = replace(run.template, h=h.to(torch.complex64).cpu().numpy(), conditions=level)
        yield _stop(run, replace(denormalise(made), conditions=told), number, position, asked)


def _stops(steps: int) -> list[float]:
    if steps < 2:
        raise DataError(f"{steps} step(s): a path has at least its two ends")
    return np.linspace(0, 1, steps).tolist()


def _mixed(name: str, start: Any, end: Any, position: float) -> Any:
    """One condition on the way; a category is that of the nearer end."""
    if not isinstance(start, float | int) or not isinstance(end, float | int) or start == end:
        return start if position < 0.5 else end
    if name not in LOGARITHMIC:
        return _weighted((start, end), position)
    if min(start, end) <= 0:
        raise DataError(f"{name}: a path by its logarithm needs values above 0 at both ends")
    return math.exp(_weighted((math.log(start), math.log(end)), position))


def _weighted(ends: Sequence[float] | np.ndarray, position: float) -> float:
    return (1 - position) * ends[0] + position * ends[1]


def _latent(first: Tensor, last: Tensor, position: float, bend: Bend) -> Tensor:
    """Latents on the way ``[n, ...]``."""
    if bend == "linear":
        return (1 - position) * first + position * last
    a, b = first.flatten(1), last.flatten(1)
    cosine = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=1e-12)
    angle = cosine.clamp(-1, 1).acos()
    sine = angle.sin()
    near = sine < 1e-4
    left = torch.where(near, 1 - position, ((1 - position) * angle).sin() / sine.clamp(min=1e-4))
    right = torch.where(near, position, (position * angle).sin() / sine.clamp(min=1e-4))
    return (left[:, None] * a + right[:, None] * b).reshape(first.shape)


def _pose_between(pose: Pose, position: float) -> Pose:
    """The pose on the way between the two of ``pose``, ``[1]``."""
    turn = 2 * math.pi
    way = (pose.position[1:] - pose.position[:1] + 0.5) % 1.0 - 0.5
    phase = (pose.phase[1:] - pose.phase[:1] + math.pi) % turn - math.pi
    gain = pose.gain[:1] ** (1 - position) * pose.gain[1:] ** position
    return Pose(
        gain,
        pose.phase[:1] + position * phase,
        (pose.position[:1] + position * way) % 1.0,
        pose.traits[:1] + position * (pose.traits[1:] - pose.traits[:1]),
    )


def _stop(
    run: Run, made: ChannelDataset, number: int, position: float, asked: Mapping[str, Any]
) -> tuple[Step, ChannelDataset]:
    """What came out at a stop, and the channels with it."""
    seen = with_channel_conditions(made).conditions
    found = {k: np.asarray(seen[k], np.float64) for k in UNITS if k in seen}
    quantiles = {k: tuple(np.nanquantile(v, [0.1, 0.5, 0.9]).tolist()) for k, v in found.items()}
    h = torch.as_tensor(made.h[:], device=run.device)
    power = run.model.register(h)[0].abs().square().mean(0).cpu().numpy()
    n = len(made)
    labelled = replace(
        made,
        conditions={
            **made.conditions,
            POSITION: np.full(n, position),
            **{f"achieved_{k}": v for k, v in found.items()},
        },
        condition_units={
            **made.condition_units,
            POSITION: "1",
            **{f"achieved_{k}": UNITS[k] for k in found},
        },
        groups={STEP: np.full(n, number)},
    )
    return Step(position, dict(asked), quantiles, power.reshape(-1, power.shape[-1])), labelled
