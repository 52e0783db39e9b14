"""The statistics that two sets of channels are compared by, one number a realisation."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.stats import angle, delay, fading, spatial
from chanvae.transforms.angle_delay import AngleDelay

K_FLOOR = 1e-2
"""K-factors below -20 dB are told as -20 dB: the estimate has no meaning there."""


@dataclass(frozen=True)
class Grid:
    """What the axes of a channel mean.

    Args:
        freq: Baseband frequency [Hz].
        time: Number of time steps.
        rx_array: Receive array.
        tx_array: Transmit array.
    """

    freq: Tensor
    time: int
    rx_array: ArrayGeometry
    tx_array: ArrayGeometry

    @classmethod
    def of(cls, dataset: ChannelDataset) -> "Grid":
        """The grid of a set."""
        freq = torch.as_tensor(np.asarray(dataset.freq, dtype=np.float64))
        return cls(freq, len(dataset.time), dataset.rx_array, dataset.tx_array)

    @property
    def angle_delay(self) -> AngleDelay:
        """The transform to angle-delay maps."""
        return AngleDelay(self.rx_array, self.tx_array, self.time, len(self.freq))

    @property
    def lag(self) -> int:
        """Subcarriers between the two frequencies of ``frequency_correlation``."""
        return max(1, len(self.freq) // 16)


@dataclass(frozen=True)
class Statistic:
    """One number a realisation.

    Args:
        name: Key in tables and JSON.
        label: The same for people.
        unit: SI unit, ``"dB"`` or ``"1"``.
        definition: What it is and where that comes from, in one sentence.
        function: Channels ``[n, rx, tx, time, freq]`` and their grid to values ``[n]``.
        applies: Whether a grid has the axes it needs.
        low: Word for a generated value below the measured one.
        high: Word for a generated value above the measured one.
        resolution: Difference [unit] below which values are the same.
    """

    name: str
    label: str
    unit: str
    definition: str
    function: Callable[[Tensor, Grid], Tensor]
    applies: Callable[[Grid], bool] = lambda grid: True
    low: str = "low"
    high: str = "high"
    resolution: float = 1e-6


def angle_delay_power(
    h: Complex[Tensor, "n rx tx time freq"], grid: Grid
) -> Float[Tensor, "n angle delay"]:
    """Power of the angle-delay map; the angle (and Doppler) axes flattened to one, float64."""
    x = grid.angle_delay.forward(grid.angle_delay.unfold(h))
    return x.reshape(len(x), -1, x.shape[-1]).abs().double().square()


def _peak_share(h: Tensor, grid: Grid) -> Tensor:
    power = angle_delay_power(h, grid).flatten(1)
    return power.amax(1) / power.sum(1)


def _sparsity(h: Tensor, grid: Grid) -> Tensor:
    power = angle_delay_power(h, grid).flatten(1)
    root = power.shape[1] ** 0.5
    return (root - power.sum(1) / power.square().sum(1).sqrt()) / (root - 1)


def _excess_delay(h: Tensor, grid: Grid) -> Tensor:
    profile = delay.power_delay_profile(h)
    n = profile.shape[-1]
    peak, first = profile.max(-1, keepdim=True)
    after = (torch.arange(n) - first + n // 8) % n - n // 8
    power = profile * (profile >= peak * 10 ** (-delay.THRESHOLD_DB / 10))
    return (power * after).sum(-1) / power.sum(-1) * delay.delay_axis(grid.freq)[1]


def _decibel(power: Tensor) -> Tensor:
    return 10 * power.double().log10()


def _wideband(grid: Grid) -> bool:
    return len(grid.freq) > 1


def _has_samples(grid: Grid) -> bool:
    return math.prod(grid.angle_delay.full) > 1


def _is_array(array: ArrayGeometry) -> bool:
    return max(array.rows, array.columns) > 1


STATISTICS = (
    Statistic(
        "delay_spread",
        "delay spread",
        "s",
        f"3GPP TR 38.901 V19.2, clause 7.7.3: {delay.DELAY_SPREAD_DEFINITION}.",
        lambda h, g: delay.delay_spread(h, g.freq),
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
        "angular_spread_rx",
        "angular spread (rx)",
        "rad",
        f"At the receive array: {angle.ANGULAR_SPREAD_DEFINITION}.",
        lambda h, g: angle.angular_spread(h, g.rx_array, "rx"),
        lambda g: _is_array(g.rx_array),
        "narrow",
        "wide",
    ),
    Statistic(
        "angular_spread_tx",
        "angular spread (tx)",
        "rad",
        f"At the transmit array: {angle.ANGULAR_SPREAD_DEFINITION}.",
        lambda h, g: angle.angular_spread(h, g.tx_array, "tx"),
        lambda g: _is_array(g.tx_array),
        "narrow",
        "wide",
    ),
    Statistic(
        "k_factor_db",
        "K-factor",
        "dB",
        f"{fading.K_FACTOR_DEFINITION}; told as at least -20 dB.",
        lambda h, g: _decibel(fading.k_factor(h).clamp(min=K_FLOOR)),
        _has_samples,
        resolution=1e-3,
    ),
    Statistic(
        "gain_db",
        "gain",
        "dB",
        "Mean power over antennas, time and frequency.",
        lambda h, g: _decibel(fading.gain(h)),
        resolution=1e-3,
    ),
    Statistic(
        "fade_depth_db",
        "1 % fade",
        "dB",
        "The 1 % quantile of the power over antennas, time and frequency of one realisation, "
        "relative to its mean power.",
        lambda h, g: fading.fade_depth_db(h, quantile=0.01),
        _has_samples,
        low="deep",
        high="shallow",
        resolution=1e-3,
    ),
    Statistic(
        "frequency_correlation",
        "frequency correlation",
        "1",
        "Magnitude of the correlation between frequencies a sixteenth of the band apart, over "
        "antennas, time and frequency (Recommendation ITU-R P.1407).",
        lambda h, g: delay.frequency_correlation(h, g.lag),
        _wideband,
    ),
    Statistic(
        "coherence_bandwidth",
        "coherence bandwidth",
        "Hz",
        "Smallest frequency separation at which the frequency correlation falls below 0.5; the "
        "whole bandwidth where it never does (Recommendation ITU-R P.1407).",
        lambda h, g: delay.coherence_bandwidth(h, g.freq, level=0.5),
        _wideband,
        "narrow",
        "wide",
        1.0,
    ),
    Statistic(
        "spatial_correlation_rx",
        "spatial correlation (rx)",
        "1",
        "Magnitude of the correlation between neighbouring receive antennas, over the other "
        "antennas, time and frequency.",
        lambda h, g: spatial.spatial_correlation(h, g.rx_array, "rx"),
        lambda g: _is_array(g.rx_array),
    ),
    Statistic(
        "spatial_correlation_tx",
        "spatial correlation (tx)",
        "1",
        "Magnitude of the correlation between neighbouring transmit antennas, over the other "
        "antennas, time and frequency.",
        lambda h, g: spatial.spatial_correlation(h, g.tx_array, "tx"),
        lambda g: _is_array(g.tx_array),
    ),
    Statistic(
        "effective_rank",
        "effective rank",
        "1",
        "Exponential of the entropy of the normalised singular values of the matrix of antennas "
        "by time and frequency (Roy and Vetterli, EUSIPCO 2007).",
        lambda h, g: spatial.effective_rank(h),
        lambda g: g.rx_array.size * g.tx_array.size > 1,
    ),
    Statistic(
        "peak_share",
        "peak share",
        "1",
        "Share of the power in the strongest bin of the angle-delay map.",
        _peak_share,
        _has_samples,
    ),
    Statistic(
        "sparsity",
        "sparsity",
        "1",
        "Sparsity of the powers of the angle-delay bins, 0 all equal and 1 a single one "
        "(Hoyer, JMLR 5, 2004).",
        _sparsity,
        _has_samples,
    ),
)
"""All statistics; each set is judged by those that apply to it."""


def applicable(dataset: ChannelDataset) -> tuple[Statistic, ...]:
    """The statistics that the axes of a set allow."""
    grid = Grid.of(dataset)
    return tuple(s for s in STATISTICS if s.applies(grid))


def compute(dataset: ChannelDataset, batch: int = 2048) -> dict[str, np.ndarray]:
    """Every applicable statistic of every realisation.

    Args:
        dataset: The set, read ``batch`` realisations at a time.
        batch: Realisations in memory.

    Returns:
        Name -> float64 ``[n]``; not finite where a realisation does not define it.
    """
    grid, wanted = Grid.of(dataset), applicable(dataset)
    values: dict[str, list[np.ndarray]] = {s.name: [] for s in wanted}
    with torch.no_grad():
        for chunk in dataset.batches(batch):
            h = chunk.tensor()
            for s in wanted:
                values[s.name].append(s.function(h, grid).double().numpy())
    return {name: np.concatenate(parts) for name, parts in values.items()}
