"""What a channel does over delay and frequency: profile, spread, correlation, coherence."""

import math

import torch
from jaxtyping import Complex, Float
from scipy.special import gammainccinv
from torch import Tensor

from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import lag_correlation, step

THRESHOLD_DB = 30.0
"""Bins of a power-delay profile weaker than its peak by more than this do not count [dB]."""

DELAY_SPREAD_DEFINITION = (
    "power-weighted RMS about the mean excess delay of the power-delay profile (unitary IFFT over "
    "frequency without a window, power averaged over antennas and time); bins more than "
    f"{THRESHOLD_DB:g} dB below the strongest are set to zero; excess delays run from -1/8 to 7/8 "
    "of the period 1/(subcarrier spacing) about the strongest bin"
)


FALSE_ALARM = 1e-3
"""Share of the bins of noise alone that count as signal where the noise floor is known."""

NOISE_CORRECTION = (
    "the noise floor is subtracted from every bin first, and bins count that noise alone would "
    f"exceed in {FALSE_ALARM:g} of cases"
)


def delay_axis(freq: Float[Tensor, " freq"]) -> Float[Tensor, " delay"]:
    r"""Delays of the bins of :func:`delay_response`: :math:`k / (N\,\Delta f)`, k = 0 … N − 1.

    Args:
        freq: Baseband frequencies [Hz], ascending, uniform.

    Returns:
        Delays [s]; NaN for a single frequency, which has no delay axis.
    """
    n = freq.shape[-1]
    return torch.arange(n, dtype=torch.float64, device=freq.device) / (n * _spacing(freq))


def delay_response(
    h: Complex[Tensor, "*batch rx tx time freq"],
) -> Complex[Tensor, "*batch rx tx time delay"]:
    """Unitary inverse Fourier transform of the channel over ascending baseband frequency.

    Args:
        h: Channel realisations; frequency 0 stands at index ``N // 2``.

    Returns:
        Response per delay bin, delay 0 first, periodic; the same energy as ``h``.
    """
    return torch.fft.ifft(torch.fft.ifftshift(h, -1), norm="ortho")


def power_delay_profile(
    h: Complex[Tensor, "*batch rx tx time freq"],
) -> Float[Tensor, "*batch delay"]:
    """Power per delay bin of each realisation, averaged over antennas and time.

    Args:
        h: Channel realisations.

    Returns:
        Linear power; its mean over the bins is the gain.
    """
    return squared_magnitude(delay_response(h)).mean((-4, -3, -2), dtype=torch.float64)


def signal_power(
    power: Float[Tensor, "*batch delay"],
    looks: int,
    threshold_db: float = THRESHOLD_DB,
    noise: Float[Tensor, "*batch"] | float = 0.0,
) -> Float[Tensor, "*batch delay"]:
    r"""A power-delay profile without its noise floor and its weak bins.

    Noise averaged over K antennas and times is gamma distributed about the floor, so a bin counts
    where it is above the floor times :math:`Q_K^{-1}(10^{-3}) / K`: 8.4 dB for K = 1, 2.9 dB for
    K = 16, and within the threshold of the strongest. The strongest always counts.

    Args:
        power: Linear power per delay bin.
        looks: K, how many antennas and times it was averaged over.
        threshold_db: Bins weaker than the strongest by more than this are set to zero [dB].
        noise: Linear noise power per bin (per frequency: the transform is unitary); 0 for none.

    Returns:
        Linear power; 0 where a bin does not count.
    """
    floor = torch.as_tensor(noise, dtype=torch.float64, device=power.device)[..., None]
    clean = (power - floor).clamp(min=0)
    peak = clean.amax(-1, keepdim=True)
    above = power > floor * float(gammainccinv(looks, FALSE_ALARM) / looks)
    counts = (clean >= peak * 10 ** (-threshold_db / 10)) & (above | (clean == peak))
    return clean * counts


def rms_delay_spread(
    power: Float[Tensor, "*batch delay"], delay: Float[Tensor, " delay"]
) -> Float[Tensor, "*batch"]:
    r"""RMS delay spread of a power-delay profile.

    .. math:: \sigma_\tau = \sqrt{\sum_k p_k (\tau_k-\bar\tau)^2 / \sum_k p_k}

    Args:
        power: Linear power per delay bin, not negative.
        delay: Bin delays [s].

    Returns:
        Delay spread [s]; NaN where the profile has no power.

    References:
        3GPP TR 38.901 V19.2, clause 7.7.3.
    """
    power, delay = power.to(torch.float64), delay.to(torch.float64)
    share = power / power.sum(-1, keepdim=True)
    mean = (share * delay).sum(-1, keepdim=True)
    return (share * (delay - mean).square()).sum(-1).sqrt()


def delay_spread(
    h: Complex[Tensor, "*batch rx tx time freq"],
    freq: Float[Tensor, " freq"],
    threshold_db: float = THRESHOLD_DB,
    noise: Float[Tensor, "*batch"] | float = 0.0,
) -> Float[Tensor, "*batch"]:
    """RMS delay spread of each realisation, as :data:`DELAY_SPREAD_DEFINITION` says.

    The delay axis is a circle: a path at delay 0 leaks into the last bins, which would count as
    the longest delays. The strongest bin is therefore turned to index ``N // 8`` first.

    Args:
        h: Channel realisations.
        freq: Baseband frequencies [Hz], ascending, uniform.
        threshold_db: Bins weaker than the strongest by more than this are set to zero [dB].
        noise: Noise power per frequency, linear; see :func:`signal_power`.

    Returns:
        Delay spread [s]; NaN where there is no power or a single frequency.
    """
    power = signal_power(power_delay_profile(h), math.prod(h.shape[-4:-1]), threshold_db, noise)
    n = power.shape[-1]
    first = power.argmax(-1, keepdim=True)
    index = (torch.arange(n, device=h.device) + first - n // 8) % n
    return rms_delay_spread(power.gather(-1, index), delay_axis(freq))


def frequency_correlation(
    h: Complex[Tensor, "*batch rx tx time freq"], lag: int
) -> Float[Tensor, "*batch"]:
    r"""Correlation between subcarriers, averaged over antennas, time and frequency.

    .. math:: \rho_\Delta = \frac{|\sum h(f+\Delta) h^*(f)|}
        {\sqrt{\sum |h(f+\Delta)|^2 \sum |h(f)|^2}}

    Args:
        h: Channel realisations.
        lag: How many subcarriers apart.

    Returns:
        Magnitude, 0 to 1; NaN without power or where no two subcarriers are that far apart.

    References:
        Recommendation ITU-R P.1407 (correlation bandwidth).
    """
    return lag_correlation(h.flatten(-4, -2), lag)


def phase_step(h: Complex[Tensor, "*batch rx tx time freq"]) -> Float[Tensor, "*batch"]:
    """Mean phase from one frequency to the next: when a realisation arrives, on a circle.

    As :func:`~chanvae.stats.spatial.step` says, over everything else too. A single path has
    -2π · spacing · delay, the delay counted from the receiver's time 0.

    Args:
        h: Channel realisations.

    Returns:
        Phase [rad], -π to π; NaN without power.
    """
    return step(h.flatten(-4, -2))


def frequency_correlations(
    h: Complex[Tensor, "*batch rx tx time freq"],
) -> Float[Tensor, "*batch lag"]:
    """:func:`frequency_correlation` at every lag from 0 to ``N - 1``, by one FFT.

    Args:
        h: Channel realisations.

    Returns:
        Magnitude, 0 to 1; NaN without power.
    """
    n = h.shape[-1]
    # Zero-padding to twice the length makes the circular correlation linear.
    spectrum = squared_magnitude(torch.fft.fft(h, 2 * n)).sum((-4, -3, -2), dtype=torch.float64)
    product = torch.fft.ifft(spectrum)[..., :n].abs()
    power = squared_magnitude(h).sum((-4, -3, -2), dtype=torch.float64)
    behind = power.cumsum(-1).flip(-1)
    ahead = power.flip(-1).cumsum(-1).flip(-1)
    return product / (behind * ahead).sqrt()


def falls_below(
    correlation: Float[Tensor, "*batch lag"], freq: Float[Tensor, " freq"], level: float
) -> Float[Tensor, "*batch"]:
    """Smallest separation at which a correlation falls below a level.

    Args:
        correlation: As :func:`frequency_correlations` gives it.
        freq: Baseband frequencies [Hz], ascending, uniform.
        level: Correlation, 0 to 1.

    Returns:
        Separation [Hz], interpolated linearly between subcarriers; the whole bandwidth where the
        correlation never falls below; NaN where it is NaN at lag 0 or for a single frequency.
    """
    below = correlation < level
    last = below.to(torch.uint8).argmax(-1, keepdim=True)
    before = (last - 1).clamp(min=0)
    high, low = correlation.gather(-1, before), correlation.gather(-1, last)
    crossing = (before + (high - level) / (high - low)).squeeze(-1)
    width = torch.where(below.any(-1), crossing, correlation.shape[-1]) * _spacing(freq)
    return torch.where(correlation[..., 0].isnan(), math.nan, width)


def coherence_bandwidth(
    h: Complex[Tensor, "*batch rx tx time freq"],
    freq: Float[Tensor, " freq"],
    level: float = 0.5,
) -> Float[Tensor, "*batch"]:
    """Smallest separation at which :func:`frequency_correlation` falls below a level.

    Args:
        h: Channel realisations.
        freq: Baseband frequencies [Hz], ascending, uniform.
        level: Correlation, 0 to 1.

    Returns:
        Separation [Hz], interpolated linearly between subcarriers; the whole bandwidth where the
        correlation never falls below; NaN where there is no power or a single frequency.
    """
    return falls_below(frequency_correlations(h), freq, level)


def _spacing(freq: Float[Tensor, " freq"]) -> Float[Tensor, ""]:
    """Mean subcarrier spacing [Hz]; NaN for a single frequency."""
    freq = freq.to(torch.float64)
    return (freq[-1] - freq[0]) / (freq.shape[-1] - 1)
