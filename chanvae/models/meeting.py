"""Draws that meet the spreads asked of them: their delays are stretched, their angles weighted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from chanvae.channels import ChannelDataset
from chanvae.models.maps import Draw
from chanvae.stats.conditions import UNITS, channel_conditions
from chanvae.stats.spatial import array_axis
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.condition_vector import ConditionVector
from chanvae.transforms.registration import Pose, peak_bin

ROUNDS = 2
"""Times that a draw is changed, each time from the channel as the last change left it. Every
further one multiplies differences of rounding by a hundred: after six, devices differ."""
_STEPS = 3
"""Newton steps a round, on the profiles of the map."""
_DIFFERENCE = 0.05
_LARGEST = 3.0
"""Largest exponent of a weight."""
_FARTHEST = 1.5
"""Largest logarithm of the factor by which delays are stretched."""
_LEAST = 1e-12
"""Spread [s, rad] that stands for none where logarithms are taken."""


class Meeting(nn.Module):
    """Changes drawn channels until they have the delay and angular spread asked of them.

    What a network was told it meets only on average: amplitudes are chance. Here the chance of a
    draw is kept. Where it is of paths, their delays are stretched by one factor, as in 3GPP TR
    38.901, clause 7.5, step 5, the delays of all clusters are proportional to the delay spread;
    and the amplitude of every path is multiplied by ``exp(b v)``, with v its distance in angle
    after the strongest one over half the aperture's range. Bins cannot be moved: their amplitudes
    are multiplied by ``exp(a u + b v)``, with u their delay over the period. How a and b move the
    spreads is seen from the angle-delay profile of the map; how far they have to move, from the
    channel itself, by the definition of the conditions.

    Args:
        grid: Axes of the maps.
        vector: Conditions of the model.
        template: Axes and noise floor of the channels; where noise is known, the delay spread of
            measured channels is corrected for it and is not sought here.
    """

    freq: Tensor
    late: Tensor
    aside: Tensor
    decoded: Tensor

    def __init__(
        self, grid: AngleDelay, vector: ConditionVector, template: ChannelDataset
    ) -> None:
        super().__init__()
        self.grid = grid
        self.axis, self.spacing = _angular_axis(grid)
        places = computed(vector)
        if np.isfinite(template.meta.noise_floor) or grid.freq == 1:
            places.pop("delay_spread", None)
        if self.axis is None:
            places.pop("angular_spread", None)
        self.places = places
        columns = [vector.column(name) for name in places]
        peak, delays = peak_bin(grid), grid.shape[-1]
        late = (torch.arange(delays) - peak[-1]) / delays
        aside = torch.zeros(1)
        if self.axis is not None:
            angles = grid.shape[self.axis]
            aside = (torch.arange(angles) - peak[self.axis]).abs() / (angles / 2)
        constants = [(c.offset, c.mean, c.scale) for c in columns]
        self.register_buffer("freq", torch.as_tensor(template.freq).double(), persistent=False)
        self.register_buffer("late", late, persistent=False)
        self.register_buffer("aside", aside, persistent=False)
        self.register_buffer(
            "decoded",
            torch.tensor(constants, dtype=torch.float64).reshape(-1, 3),
            persistent=False,
        )

    @property
    def entries(self) -> list[int]:
        """Entries of a condition vector that are met."""
        return list(self.places.values())

    @torch.no_grad()
    def meet(
        self,
        draw: Draw,
        stretches: bool,
        c: Tensor,
        pose: Pose,
        restore: Callable[[Tensor, Pose], Tensor],
    ) -> Tensor:
        """Channels of a draw with the spreads asked for, or as near as any change came.

        Args:
            draw: Maps, as they are or changed.
            stretches: Whether their delays can be stretched.
            c: Condition vectors asked for ``[n, conditions]``.
            pose: Poses of the maps; where delays are stretched, so is the delay of the peak.
            restore: Maps and poses to channels.
        """
        wanted, angles = self._wanted(c), self._angles(pose)
        largest = torch.tensor([_FARTHEST if stretches else _LARGEST, _LARGEST], device=c.device)
        exponents = torch.zeros(len(c), 2, device=c.device)
        x = draw()
        nearest = h = restore(x, pose)
        least = torch.full_like(wanted[:, 0], torch.inf)
        for round_ in range(ROUNDS + 1):
            gap = torch.nan_to_num(wanted - self._spreads(h), 0.0, 0.0, 0.0)
            missed = gap.abs().amax(1)
            nearer = (missed < least).reshape(-1, *[1] * (h.ndim - 1))
            nearest, least = torch.where(nearer, h, nearest), torch.minimum(missed, least)
            if round_ == ROUNDS:
                break
            step = self._solve(self._profile(x), angles, gap, stretches)
            exponents = (exponents + step).clamp(-largest, largest)
            late, aside = exponents.unbind(1)
            if stretches:
                x = draw(self._shaped(torch.zeros_like(late), aside), late.exp())
                h = restore(x, stretched(pose, late.exp()))
            else:
                x = draw(self._shaped(late, aside))
                h = restore(x, pose)
        return nearest

    @torch.no_grad()
    def missed(self, h: Tensor, c: Tensor) -> Tensor:
        """Larger logarithm of the ratio of a spread of channels to that asked for, ``[n]``."""
        apart = (self._spreads(h) - self._wanted(c)).abs()
        return torch.nan_to_num(apart, 0.0).amax(1)

    def _wanted(self, c: Tensor) -> Tensor:
        """Logarithms of the spreads asked for ``[n, 2]``; NaN for what is not met."""
        offset, mean, scale = self.decoded.T
        values = 10 ** (c[:, self.entries].double() * scale + mean) - offset
        return self._both(values)

    def _spreads(self, h: Tensor) -> Tensor:
        """The same of channels."""
        found = channel_conditions(h, self.freq, self.grid.rx_array, self.grid.tx_array)
        return self._both(torch.stack([found[name] for name in self.places], 1))

    def _both(self, values: Tensor) -> Tensor:
        logs = values.clamp(min=_LEAST).log()
        none = torch.full_like(logs[:, 0], torch.nan)
        found = dict(zip(self.places, logs.unbind(1)))
        return torch.stack([found.get(name, none) for name in UNITS], 1)

    def _profile(self, x: Tensor) -> Tensor:
        """Power over angle and delay, ``[n, angles, delays]``."""
        power = torch.view_as_real(x).square().sum(-1)
        if self.axis is not None:
            power = power.movedim(self.axis + 1, 1)
        return power.reshape(len(x), len(self.aside), -1, x.shape[-1]).sum(2)

    def _angles(self, pose: Pose) -> Tensor:
        """Angle of each place along the angular axis [rad], ``[n, angles]``."""
        if self.axis is None:
            return torch.zeros(len(pose.gain), 1, device=pose.gain.device)
        count = self.grid.shape[self.axis]
        steps = torch.arange(count, device=pose.gain.device) - peak_bin(self.grid)[self.axis]
        cycles = pose.position[:, self.axis, None] + steps / count
        sine = (((cycles + 0.5) % 1 - 0.5) / self.spacing).clamp(-1, 1)
        return torch.asin(sine.float())  # runtimes of ONNX know no other

    def _moved(
        self, profile: Tensor, angles: Tensor, exponents: Tensor, stretches: bool
    ) -> Tensor:
        """Logarithms of the spreads of a profile under each of k changes, ``[n, k, 2]``."""
        late, aside = exponents.unbind(-1)
        longer = late if stretches else torch.zeros_like(late)
        along = torch.exp(2 * (late - longer)[..., None] * self.late)
        across = torch.exp(2 * aside[..., None] * self.aside)
        found = []
        if "delay_spread" in self.places:
            over = (across @ profile) * along
            over = over * (over >= 1e-3 * over.amax(-1, keepdim=True))
            share = over / over.sum(-1, keepdim=True)
            mean = (share * self.late).sum(-1, keepdim=True)
            spread = (share * (self.late - mean).square()).sum(-1)
            found.append(0.5 * spread.clamp(min=1e-9).log() + longer)
        else:
            found.append(late)
        if "angular_spread" in self.places:
            over = (along @ profile.mT) * across
            real, imag = ((over * x[:, None]).sum(-1) for x in (angles.cos(), angles.sin()))
            length = (real.square() + imag.square()).sqrt() / over.sum(-1)
            found.append(0.5 * (-2 * length.clamp(1e-6, 1 - 1e-6).log()).log())
        else:
            found.append(aside)
        return torch.stack(found, -1)

    def _solve(self, profile: Tensor, angles: Tensor, gap: Tensor, stretches: bool) -> Tensor:
        """Exponents that move the spreads of a profile by ``gap`` ``[n, 2]``, Newton's method.

        In float64: where both weights do nearly the same, what is left is a difference of
        differences.
        """
        exponents, wanted = torch.zeros_like(gap), None
        # Where it stands and a little further along either exponent, in one go.
        near = [[0, 0], [_DIFFERENCE, 0], [0, _DIFFERENCE]]
        beside = torch.tensor(near, dtype=gap.dtype, device=gap.device)
        profile = profile.double()
        for _ in range(_STEPS):
            tried = exponents[:, None] + beside
            here, *there = self._moved(profile, angles, tried, stretches).unbind(1)
            wanted = here + gap if wanted is None else wanted
            slopes = [(other - here) / _DIFFERENCE for other in there]
            step = _least_squares(slopes[0], slopes[1], wanted - here)
            exponents = (exponents + step.clamp(-1, 1)).clamp(-_LARGEST, _LARGEST)
        return exponents.float()

    def _shaped(self, late: Tensor, aside: Tensor) -> Tensor:
        """Weights of amplitudes ``[n, *grid.shape]`` of exponents ``[n]``."""
        late, aside = late[:, None], aside[:, None]
        shape = [len(late)] + [1] * len(self.grid.shape)
        along, across = list(shape), list(shape)
        along[-1] = self.late.shape[0]
        if self.axis is not None:
            across[self.axis + 1] = self.aside.shape[0]
        ramp = torch.exp(late * self.late).reshape(along)
        ramp = ramp * torch.exp(aside * self.aside).reshape(across)
        return ramp.expand(-1, *self.grid.shape)


def stretched(pose: Pose, factor: Tensor) -> Pose:
    """Poses with the delay of the peak multiplied ``[n]``: from 1/8 of the period before 0 on."""
    *others, delay = pose.position.unbind(1)
    longer = ((delay + 0.125) % 1.0 - 0.125) * factor
    return replace(pose, position=torch.stack([*others, longer % 1.0], 1))


def computed(vector: ConditionVector) -> dict[str, int]:
    """Conditions that can be computed from channels, and where they stand in a vector."""
    starts = np.cumsum([0, *(column.width for column in vector.columns)])
    return {c.name: int(k) for c, k in zip(vector.columns, starts) if c.name in UNITS}


def _least_squares(first: Tensor, second: Tensor, wanted: Tensor, damp: float = 1e-3) -> Tensor:
    """Steps along two slopes ``[n, 2]`` that come nearest to what is wanted ``[n, 2]``."""
    a, b = first.square().sum(1) + damp, second.square().sum(1) + damp
    both = (first * second).sum(1)
    one, other = (first * wanted).sum(1), (second * wanted).sum(1)
    determinant = a * b - both.square()
    return torch.stack([b * one - both * other, a * other - both * one], 1) / determinant[:, None]


def _angular_axis(grid: AngleDelay) -> tuple[int | None, float]:
    """Axis of a map that :func:`channel_conditions` takes the angular spread along.

    Returns:
        The axis, ``None`` for single antennas, and the antenna spacing along it [wavelengths].
    """
    for array, rows in ((grid.rx_array, 1), (grid.tx_array, 4)):
        antennas, spacing = array_axis(array)
        if antennas > 1:
            return grid.kept.index(rows + (array.columns > 1)), spacing
    return None, 0.0
