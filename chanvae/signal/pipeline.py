"""Everything that may be done to channels as they are read, in the order it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.antennas import independent_antennas
from chanvae.signal.band import cut, empty_hint, spectrum
from chanvae.signal.noise import with_noise_floor
from chanvae.signal.normalization import normalise
from chanvae.signal.subcarriers import fftshift, mask, regrid, uneven_hint
from chanvae.signal.timing import remove_timing
from chanvae.units import show

_HINT = 2_000
"""Realisations that a hint is based on, at most."""


@dataclass(frozen=True)
class Steps:
    """What is to be done to the channels of a file; nothing unless asked.

    Args:
        fftshift: The frequencies lie in FFT order.
        mask: Positions in ascending frequency to leave out, such as ``0-5,32``; or ``auto``.
        independent_antennas: ``rx``, ``tx`` or ``both``: each antenna becomes a realisation.
        remove_timing: Take the timing slope and common phase out of each realisation and time.
        band: ``auto``, or the lowest and highest baseband frequency to keep [Hz].
        regrid: Interpolate to evenly spaced frequencies.
        noise_floor: ``auto``, or noise power relative to the mean power of the set [dB].
        normalization: ``none``, ``unit_mean_power`` or ``unit_power_per_realisation``.
    """

    fftshift: bool = False
    mask: str | None = None
    independent_antennas: Literal["rx", "tx", "both"] | None = None
    remove_timing: bool = False
    band: str | tuple[float, float] | None = None
    regrid: bool = False
    noise_floor: str | float | None = None
    normalization: str | None = None

    def __post_init__(self) -> None:
        band = self.band
        if band is not None and not isinstance(band, str):
            if len(band) != 2 or not band[0] < band[1]:
                raise DataError(
                    f"--band: {band} is not a lower and a higher frequency; write "
                    "--band -100MHz..100MHz"
                )
            object.__setattr__(self, "band", (float(band[0]), float(band[1])))

    def typed(self) -> tuple[str, ...]:
        """The command-line options that say the same."""
        words: list[str] = []
        for f in fields(self):
            value, option = getattr(self, f.name), f"--{f.name.replace('_', '-')}"
            if value is True:
                words.append(option)
            elif f.name == "band" and isinstance(value, tuple):
                words += [option, "..".join(show(v, "Hz", 10).replace(" ", "") for v in value)]
            elif f.name == "noise_floor" and isinstance(value, float):
                words += [option, f"{value:g}dB"]
            elif value:
                words += [option, str(value)]
        return tuple(words)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Steps:
        """Those among other options that are steps."""
        return cls(**{f.name: given[f.name] for f in fields(cls) if given.get(f.name) is not None})


STEPS = frozenset(f.name for f in fields(Steps))
"""Names of the options that are steps."""


def arrange(dataset: ChannelDataset, steps: Steps) -> ChannelDataset:
    """What is known without looking at the channels: their order, and positions left out."""
    if steps.fftshift:
        dataset = fftshift(dataset)
    if steps.mask is not None and steps.mask != "auto":
        dataset = mask(dataset, steps.mask)
    return dataset


def process(dataset: ChannelDataset, steps: Steps) -> ChannelDataset:
    """The steps that look at the channels, which must be finite and not zero throughout.

    Raises:
        DataError: A step does not fit the set.
    """
    if steps.mask == "auto":
        dataset = mask(dataset, "auto")
    if steps.independent_antennas is not None:
        dataset = independent_antennas(dataset, steps.independent_antennas)
    if steps.band is not None:
        dataset = cut(dataset, steps.band)
    if steps.remove_timing:
        dataset = remove_timing(dataset)
    if steps.regrid:
        dataset = regrid(dataset)
    if steps.noise_floor is not None:
        dataset = with_noise_floor(dataset, steps.noise_floor)
    if steps.normalization is not None:
        dataset = normalise(dataset, steps.normalization)
    return dataset


def may_empty(steps: Steps) -> bool:
    """Whether the steps can leave a realisation without power."""
    return any((steps.mask, steps.independent_antennas, steps.band))


def signal_lines(dataset: ChannelDataset) -> tuple[str, ...]:
    """What was done to the channels when they were read, a line each."""
    done = dataset.meta.provenance.get("signal", ())
    return tuple(f"{step['step'].replace('_', ' ')}: {step['said']}" for step in done)


def hints(dataset: ChannelDataset) -> tuple[str, ...]:
    """What a user should know about a set before fitting it: a line each, with the option."""
    found = [uneven_hint(dataset.freq)]
    if len(dataset.freq) > 3 and len(dataset):
        found.append(empty_hint(spectrum(dataset, _HINT)))
    return tuple(hint for hint in found if hint)
