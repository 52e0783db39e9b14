"""How a channel moves: Doppler spectrum, Doppler spread, correlation over time."""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import lag_correlation

DOPPLER_SPREAD_DEFINITION = (
    "power-weighted RMS about the mean of the Doppler spectrum (unitary FFT over time without a "
    "window, power averaged over antennas and frequency), with Doppler shifts counted from half "
    "a sampling rate below to half above the strongest bin"
)


def doppler_spectrum(
    h: Complex[Tensor, "*batch rx tx time freq"],
) -> Float[Tensor, "*batch doppler"]:
    """Power per Doppler bin of each realisation, averaged over antennas and frequency.

    Args:
        h: Channel realisations, at uniform times.

    Returns:
        Linear power, Doppler 0 first; its mean over the bins is the gain.
    """
    spectrum = torch.fft.fft(h, dim=-2, norm="ortho")
    return squared_magnitude(spectrum).mean((-4, -3, -1), dtype=torch.float64)


def doppler_spread(
    h: Complex[Tensor, "*batch rx tx time freq"], time: Float[Tensor, " time"]
) -> Float[Tensor, "*batch"]:
    """RMS Doppler spread of each realisation, as :data:`DOPPLER_SPREAD_DEFINITION` says.

    A Doppler shift is known only up to the sampling rate, so the spectrum is a circle; it is cut
    opposite its strongest bin.

    Args:
        h: Channel realisations.
        time: Times [s], ascending, uniform.

    Returns:
        Doppler spread [Hz]; NaN where there is no power or a single time.

    References:
        Recommendation ITU-R P.1407 (Doppler spread).
    """
    power = doppler_spectrum(h)
    n = power.shape[-1]
    if n < 2:
        return power.sum(-1) * math.nan
    time = time.to(torch.float64)
    rate = (n - 1) / (time[-1] - time[0])
    strongest = power.argmax(-1, keepdim=True)
    shift = (torch.arange(n, device=h.device) - strongest + n // 2) % n - n // 2
    share = power / power.sum(-1, keepdim=True)
    mean = (share * shift).sum(-1, keepdim=True)
    return (share * (shift - mean).square()).sum(-1).sqrt() * rate / n


def time_correlation(
    h: Complex[Tensor, "*batch rx tx time freq"], lag: int
) -> Float[Tensor, "*batch"]:
    """Correlation between times, averaged over antennas, frequency and time.

    Args:
        h: Channel realisations.
        lag: How many times apart.

    Returns:
        Magnitude, 0 to 1; NaN without power or where no two times are that far apart.
    """
    return lag_correlation(h.movedim(-2, -1).flatten(-4, -2), lag)
