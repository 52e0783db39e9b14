"""What the page shows of a channel: four pictures and its spreads, small enough to send often."""

import base64
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.signal.normalization import noise_power
from chanvae.stats.angle import angular_power_spectrum, beam_angles
from chanvae.stats.conditions import channel_conditions
from chanvae.stats.delay import delay_axis, delay_response, signal_power
from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import End, along_array, array_axis

DEPTH_DB = 50.0
"""What is weaker than the strongest by more than this is drawn as this [dB]."""
FADE_DB = 30.0
"""Range of the magnitude about its root mean square: 10 dB above, the rest below [dB]."""
WIDE, HIGH = 256, 96
"""Pixels of a picture, at most."""
OVERSAMPLING = 4
"""Angular bins per antenna."""


@dataclass(frozen=True)
class Pictures:
    """Draws the channels of one kind.

    Args:
        template: A set that says the axes; it may hold no realisation.
    """

    template: ChannelDataset

    @cached_property
    def end(self) -> End | None:
        """The end of the link whose angles are looked at, as for the angular spread."""
        for end in ("rx", "tx"):
            if array_axis(self._array(end))[0] > 1:
                return end
        return None

    def axes(self) -> dict[str, Any]:
        """What the axes of the pictures are: delays [s], angles [rad], frequencies [Hz]."""
        freq, n = self._freq, len(self.template.freq)
        step = float(delay_axis(freq)[1]) if n > 1 else 0.0
        array = self._array(self.end) if self.end else None
        _, rx, tx, _, _ = self.template.shape
        return {
            "delay_start": -(n // 8) * step,
            "delay_step": step,
            "delays": n,
            "angles": [] if array is None else [round(v, 5) for v in beam_angles(array).tolist()],
            "spacing": None if array is None else array_axis(array)[1],
            "end": self.end,
            "freq_low": float(freq[0]),
            "freq_high": float(freq[-1]),
            "antennas": rx * tx,
            "depth_db": DEPTH_DB,
            "fade_db": FADE_DB,
        }

    def of(self, dataset: ChannelDataset) -> list[dict[str, Any]]:
        """The pictures of every realisation of a small set in memory.

        Returns:
            For each ``map`` (dB below the strongest, angle up, delay across from an eighth of the
            period before the strongest), ``magnitude`` (dB about the root mean square, antenna up,
            frequency across) as base64 of bytes with their shapes; ``profile`` and ``spectrum``
            in dB below their strongest; ``mean_delay`` [s], ``mean_angle`` [rad]; ``achieved``
            spreads in SI units; ``gain_db``.
        """
        h = dataset.tensor()
        noise = torch.as_tensor(noise_power(dataset))
        spreads = channel_conditions(h, self._freq, dataset.rx_array, dataset.tx_array, noise)
        response = delay_response(h)
        power = squared_magnitude(response).double()
        profile = power.mean((1, 2, 3))
        clean = signal_power(profile, math.prod(h.shape[1:4]), noise=noise)
        n = profile.shape[-1]
        turn = (torch.arange(n) + clean.argmax(-1, keepdim=True) - n // 8) % n
        excess = self._delay
        rolled = profile.gather(1, turn)
        mean_delay = (clean.gather(1, turn) * excess).sum(1) / clean.sum(1).clamp(min=1e-300)
        maps = self._maps(response, turn)
        spectra, mean_angle = self._spectra(h)
        level = squared_magnitude(h[:, :, :, 0]).flatten(1, 2).double()
        total = level.mean((1, 2))
        fade = _db(level / total.clamp(min=1e-300)[:, None, None])
        gain = _db(squared_magnitude(h).double().mean((1, 2, 3, 4)))
        found = []
        for k in range(len(h)):
            found.append(
                {
                    "map": _bytes(_below(maps[k]) + DEPTH_DB, DEPTH_DB),
                    "magnitude": _bytes(fade[k] + FADE_DB - 10, FADE_DB),
                    "profile": _rounded(_below(rolled[k])),
                    "spectrum": _rounded(_below(spectra[k])) if spectra is not None else [],
                    "mean_delay": _finite(mean_delay[k]),
                    "mean_angle": None if mean_angle is None else _finite(mean_angle[k]),
                    "achieved": {name: _finite(v[k]) for name, v in spreads.items()},
                    "gain_db": _finite(round(float(gain[k]), 3) + 0.0),
                }
            )
        return found

    def band(self, dataset: ChannelDataset) -> dict[str, Any]:
        """The spread of many draws: 10 %, 50 % and 90 % of profile and spectrum in dB.

        Returns:
            ``profile`` and ``spectrum`` as three lists each; ``achieved`` as values [n] in SI
            units, and as the same three quantiles in ``quantiles``.
        """
        h = dataset.tensor()
        noise = torch.as_tensor(noise_power(dataset))
        spreads = channel_conditions(h, self._freq, dataset.rx_array, dataset.tx_array, noise)
        profile = squared_magnitude(delay_response(h)).double().mean((1, 2, 3))
        n = profile.shape[-1]
        turn = (torch.arange(n) + profile.argmax(-1, keepdim=True) - n // 8) % n
        spectra, _ = self._spectra(h)
        return {
            "draws": len(h),
            "profile": _quantiles(profile.gather(1, turn)),
            "spectrum": [] if spectra is None else _quantiles(spectra),
            "achieved": {k: [_finite(x) for x in v] for k, v in spreads.items()},
            "quantiles": {
                k: np.nanquantile(v.double().numpy(), [0.1, 0.5, 0.9]).tolist()
                for k, v in spreads.items()
                if bool(v.isfinite().any())
            },
        }

    def _array(self, end: End | None) -> ArrayGeometry:
        return self.template.tx_array if end == "tx" else self.template.rx_array

    @cached_property
    def _freq(self) -> Tensor:
        return torch.as_tensor(np.asarray(self.template.freq), dtype=torch.float64)

    @cached_property
    def _delay(self) -> Tensor:
        """Excess delays of a turned profile [s]."""
        n = len(self.template.freq)
        if n == 1:
            return torch.zeros(1, dtype=torch.float64)
        return delay_axis(self._freq) - (n // 8) * delay_axis(self._freq)[1]

    def _maps(self, response: Tensor, turn: Tensor) -> Tensor:
        """Power over angle and turned delay ``[n, angle, delay]``; one row without an array."""
        n = turn.shape[1]
        if self.end is None:
            power = squared_magnitude(response).mean((1, 2, 3))[:, None]
        else:
            array = self._array(self.end)
            line = along_array(response, array, self.end).unflatten(2, (-1, n))
            turned = torch.fft.fft(line, OVERSAMPLING * line.shape[1], dim=1)
            power = torch.fft.fftshift(squared_magnitude(turned).mean(2), 1)
        return power.double().gather(2, turn[:, None].expand(-1, power.shape[1], -1))

    def _spectra(self, h: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Angular power ``[n, angle]`` and its circular mean [rad]."""
        if self.end is None:
            return None, None
        array = self._array(self.end)
        power, angle = angular_power_spectrum(h, array, self.end), beam_angles(array)
        return power, torch.atan2((power * angle.sin()).sum(1), (power * angle.cos()).sum(1))


def _db(power: Tensor) -> Tensor:
    return 10 * power.clamp(min=1e-30).log10()


def _below(power: Tensor) -> Tensor:
    """Decibels below the strongest, down to :data:`DEPTH_DB`."""
    return _db(power / power.max().clamp(min=1e-300)).clamp(min=-DEPTH_DB)


def _quantiles(power: Tensor) -> list[list[float]]:
    """Three quantiles over realisations of power, each below its own strongest, in dB."""
    db = _db(power / power.amax(1, keepdim=True).clamp(min=1e-300)).clamp(min=-DEPTH_DB)
    levels = torch.tensor([0.1, 0.5, 0.9], dtype=db.dtype)
    return [_rounded(q) for q in torch.quantile(db, levels, dim=0)]


def _bytes(values: Tensor, span: float) -> dict[str, Any]:
    """Values from 0 to ``span`` as bytes, no larger than a picture need be."""
    image = values.clamp(0, span).numpy() * (255 / span)
    rows, columns = image.shape
    for axis, most in ((0, HIGH), (1, WIDE)):
        length = image.shape[axis]
        if length > most:  # the strongest of those that share a pixel
            starts = np.linspace(0, length, most + 1)[:-1].astype(int)
            image = np.maximum.reduceat(image, starts, axis=axis)
    return {**packed(image), "of": [rows, columns]}


def packed(image: np.ndarray) -> dict[str, Any]:
    """Values from 0 to 255 ``[rows, columns]`` as base64 of bytes."""
    rows, columns = image.shape
    data = base64.b64encode(image.round().astype(np.uint8).tobytes()).decode()
    return {"rows": rows, "columns": columns, "data": data}


def _rounded(values: Tensor) -> list[float]:
    return np.round(values.numpy(), 2).tolist()


def _finite(value: Tensor | float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
