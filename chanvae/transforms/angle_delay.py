"""The unitary transform from antennas, time and frequency to angles, Doppler and delay."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex
from torch import Tensor

from chanvae.arrays import ArrayGeometry


@dataclass(frozen=True)
class AngleDelay:
    """Which axes a channel has once planar arrays are unfolded, and the transform along each.

    The frequency axis becomes delay by ``ifft(ifftshift(h))``; columns and rows of an array become
    spatial frequency and time becomes Doppler by ``fft``; polarisations stay as they are. Axes of
    length 1 are dropped, except delay.

    Args:
        rx_array: Receive array.
        tx_array: Transmit array.
        time: Number of time steps.
        freq: Number of frequencies.
    """

    rx_array: ArrayGeometry
    tx_array: ArrayGeometry
    time: int
    freq: int

    @property
    def full(self) -> tuple[int, ...]:
        """All axes: rx (polarisation, rows, columns), tx (the same), time, freq."""
        return *self.rx_array.shape, *self.tx_array.shape, self.time, self.freq

    @property
    def kept(self) -> tuple[int, ...]:
        """Positions in :attr:`full` of the axes that a map has."""
        last = len(self.full) - 1
        return tuple(a for a, length in enumerate(self.full) if length > 1 or a == last)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a map; the last axis is delay."""
        return tuple(self.full[a] for a in self.kept)

    @property
    def is_fourier(self) -> tuple[bool, ...]:
        """For each axis of a map, whether it was Fourier transformed (polarisation is not)."""
        return tuple(a not in (0, 3) for a in self.kept)

    def unfold(self, h: Complex[Tensor, "n rx tx time freq"]) -> Tensor:
        """``h`` with the axes of :attr:`shape`, not yet transformed: complex ``[n, *shape]``."""
        return h.reshape(len(h), *self.shape)

    def fold(self, h: Tensor) -> Complex[Tensor, "n rx tx time freq"]:
        """The inverse of :meth:`unfold`."""
        return h.reshape(len(h), self.rx_array.size, self.tx_array.size, self.time, self.freq)

    def forward(self, h: Tensor) -> Tensor:
        """Unfolded channels to angle-delay maps, complex ``[n, *shape]`` both."""
        g = torch.fft.ifft(torch.fft.ifftshift(h, -1), dim=-1, norm="ortho")
        dims = self._angular(h)
        return torch.fft.fftn(g, dim=dims, norm="ortho") if dims else g

    def inverse(self, x: Tensor) -> Tensor:
        """The inverse of :meth:`forward`, exact to rounding."""
        dims = self._angular(x)
        g = torch.fft.ifftn(x, dim=dims, norm="ortho") if dims else x
        return torch.fft.fftshift(torch.fft.fft(g, dim=-1, norm="ortho"), -1)

    def _angular(self, x: Tensor) -> list[int]:
        first = x.ndim - len(self.shape)
        return [first + a for a, fourier in enumerate(self.is_fourier[:-1]) if fourier]
