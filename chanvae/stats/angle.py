"""From where the power comes: angular power spectrum and angular spread."""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.stats.spatial import End, along_array, array_axis

OVERSAMPLING = 4
"""Angular bins per antenna."""

ANGULAR_SPREAD_DEFINITION = (
    "3GPP TR 38.901 V19.2 Annex A.1, sqrt(-2 ln |sum p exp(j phi)| / sum p), of the angular power "
    "spectrum of the receive array, or of the transmit array where the receive array has one "
    "element: FFT along its columns (its rows if it has one column) without a window, zero-padded "
    f"{OVERSAMPLING} times, bins in visible space at phi = arcsin(spatial frequency / spacing)"
)


def beam_angles(array: ArrayGeometry, oversampling: int = OVERSAMPLING) -> Float[Tensor, " angle"]:
    """Angles of the bins of :func:`angular_power_spectrum`.

    A bin is a spatial frequency u from −1/2 to 1/2 cycles per element, ascending, which a plane
    wave from the angle arcsin(u / spacing) has. Bins outside visible space (|u| > spacing) stand
    at ±π/2 and never hold power.

    Args:
        array: The array; its columns are used, or its rows if it has one column.
        oversampling: Bins per antenna.

    Returns:
        Angles from broadside [rad], positive towards the antennas numbered later.
    """
    return _sine(array, oversampling).clamp(-1, 1).asin()


def angular_power_spectrum(
    h: Complex[Tensor, "*batch rx tx time freq"],
    array: ArrayGeometry,
    end: End = "rx",
    oversampling: int = OVERSAMPLING,
) -> Float[Tensor, "*batch angle"]:
    r"""Power of each realisation over angle, averaged over all but one axis of the array.

    .. math:: P(u) = \frac{1}{QM} \mathrm{E} \Bigl| \sum_m h_m e^{-j 2\pi u m} \Bigr|^2

    with M antennas and Q bins per antenna, that is the unitary FFT along the zero-padded axis.
    It is computed as the FFT of the correlation over antenna lags, which needs one small matrix
    per realisation and not Q times the memory of ``h``.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.
        oversampling: Bins per antenna.

    Returns:
        Linear power in the bins of :func:`beam_angles`, 0 outside visible space. Where all bins
        are visible, their sum is M times the gain.
    """
    x = along_array(h, array, end).to(torch.complex128)
    covariance = x @ x.mH / x.shape[-1]
    antennas = covariance.shape[-1]
    bins = oversampling * antennas
    place = torch.arange(antennas, device=h.device)
    lag = (place[:, None] - place) % bins
    by_lag = covariance.new_zeros(*covariance.shape[:-2], bins)
    by_lag = by_lag.index_add(-1, lag.flatten(), covariance.flatten(-2))
    power = torch.fft.fftshift(torch.fft.fft(by_lag).real, -1).clamp(min=0) / bins
    return power * (_sine(array, oversampling).abs() <= 1).to(h.device)


def circular_angular_spread(
    power: Float[Tensor, "*batch angle"], angle: Float[Tensor, " angle"]
) -> Float[Tensor, "*batch"]:
    r"""Circular angular spread of an angular power spectrum.

    .. math:: \sigma_\varphi =
        \sqrt{-2 \ln \frac{|\sum_k p_k e^{j\varphi_k}|}{\sum_k p_k}}

    It is not the wrapped RMS about the mean angle: equal power at ±60° has 67.5° here, 60° there.

    Args:
        power: Linear power per angle, not negative.
        angle: Angles [rad].

    Returns:
        Angular spread [rad]; NaN where there is no power, infinite where the phasors cancel.

    References:
        3GPP TR 38.901 V19.2, Annex A.1.
    """
    power, angle = power.to(torch.float64), angle.to(torch.float64)
    real, imag = (power * angle.cos()).sum(-1), (power * angle.sin()).sum(-1)
    inverse = power.sum(-1) / (real.square() + imag.square()).sqrt()
    return (2 * inverse.clamp(min=1).log()).sqrt()


def angular_spread(
    h: Complex[Tensor, "*batch rx tx time freq"], array: ArrayGeometry, end: End = "rx"
) -> Float[Tensor, "*batch"]:
    """Angular spread of each realisation, as :data:`ANGULAR_SPREAD_DEFINITION` says.

    It contains the array's own resolution, which is worse away from broadside: one plane wave seen
    by 16 antennas half a wavelength apart has 8° at broadside and 23° at 60°, by 4 antennas 16°
    at broadside. Compare only values of equal arrays.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.

    Returns:
        Angular spread [rad]; NaN where there is no power or one antenna along the axis.
    """
    power, angle = angular_power_spectrum(h, array, end), beam_angles(array).to(h.device)
    spread = circular_angular_spread(power, angle)
    return spread if array_axis(array)[0] > 1 else spread * math.nan


def _sine(array: ArrayGeometry, oversampling: int) -> Float[Tensor, " angle"]:
    """Spatial frequency over spacing: the sine of the angle where it is at most 1."""
    antennas, spacing = array_axis(array)
    bins = torch.arange(oversampling * antennas, dtype=torch.float64)
    return ((bins - len(bins) // 2) / len(bins)) / spacing
