"""Draws that meet the spreads asked of them: powers are weighted along delay and along angle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from chanvae.channels import ChannelDataset
from chanvae.stats.conditions import UNITS, channel_conditions
from chanvae.stats.spatial import array_axis
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.condition_vector import ConditionVector
from chanvae.transforms.registration import Pose, peak_bin

ROUNDS = 2
"""Times that the weights are sought, each time from the channel as the last ones left it."""
_STEPS = 3
"""Newton steps a round, on the profiles of the map."""
_DIFFERENCE = 0.05
_LARGEST = 3.0
"""Largest exponent of a weight."""
_LEAST = 1e-12
"""Spread [s, rad] that stands for none where logarithms are taken."""


class Meeting(nn.Module):
    """Weights by which drawn channels get the delay and angular spread asked of them.

    What a network was told it meets only on average: amplitudes are chance. Here the chance of a
    draw is kept and the amplitude of every path, or bin, is multiplied by ``exp(a u + b v)``, with
    u its delay after the strongest path over the period and v its distance in angle over half the
    aperture's range. How a and b move the spreads is seen from the angle-delay profile of the
    map; how far they have to move, from the channel itself, by the definition of the conditions.

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
    def weights(
        self,
        draw: Callable[[Tensor | None], Tensor],
        c: Tensor,
        pose: Pose,
        restore: Callable[[Tensor, Pose], Tensor],
    ) -> Tensor:
        """Weights of amplitudes, ``[n, *grid.shape]``.

        Args:
            draw: Weights to maps ``[n, *grid.shape]``, always of the same chance.
            c: Condition vectors asked for ``[n, conditions]``.
            pose: Poses of the maps.
            restore: Maps and poses to channels.
        """
        wanted, angles = self._wanted(c), self._angles(pose)
        exponents = torch.zeros(len(c), 2, device=c.device)
        weights = None
        for _ in range(ROUNDS):
            x = draw(weights)
            gap = torch.nan_to_num(wanted - self._spreads(restore(x, pose)), 0.0, 0.0, 0.0)
            step = self._solve(self._profile(x), angles, gap)
            exponents = (exponents + step).clamp(-_LARGEST, _LARGEST)
            weights = self._shaped(exponents)
        assert weights is not None
        return weights

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

    def _moved(self, profile: Tensor, angles: Tensor, exponents: Tensor) -> Tensor:
        """Logarithms of the spreads of a profile under each of k weights, ``[n, k, 2]``."""
        late, aside = exponents.unbind(-1)
        along = torch.exp(2 * late[..., None] * self.late)
        across = torch.exp(2 * aside[..., None] * self.aside)
        found = []
        if "delay_spread" in self.places:
            over = (across @ profile) * along
            over = over * (over >= 1e-3 * over.amax(-1, keepdim=True))
            share = over / over.sum(-1, keepdim=True)
            mean = (share * self.late).sum(-1, keepdim=True)
            spread = (share * (self.late - mean).square()).sum(-1)
            found.append(0.5 * spread.clamp(min=1e-9).log())
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

    def _solve(self, profile: Tensor, angles: Tensor, gap: Tensor) -> Tensor:
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
            here, *there = self._moved(profile, angles, tried).unbind(1)
            wanted = here + gap if wanted is None else wanted
            slopes = [(other - here) / _DIFFERENCE for other in there]
            step = _least_squares(slopes[0], slopes[1], wanted - here)
            exponents = (exponents + step.clamp(-1, 1)).clamp(-_LARGEST, _LARGEST)
        return exponents.float()

    def _shaped(self, exponents: Tensor) -> Tensor:
        late, aside = (exponents[:, k, None] for k in (0, 1))
        shape = [len(exponents)] + [1] * len(self.grid.shape)
        along, across = list(shape), list(shape)
        along[-1] = self.late.shape[0]
        if self.axis is not None:
            across[self.axis + 1] = self.aside.shape[0]
        ramp = torch.exp(late * self.late).reshape(along)
        ramp = ramp * torch.exp(aside * self.aside).reshape(across)
        return ramp.expand(-1, *self.grid.shape)


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
