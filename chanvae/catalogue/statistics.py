"""The statistics that every comparison looks at, each with its definition and its source."""

import math
from functools import partial

import torch
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.catalogue.grid import Grid, View
from chanvae.catalogue.statistic import Statistic
from chanvae.stats import angle, capacity, delay, doppler, fading, spatial
from chanvae.stats.spatial import End

K_FLOOR = 1e-2
"""K-factors below -20 dB are told as -20 dB: the estimate has no meaning there."""

SNR_DB = 10.0
"""Signal-to-noise ratio of the spectral efficiency [dB]."""

DEEP = 1000
"""Samples that a realisation needs for its 0.1 % fade."""


def _excess_delay(view: View) -> Tensor:
    looks = math.prod(view.h.shape[1:4])
    power = delay.signal_power(view.profile, looks, noise=view.grid.noise)
    n = power.shape[-1]
    first = power.argmax(-1, keepdim=True)
    after = (torch.arange(n, device=power.device) - first + n // 8) % n - n // 8
    return (power * after).sum(-1) / power.sum(-1) * delay.delay_axis(view.grid.freq)[1]


def _peak_share(view: View) -> Tensor:
    power = view.maps.flatten(1)
    return power.amax(1) / power.sum(1)


def _sparsity(view: View) -> Tensor:
    power = view.maps.flatten(1)
    root = power.shape[1] ** 0.5
    return (root - power.sum(1) / power.square().sum(1).sqrt()) / (root - 1)


def _angular_spread(end: End, view: View) -> Tensor:
    angles = angle.beam_angles(view.grid.array(end)).to(view.h.device)
    return angle.circular_angular_spread(view.spectra[end], angles)


def _stream_ratio(view: View) -> Tensor:
    gram = view.h.movedim((1, 2), (-2, -1))
    gram = gram if gram.shape[-2] <= gram.shape[-1] else gram.mT
    power = torch.linalg.eigvalsh(torch.nan_to_num(gram @ gram.mH).to(torch.complex128))
    ratio = (power[..., -2] / power[..., -1]).clamp(min=1e-6)
    return (10 * ratio.log10()).mean((-2, -1))


def _decibel(power: Tensor) -> Tensor:
    return 10 * power.double().log10()


def _wideband(grid: Grid) -> bool:
    return len(grid.freq) > 1


def _moving(grid: Grid) -> bool:
    return len(grid.time) > 1


def _samples(grid: Grid) -> int:
    return math.prod(grid.angle_delay.full)


def _is_array(array: ArrayGeometry) -> bool:
    return max(array.rows, array.columns) > 1


def _at(end: End) -> tuple[Statistic, ...]:
    """The statistics of one end of the link."""
    side = {"rx": "receive", "tx": "transmit"}[end]

    def applies(grid: Grid) -> bool:
        return _is_array(grid.array(end))

    return (
        Statistic(
            f"angular_spread_{end}",
            f"angular spread ({end})",
            "rad",
            f"At the {side} array: {angle.ANGULAR_SPREAD_DEFINITION}.",
            partial(_angular_spread, end),
            applies,
            "narrow",
            "wide",
        ),
        Statistic(
            f"spatial_correlation_{end}",
            f"spatial correlation ({end})",
            "1",
            f"Magnitude of the correlation between neighbouring {side} antennas, over the other "
            "antennas, time and frequency.",
            lambda v: spatial.spatial_correlation(v.h, v.grid.array(end), end),
            applies,
        ),
        Statistic(
            f"phase_step_{end}",
            f"phase step ({end})",
            "rad",
            f"Phase from one {side} antenna to the next, the argument of their correlation over "
            "everything else: the mean direction; compared on the circle.",
            lambda v: spatial.phase_step(v.h, v.grid.array(end), end),
            applies,
            circular=True,
        ),
    )


def _coherence(name: str, level: float) -> Statistic:
    return Statistic(
        name,
        f"coherence bandwidth ({level:g})",
        "Hz",
        f"Smallest frequency separation at which the frequency correlation falls below {level:g};"
        " the whole bandwidth where it never does (Recommendation ITU-R P.1407).",
        lambda v: delay.falls_below(v.correlations, v.grid.freq, level),
        _wideband,
        "narrow",
        "wide",
        1.0,
    )


def _fade(quantile: float, name: str, least: int) -> Statistic:
    return Statistic(
        name,
        f"{100 * quantile:g} % fade",
        "dB",
        f"The {100 * quantile:g} % quantile of the power over antennas, time and frequency of one "
        "realisation, relative to its mean power.",
        lambda v: fading.fade_depth_db(v.h, quantile),
        lambda g: _samples(g) >= least,
        "deep",
        "shallow",
        1e-3,
    )


STATISTICS = (
    Statistic(
        "delay_spread",
        "delay spread",
        "s",
        f"3GPP TR 38.901 V19.2, clause 7.7.3: {delay.DELAY_SPREAD_DEFINITION}.",
        lambda v: delay.delay_spread(v.h, v.grid.freq, noise=v.grid.noise),
        _wideband,
        "short",
        "long",
        1e-13,
    ),
    Statistic(
        "excess_delay",
        "excess delay",
        "s",
        "Power-weighted mean delay of the power-delay profile after its strongest bin, with the "
        "threshold and the turn of delay_spread.",
        _excess_delay,
        _wideband,
        "short",
        "long",
        1e-13,
    ),
    Statistic(
        "phase_step_freq",
        "phase step (frequency)",
        "rad",
        "Phase from one frequency to the next, the argument of their correlation over everything "
        "else: the mean delay since the receiver's time 0; compared on the circle.",
        lambda v: delay.phase_step(v.h),
        _wideband,
        circular=True,
    ),
    *_at("rx"),
    *_at("tx"),
    Statistic(
        "k_factor_db",
        "K-factor",
        "dB",
        f"{fading.K_FACTOR_DEFINITION}; told as at least -20 dB.",
        lambda v: _decibel(fading.k_factor(v.h).clamp(min=K_FLOOR)),
        lambda g: _samples(g) > 1,
        resolution=1e-3,
    ),
    Statistic(
        "gain_db",
        "gain",
        "dB",
        "Mean power over antennas, time and frequency.",
        lambda v: _decibel(v.gain),
        resolution=1e-3,
    ),
    _fade(0.01, "fade_depth_db", 2),
    _fade(0.001, "deep_fade_db", DEEP),
    Statistic(
        "frequency_correlation",
        "frequency correlation",
        "1",
        "Magnitude of the correlation between frequencies a sixteenth of the band apart, over "
        "antennas, time and frequency (Recommendation ITU-R P.1407).",
        lambda v: v.correlations[:, v.grid.lag].clamp(max=1),
        _wideband,
    ),
    _coherence("coherence_bandwidth", 0.5),
    _coherence("coherence_bandwidth_90", 0.9),
    Statistic(
        "effective_rank",
        "effective rank",
        "1",
        "Exponential of the entropy of the normalised singular values of the matrix of antennas "
        "by time and frequency (Roy and Vetterli, EUSIPCO 2007).",
        lambda v: spatial.effective_rank(v.singular_values),
        lambda g: g.rx_array.size * g.tx_array.size > 1,
    ),
    Statistic(
        "singular_ratio_db",
        "second singular value",
        "dB",
        "Second over first singular value of the matrix of antennas by time and frequency; told "
        "as at least -60 dB.",
        lambda v: spatial.second_to_first_db(v.singular_values),
        lambda g: g.rx_array.size * g.tx_array.size > 1 and len(g.time) * len(g.freq) > 1,
        resolution=1e-3,
    ),
    Statistic(
        "stream_ratio_db",
        "second stream",
        "dB",
        "Second over first singular value of the matrix of receive by transmit antennas, in dB, "
        "averaged over time and frequency; told as at least -60 dB.",
        _stream_ratio,
        lambda g: min(g.rx_array.size, g.tx_array.size) > 1,
        resolution=1e-3,
    ),
    Statistic(
        "spectral_efficiency",
        "spectral efficiency",
        "bit/s/Hz",
        f"Mutual information with equal power on all transmit antennas at {SNR_DB:g} dB mean "
        "signal-to-noise ratio per receive antenna, each realisation scaled to unit gain "
        "(Telatar, 1999).",
        lambda v: capacity.spectral_efficiency(v.h, SNR_DB),
        lambda g: _samples(g) > 1,
    ),
    Statistic(
        "peak_share",
        "peak share",
        "1",
        "Share of the power in the strongest bin of the angle-delay map.",
        _peak_share,
        lambda g: _samples(g) > 1,
    ),
    Statistic(
        "sparsity",
        "sparsity",
        "1",
        "Sparsity of the powers of the angle-delay bins, 0 all equal and 1 a single one "
        "(Hoyer, JMLR 5, 2004).",
        _sparsity,
        lambda g: _samples(g) > 1,
    ),
    Statistic(
        "doppler_spread",
        "Doppler spread",
        "Hz",
        f"Recommendation ITU-R P.1407: {doppler.DOPPLER_SPREAD_DEFINITION}.",
        lambda v: doppler.doppler_spread(v.h, v.grid.time),
        _moving,
        "narrow",
        "wide",
        1e-6,
    ),
    Statistic(
        "time_correlation",
        "time correlation",
        "1",
        "Magnitude of the correlation between neighbouring times, over antennas, frequency and "
        "time.",
        lambda v: doppler.time_correlation(v.h, 1),
        _moving,
    ),
)
"""All statistics; each set is judged by those that apply to it."""


def applicable(grid: Grid) -> tuple[Statistic, ...]:
    """The statistics that the axes of a set allow."""
    return tuple(s for s in STATISTICS if s.applies(grid))
