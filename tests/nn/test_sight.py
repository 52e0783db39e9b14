"""What encoders see: weak paths beside strong ones, and on which side of a bin a path stands."""

import math

import torch

from chanvae.arrays import ArrayGeometry
from chanvae.nn.sight import Sight
from chanvae.transforms.angle_delay import AngleDelay

GRID = AngleDelay(ArrayGeometry(1, 16), ArrayGeometry(), 1, 32)


def path(angle, delay):
    """A map of one path at those bins, ``[1, 16, 32]``."""
    rx = torch.exp(2j * math.pi * angle * torch.arange(16) / 16)
    freq = torch.exp(-2j * math.pi * delay * (torch.arange(32) - 16) / 32)
    return GRID.forward(torch.outer(rx, freq)[None].to(torch.complex64))


def test_the_window_takes_leakage_away():
    strong = path(4.4, 10.4)
    planes = Sight(GRID)(strong)[0]
    seen, windowed = planes[2], planes[5]
    far = (slice(10, 14), slice(20, 28))  # bins far from the path
    assert seen[far].max() - seen.max() > math.log(1e-4)
    assert windowed[far].max() < seen[far].max() - math.log(10)


def test_coherence_tells_the_side():
    sight = Sight(GRID)
    above, below = sight(path(4.3, 10.0))[0, 6:8], sight(path(3.7, 10.0))[0, 6:8]
    # Bins 4 and 5 share the path at 4.3, 3 and 4 the one at 3.7.
    assert above[0, 4, 10] > 0.9
    assert below[0, 4, 10] < -0.9
    assert above[1, 4, 10].abs() < 0.1


def test_axes_of_one_bin_and_polarisations_are_not_coherent():
    grid = AngleDelay(ArrayGeometry(1, 3, polarizations=2), ArrayGeometry(), 1, 5)
    sight = Sight(grid)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(4, *grid.shape, dtype=torch.complex64, generator=generator)
    assert sight.planes == 10
    assert sight(x).shape == (4, 10, *grid.shape)
    assert torch.isfinite(sight(0 * x)).all()
