"""Which beam of a DFT codebook is the strongest."""

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import End, along_array


def beam_power(
    h: Complex[Tensor, "*batch rx tx time freq"], array: ArrayGeometry, end: End = "rx"
) -> Float[Tensor, "*batch beam"]:
    """Power of each realisation in the beams of the DFT codebook of one array axis.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.

    Returns:
        Linear power averaged over everything else, broadside in the middle (``fftshift``ed); the
        sum over the beams is the number of antennas along the axis times the gain.
    """
    beams = torch.fft.fft(along_array(h, array, end), dim=-2, norm="ortho")
    return torch.fft.fftshift(squared_magnitude(beams).mean(-1, dtype=torch.float64), -1)


def strongest_beam(
    h: Complex[Tensor, "*batch rx tx time freq"], array: ArrayGeometry, end: End = "rx"
) -> Int[Tensor, "*batch"]:
    """Index of the strongest of the beams of :func:`beam_power`: a codebook's feedback.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.
    """
    return beam_power(h, array, end).argmax(-1)
