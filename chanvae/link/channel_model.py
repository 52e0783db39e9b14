"""A fitted model, or a set of channels, as a channel model of Sionna."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.device import placed
from chanvae.errors import DataError
from chanvae.io.export.taps import Taps
from chanvae.io.read import load
from chanvae.link.motion import LIGHT, between, moved
from chanvae.link.supply import supply
from chanvae.run import Run, grid_of, open_run
from chanvae.seeds import generator_for, seed_for

if TYPE_CHECKING:
    from sionna.phy.ofdm import ResourceGrid

Precision = Literal["single", "double"]
_DTYPES = {"single": torch.float32, "double": torch.float64}
_BEFORE = 6
"""Taps before the first path, as many as the time lag that Sionna's time channels begin at."""


class ChannelModel:
    r"""Channels of a fitted model or of a set, with the signature of Sionna's channel models.

    It goes where a model of Sionna goes: ``OFDMChannel``, ``TimeChannel``,
    ``GenerateOFDMChannel``, ``cir_to_ofdm_channel``. A channel becomes one path a delay bin, with
    the delays :math:`\tau_k = k / (N \Delta f)`; the last six bins (or an eighth, if that is
    fewer) stand for what leaks before the first path and have negative delays. So at the N
    frequencies of the data, the middle one taken as Sionna's frequency 0, the response is the
    channel itself, to rounding; between them it is the smooth interpolation. Antennas are
    numbered as in the data: polarisation, row, column, the last fastest.

    Args:
        source: A run or a set, or the path of one.
        conditions: Name -> what is asked for: a value, values that are drawn at random, a frozen
            distribution of scipy, one of torch, or a function (n, numpy generator) -> ``[n]``.
            Distributions are cut to the known range. Conditions without an entry are drawn as
            measured. A set answers with the realisations whose conditions are nearest.
        speed: Speed of the user [m/s], for channels without a time axis: each path turns by its
            own Doppler shift (:func:`chanvae.link.motion.moved`). 0: channels stand still.
        carrier_frequency: Carrier [Hz], where the source does not say.
        extrapolate: Allow conditions outside what the training data held.
        every: Keep every draw of a run, also what it has learned to refuse: faster, less faithful.
        seed: Call k draws from (seed, k). Without one, calls follow ``sionna.phy.config.seed``.
        precision: ``"single"`` or ``"double"``; Sionna's own if not given.
        device: Where the tensors go, ``"cpu"`` or ``"cuda:0"``; Sionna's own if not given.

    Raises:
        DataError: An uneven frequency grid, an unknown or unseen condition, a speed without a
            carrier, a device that is not there.

    Example:
        >>> model = ChannelModel("run", conditions={"delay_spread": 80e-9}, speed=3.0)
        >>> channel = OFDMChannel(model, resource_grid)  # doctest: +SKIP
    """

    def __init__(
        self,
        source: Run | ChannelDataset | str | Path,
        *,
        conditions: Mapping[str, Any] | None = None,
        speed: float = 0.0,
        carrier_frequency: float | None = None,
        extrapolate: bool = False,
        every: bool = False,
        seed: int | None = None,
        precision: Precision | None = None,
        device: str | None = None,
    ) -> None:
        if not isinstance(source, Run | ChannelDataset):
            source = open_run(source) if Path(source).is_dir() else load(source)
        self._supply = supply(source, conditions or {}, extrapolate, every)
        template = self._supply.template
        self._grid, self._time = grid_of(template), np.asarray(template.time, np.float64)
        try:
            delay = Taps(np.asarray(template.freq, np.float64)).delay
        except DataError as error:
            raise DataError(f"{error}; read the data with --regrid, or fit them so") from None
        self.spacing = template.subcarrier_spacing
        """Spacing of the frequencies [Hz]; NaN for a single one."""
        self._doppler = _doppler(template, speed, carrier_frequency)
        self._seed, self._calls = seed, 0
        self.precision, self.device = _sionna(precision, device)
        self._real = _DTYPES[self.precision]
        early = min(_BEFORE, len(delay) // 8)
        if early:
            delay[-early:] -= delay[1] * len(delay)
        self._delay = torch.as_tensor(delay, device=self.device)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Antennas of the receiver and of the transmitter, time steps, frequencies of the data."""
        grid = self._grid
        return grid.rx_array.size, grid.tx_array.size, grid.time, grid.freq

    def __call__(
        self, batch_size: int, num_time_steps: int = 1, sampling_frequency: float = 1.0
    ) -> tuple[
        Complex[Tensor, "batch 1 rx 1 tx path time"],
        Float[Tensor, "batch 1 1 path"],
    ]:
        """Draw channels as paths.

        Args:
            batch_size: Realisations.
            num_time_steps: Instants of each.
            sampling_frequency: Instants a second [Hz].

        Returns:
            Path coefficients ``a`` and delays ``tau`` [s].
        """
        taps = self._taps(batch_size, num_time_steps, sampling_frequency)
        a = taps.movedim(-1, -2)[:, None, :, None]
        tau = self._delay.to(self._real).expand(len(a), 1, 1, -1)
        return a, tau

    def h_freq(
        self, batch_size: int, resource_grid: ResourceGrid
    ) -> Complex[Tensor, "batch 1 rx 1 tx symbol subcarrier"]:
        """Draw frequency responses on a resource grid, as ``ApplyOFDMChannel`` takes them.

        Args:
            batch_size: Realisations.
            resource_grid: Sionna's resource grid.

        Raises:
            DataError: The grid is wider than the data.
        """
        self.check(resource_grid)
        steps, rate = resource_grid.num_ofdm_symbols, 1 / resource_grid.ofdm_symbol_duration
        taps = self._taps(batch_size, int(steps), float(rate))
        size, spacing = int(resource_grid.fft_size), float(resource_grid.subcarrier_spacing)
        own = taps.shape[-1]
        if size == own and (size == 1 or abs(spacing - self.spacing) < 1e-6 * spacing):
            h = torch.fft.fftshift(torch.fft.fft(taps), -1)
        else:
            frequency = (torch.arange(size, device=self.device) - size // 2) * spacing
            turns = -2 * torch.pi * ((self._delay[:, None] * frequency) % 1.0)
            h = taps @ torch.polar(torch.ones_like(turns), turns).to(taps.dtype)
        return h[:, None, :, None]

    def check(self, resource_grid: ResourceGrid) -> None:
        """Refuse a resource grid that is wider than the data.

        Raises:
            DataError: It is.
        """
        size, spacing = int(resource_grid.fft_size), float(resource_grid.subcarrier_spacing)
        wide, own = size * spacing, self.shape[3] * self.spacing
        if self.shape[3] > 1 and wide > own * (1 + 1e-6):
            most = int(own * (1 + 1e-6) // spacing)
            raise DataError(
                f"{size} subcarriers of {spacing / 1e3:.6g} kHz are {wide / 1e6:.4g} MHz wide and "
                f"the channels {own / 1e6:.4g} MHz; take at most {most} subcarriers, or a "
                f"spacing of at most {own / size / 1e3:.6g} kHz"
            )

    def _taps(self, n: int, steps: int, rate: float) -> Complex[Tensor, "n rx tx step delay"]:
        """Draw channels as taps at ``steps`` instants."""
        if not isinstance(n, int | np.integer) or n < 1 or steps < 1 or not rate > 0:
            raise DataError(
                f"batch size {n}, {steps} time steps at {rate} Hz: ask for at least one "
                "realisation and one step, at a rate above 0"
            )
        seed, number = self._next()
        h = self._supply.draw(int(n), seed_for(seed, number))
        times = np.arange(steps) / rate
        if len(self._time) > 1:
            h = between(h, self._time, times)
        h = torch.as_tensor(h, device=self.device).to(self._real.to_complex())
        taps = torch.fft.ifft(torch.fft.ifftshift(h, -1))
        if len(self._time) > 1 or steps == 1:
            return taps
        if not self._doppler:
            return taps.expand(-1, -1, -1, steps, -1)
        generator = generator_for(seed, "motion", number)
        when = torch.as_tensor(times, device=self.device)
        return moved(taps, self._grid, self._doppler, when, generator)

    def _next(self) -> tuple[int, int]:
        """Seed and number of this call."""
        if self._seed is None:
            from sionna.phy import config

            return int(config.np_rng.integers(2**31)), 0
        self._calls += 1
        return self._seed, self._calls


def _doppler(template: ChannelDataset, speed: float, carrier: float | None) -> float:
    """Largest Doppler shift [Hz]."""
    if not speed:
        return 0.0
    if len(template.time) > 1:
        raise DataError("the channels have a time axis of their own; leave the speed out")
    carrier = template.meta.carrier_frequency if carrier is None else carrier
    if not (speed > 0 and np.isfinite(speed) and carrier > 0):
        raise DataError(
            f"a speed of {speed} m/s at a carrier of {carrier} Hz has no Doppler shift; give a "
            "speed above 0 and, where the data do not say it, carrier_frequency"
        )
    return speed * carrier / LIGHT


def _sionna(precision: Precision | None, device: str | None) -> tuple[Precision, str]:
    """Precision and device, Sionna's own where not given; refuses what is not there."""
    with torch.random.fork_rng(devices=[]):  # importing Sionna seeds torch's global generator
        from sionna.phy import config
    precision = config.precision if precision is None else precision
    if precision not in _DTYPES:
        raise DataError(f"precision {precision!r}: choose single or double")
    return precision, str(placed(config.device if device is None else device))
