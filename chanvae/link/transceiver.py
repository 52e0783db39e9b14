"""The link itself, of Sionna's blocks: from bits over a channel to bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.errors import DataError
from chanvae.link.settings import LinkConfig

Channels = Callable[[int], Tensor]
"""From a batch size to ``h`` ``[batch, 1, rx, 1, tx, symbol, subcarrier]``."""
_CODE = 8448
"""Information bits of an NR code word, at most."""


@dataclass(frozen=True)
class Shape:
    """What the channels offer the link.

    Args:
        rx: Receive antennas.
        tx: Transmit antennas.
        subcarriers: Number of frequencies.
        spacing: Their spacing [Hz].
    """

    rx: int
    tx: int
    subcarriers: int
    spacing: float


def resource_grid(config: LinkConfig, shape: Shape):
    """Sionna's resource grid of the link.

    Raises:
        DataError: More streams than antennas, pilots outside the slot, subcarriers that the
            streams cannot share, or a slot without room for a code word.
    """
    from sionna.phy.ofdm import ResourceGrid

    most = min(shape.rx, shape.tx)
    streams = config.streams or min(most, 4)
    if streams > most:
        raise DataError(
            f"streams = {streams}: the channels have {shape.rx} receive and {shape.tx} transmit "
            f"antenna(s), so that at most {most} can be told apart; ask for fewer streams"
        )
    size = config.subcarriers or shape.subcarriers
    spacing = config.subcarrier_spacing or (shape.spacing if shape.spacing > 0 else 30e3)
    if size % streams:
        raise DataError(
            f"{size} subcarriers: {streams} streams cannot share their pilots evenly; set "
            f"subcarriers={size - size % streams} or another number of streams"
        )
    pilots = sorted(set(config.pilots))
    if not pilots or pilots[-1] >= config.symbols or len(pilots) == config.symbols:
        raise DataError(
            f"pilots {config.pilots}: name some, but not all, of the symbols 0 to "
            f"{config.symbols - 1} of a slot"
        )
    return ResourceGrid(
        num_ofdm_symbols=config.symbols,
        fft_size=size,
        subcarrier_spacing=spacing,
        num_streams_per_tx=streams,
        pilot_pattern="kronecker",
        pilot_ofdm_symbol_indices=pilots,
    )


class Transceiver:
    """Bits, code, symbols, channel, estimate, equaliser and back; what ``sim_ber`` calls.

    Args:
        config: The link.
        grid: Its resource grid.
        channels: Draws channels of unit mean power; the end with more antennas receives, and
            streams leave the first antennas of the other.
        covariance: Covariance over frequency of these channels, for the LMMSE estimator; without
            it the estimator is least squares, interpolated linearly.

    Raises:
        DataError: A slot has no room for a code word.
    """

    def __init__(
        self,
        config: LinkConfig,
        grid,
        channels: Channels,
        covariance: Complex[Tensor, "freq freq"] | None = None,
    ) -> None:
        from sionna.phy.channel import ApplyOFDMChannel
        from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder
        from sionna.phy.mapping import BinarySource, Constellation, Demapper, Mapper
        from sionna.phy.ofdm import LSChannelEstimator, ResourceGridMapper

        self._channels, self._grid = channels, grid
        coded = int(grid.num_data_symbols) * config.bits_per_symbol
        self._words = next(
            w
            for w in range(1, coded + 1)
            if coded % w == 0 and config.code_rate * coded / w <= _CODE
        )
        n = coded // self._words
        self.bits = int(config.code_rate * n)
        if self.bits < 12:
            raise DataError(
                f"a slot of {config.symbols} symbols and {grid.fft_size} subcarriers has room for "
                f"{self.bits} bits and an NR code word has at least 12; set more symbols, or "
                "subcarriers and subcarrier_spacing"
            )
        self._encoder = LDPC5GEncoder(self.bits, n)
        self._decoder = LDPC5GDecoder(self._encoder, hard_out=True, num_iter=config.iterations)
        constellation = Constellation("qam", config.bits_per_symbol)
        self._mapper = Mapper(constellation=constellation)
        self._demapper = Demapper("app", constellation=constellation)
        self._source, self._onto = BinarySource(), ResourceGridMapper(grid)
        self._apply = ApplyOFDMChannel()
        own = None if covariance is None else smoother(grid, covariance)
        kind = "lin_time_avg" if len(config.pilots) > 1 else "lin"
        self._estimate = LSChannelEstimator(grid, interpolation_type=kind, interpolator=own)
        mask = grid.pilot_pattern.mask[0, 0]
        self._data = torch.nonzero(~mask.bool().flatten())[:, 0]
        self.efficiency = self.bits * self._words * int(grid.num_streams_per_tx) / mask.numel()
        """Bits of a slot without error, over symbols and subcarriers [bit/s/Hz]."""

    def __call__(self, batch_size: int, ebno_db: Tensor) -> tuple[Tensor, Tensor]:
        """Bits sent and bits decided ``[batch, 1, streams, words, bits]``.

        Args:
            batch_size: Slots.
            ebno_db: The mean signal-to-noise ratio per receive antenna, all streams together [dB]
                (``sim_ber`` calls it so).
        """
        streams = int(self._grid.num_streams_per_tx)
        noise = 10 ** (-ebno_db / 10)
        bits = self._source([batch_size, 1, streams, self._words, self.bits])
        x = self._onto(self._mapper(self._encoder(bits).flatten(-2)))
        h = sent(self._channels(batch_size), streams)
        y = self._apply(x, h, noise)
        h_hat, error = self._estimate(y, noise)
        symbols, variance = self._equalise(y, h_hat, error, noise)
        llr = self._demapper(symbols, variance)
        return bits, self._decoder(llr.unflatten(-1, (self._words, -1)))

    def _equalise(
        self, y: Tensor, h: Tensor, error: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor]:
        """LMMSE symbols and their noise ``[batch, 1, streams, data]``.

        The noise and the estimation error are the same on every antenna and white across them,
        so the matched filter's output is all that Sionna's equaliser has to see.
        """
        from sionna.phy.mimo import lmmse_equalizer

        y = y[:, 0].flatten(-2)[..., self._data].movedim(1, -1)
        h = h[:, 0, :, 0].flatten(-2)[..., self._data].movedim(-1, 1)
        error = error.expand(len(y), *error.shape[1:])[:, 0, :1, 0].flatten(-2)[..., self._data]
        gram = h.mH @ h
        white = (noise + error.sum((1, 2)))[..., None, None].to(gram.dtype)
        small = (
            1e-6 * torch.eye(gram.shape[-1], dtype=gram.dtype) * gram.abs().amax((-2, -1), True)
        )
        matched = (h.mH @ y[..., None])[..., 0]
        x, variance = lmmse_equalizer(matched, gram, white * (gram + small))
        return x.movedim(-1, 1)[:, None], variance.movedim(-1, 1)[:, None]


def sent(h: Tensor, streams: int) -> Tensor:
    """Channels as the streams see them: unit power in all, the end with more antennas receives."""
    if h.shape[4] > h.shape[2]:
        h = h.transpose(2, 4)
    power = h.abs().square().mean((1, 2, 3, 4, 5, 6), keepdim=True)
    return h[:, :, :, :, :streams] / (streams * power).sqrt().clamp(min=1e-30)


def covariance(h: Complex[Tensor, "n 1 rx 1 stream symbol freq"]) -> Complex[Tensor, "freq freq"]:
    """Covariance over frequency of channels as streams see them."""
    x = h.movedim(-1, 0).flatten(1)
    return x @ x.mH / x.shape[1]


def smoother(grid, cov: Complex[Tensor, "freq freq"]):
    """LMMSE estimation over frequency for pilots of unit modulus, as an interpolator of Sionna.

    Pilot symbols are averaged over time, then the estimate of stream s at all frequencies is
    ``R[:, P] (R[P, P] + σ² I)⁻¹`` times that at its pilots P. It is Sionna's
    ``LMMSEChannelEstimator`` over frequency for one noise level: that one solves a system for
    every antenna, symbol and realisation, which takes 200 times as long.
    """
    from sionna.phy.ofdm import BaseChannelInterpolator

    streams, size = int(grid.num_streams_per_tx), int(grid.fft_size)

    class Smoother(BaseChannelInterpolator):
        def __call__(self, h_hat: Tensor, err_var: Tensor) -> tuple[Tensor, Tensor]:
            symbols = h_hat.shape[-1] // size
            h = h_hat.unflatten(-1, (symbols, size)).mean(-2)
            spread = err_var.expand(h_hat.shape).unflatten(-1, (symbols, size))
            estimates, errors = [], []
            for stream in range(streams):
                comb = torch.arange(stream, size, streams, device=h.device)
                noise = spread[:1, :1, :1, 0, stream][..., comb].mean() / symbols
                eye = torch.eye(len(comb), dtype=cov.dtype, device=h.device)
                inner = cov[comb][:, comb] + noise * eye
                filter_ = torch.linalg.solve(inner, cov[comb], left=True).mH
                estimates.append(h[:, :, :, :, stream][..., comb] @ filter_.T)
                left = cov.diagonal().real - (filter_ * cov[comb].T).sum(1).real
                errors.append(left.clamp(min=0))
            slot = (-1, -1, -1, -1, -1, int(grid.num_ofdm_symbols), -1)
            wide = torch.stack(estimates, 4).unsqueeze(-2).expand(slot)
            return wide, torch.stack(errors)[None, None, None, None, :, None].expand(wide.shape)

    return Smoother()


def snr_grid(first: float, step: float, last: float) -> Float[np.ndarray, " point"]:
    """Multiples of ``step`` from ``first`` to ``last`` [dB]."""
    return np.arange(round(first / step), round(last / step) + 1) * step
