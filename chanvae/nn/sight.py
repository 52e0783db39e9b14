"""What an encoder sees of a registered map."""

import torch
from torch import Tensor, nn

from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.centre import to_centre
from chanvae.transforms.pack import pack


class Sight(nn.Module):
    """Planes in which a path, and the place of it between the bins, are easy to see.

    - The map, referred to the middle of the band and of the arrays, and the log of its modulus.
    - The same under a Hann window over band and arrays, whose leakage falls off so fast that weak
      paths stand out beside strong ones. In a map the window is a circular mean of three bins.
    - How each bin coheres with the next along every Fourier axis: real where one path fills both,
      its sign the side on which that path stands.

    Args:
        grid: Axes of the maps.
    """

    turn: Tensor

    def __init__(self, grid: AngleDelay) -> None:
        super().__init__()
        turn, steps = to_centre(grid)
        self.register_buffer("turn", turn, persistent=False)
        lengths = enumerate(zip(grid.shape, grid.is_fourier))
        self.steps = {a: steps[a] for a, (n, fourier) in lengths if fourier and n > 1}

    @property
    def planes(self) -> int:
        """How many planes there are."""
        return 6 + 2 * len(self.steps)

    def forward(self, x: Tensor) -> Tensor:
        """Complex maps ``[n, *shape]`` to real planes ``[n, planes, *shape]``."""
        windowed, modulus, coherence = x, x.abs(), []
        for axis, step in self.steps.items():
            after = x.roll(-1, axis + 1) * step
            both = modulus * modulus.roll(-1, axis + 1)
            coherence.append(x * after.conj() / (both + 1e-3))
            before, after = windowed.roll(1, axis + 1) / step, windowed.roll(-1, axis + 1) * step
            windowed = 0.5 * windowed + 0.25 * (before + after)
        x, windowed = x * self.turn, windowed * self.turn
        seen = [pack(x), _log(modulus, 1e-2), 4 * pack(windowed), _log(windowed.abs(), 1e-3)]
        return torch.cat([*seen, *map(pack, coherence)], dim=1)


def _log(modulus: Tensor, floor: float) -> Tensor:
    return (modulus + floor).log()[:, None]
