"""Complex maps as real planes, with an exact inverse."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def pack(x: Complex[Tensor, "n *axes"]) -> Float[Tensor, "n 2 *axes"]:
    """Real and imaginary parts as two planes."""
    return torch.stack([x.real, x.imag], dim=1)


def unpack(planes: Float[Tensor, "n 2 *axes"]) -> Complex[Tensor, "n *axes"]:
    """The inverse of :func:`pack`."""
    return torch.complex(planes[:, 0].contiguous(), planes[:, 1].contiguous())
