"""Where the places of a registered map lie on the axes along which registration moved it."""

import torch
from torch import Tensor, nn

from chanvae.nn.blocks import Patches, perceptron
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import peak_bin

HIDDEN = 32


def harmonics(grid: AngleDelay) -> dict[int, Tensor]:
    """Waves that tell a place along each axis of a map that registration moves.

    Returns:
        Axis -> cycles over the whole axis: octaves from 1 to one in two bins, ``[waves]``.
    """
    moved = enumerate(zip(grid.shape, grid.is_fourier))
    return {
        a: 2.0 ** torch.arange(n.bit_length() - 1)
        for a, (n, fourier) in moved
        if fourier and n > 1
    }


def delays(grid: AngleDelay, context: Tensor) -> Tensor | None:
    """Delay that each bin along delay had before registration, where it is near 0.

    Args:
        grid: Axes of the maps.
        context: Contexts, waves first, ``[n, width]``.

    Returns:
        Delays in bins ``[n, delays]``, infinite from a quarter of the period on; ``None`` where
        the context does not tell it.
    """
    moved, axis, size = harmonics(grid), len(grid.shape) - 1, grid.shape[-1]
    if axis not in moved or context.shape[1] < 2 * sum(map(len, moved.values())):
        return None
    start = 2 * sum(len(cycles) for a, cycles in moved.items() if a < axis)
    cos, sin = (context[:, start + k, None] for k in (0, len(moved[axis])))
    steps = torch.arange(size, device=context.device) - peak_bin(grid)[axis]
    turns = 2 * torch.pi / size * steps.to(context.dtype)
    across = (sin * turns.cos() + cos * turns.sin()).clamp(-1, 1)
    along = cos * turns.cos() - sin * turns.sin()
    return (torch.asin(across) * size / (2 * torch.pi)).where(along > 0, torch.inf)


class Whereabouts(nn.Module):
    """Features of every place of a coarse map that say where it lay before registration.

    Registration moves the strongest path to one bin, so that delay 0 and broadside stand at
    another bin in each map. The context tells the pose, which steers all places alike; nothing
    but a product of pose and place says of a place that it lies before the first arrival.

    Args:
        grid: Axes of the maps.
        patches: How maps are cut.
        features: How many there are.
        context: Length of the context vector. One too short for the waves is that of a model that
            is told nothing, and nothing is said here either.
    """

    def __init__(self, grid: AngleDelay, patches: Patches, features: int, context: int) -> None:
        super().__init__()
        self.coarse, self.features = patches.coarse, features
        kept = [a for a, count in enumerate(patches.counts) if count > 1]
        self.axes: dict[int, tuple[int, int]] = {}  # of the coarse map: its waves in the context
        self.networks, start = nn.ModuleDict(), 0
        moved = harmonics(grid)
        told = context >= 2 * sum(map(len, moved.values()))
        for axis, cycles in moved.items():
            if told and axis in kept:
                size, shift = patches.sizes[axis], peak_bin(grid)[axis]
                middle = torch.arange(patches.counts[axis]) * size + (size - 1) / 2 - shift
                turns = 2 * torch.pi * middle[:, None] / grid.shape[axis] * cycles
                name = str(kept.index(axis))
                self.register_buffer("moved" + name, _rotations(turns), persistent=False)
                self.networks[name] = perceptron(2 * len(cycles), HIDDEN, 1, features)
                self.axes[int(name)] = start, len(cycles)
            start += 2 * len(cycles)

    def forward(self, context: Tensor) -> Tensor:
        """Contexts, waves first, ``[n, width]`` to ``[n, features, *coarse]`` or alike."""
        found = context.new_zeros(1, self.features, *[1] * len(self.coarse))
        for axis, (start, waves) in self.axes.items():
            first, bend, last = self.networks[str(axis)].children()
            assert isinstance(first, nn.Linear)
            # Moved to every place and weighted by the first layer in one product with the pose.
            weights = first.weight @ self.get_buffer(f"moved{axis}")  # [places, hidden, 2 waves]
            pose = context[:, start : start + 2 * waves]
            places = first.bias.repeat(len(weights))
            hidden = torch.addmm(places, pose, weights.flatten(0, 1).T)
            said = last(bend(hidden.unflatten(1, (-1, HIDDEN)))).mT
            alone = [size if a == axis else 1 for a, size in enumerate(self.coarse)]
            found = found + said.unflatten(2, alone)
        return found


def _rotations(turns: Tensor) -> Tensor:
    """What moves waves, cosines first, by angles ``[places, waves]``."""
    cos, sin = torch.diag_embed(torch.cos(turns)), torch.diag_embed(torch.sin(turns))
    return torch.cat([torch.cat([cos, -sin], 2), torch.cat([sin, cos], 2)], 1)
