"""Baseline in the manner of TR 38.901: refitted log-normal spreads and an exponential profile."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from chanvae.catalogue.grid import Grid
from chanvae.channels import ChannelDataset
from chanvae.evaluate.baselines.resample import made
from chanvae.evaluate.looks import compute
from chanvae.stats.delay import delay_axis, power_delay_profile
from chanvae.stats.spatial import End, array_axis

PATHS = 20
"""Paths of a channel, as the clusters of the standard's urban models."""
DELAY_SCALING = 2.5
"""Ratio of the spread of path delays to the delay spread."""
SHADOWING_DB = 3.0
"""Standard deviation of the power of a path about the exponential profile [dB]."""


FITTED = 5_000
"""Training channels whose spreads are fitted, at most."""


def tr38901(training: ChannelDataset, n: int, rng: np.random.Generator) -> ChannelDataset:
    """Channels of a stochastic model in the manner of TR 38.901, refitted to the training set.

    Delay spread, angular spread at both ends and gain are drawn log-normal with their means and
    their covariance in the training set. Delays are exponential, powers fall exponentially with
    delay with log-normal shadowing, path directions are Gaussian; both are then scaled so that
    each channel has the spreads drawn for it. The strongest arrival and the mean direction are
    those of a training channel, and phases are uniform.

    Args:
        training: The training set.
        n: Channels to make.
        rng: Draws.

    References:
        3GPP TR 38.901 V19.2, clause 7.5, steps 4 to 7, with one ray a cluster.
    """
    grid = Grid.of(training)
    training = training[np.sort(rng.permutation(len(training))[:FITTED])]
    known = compute(training)
    large = _large_scale(known, n, rng)
    rows = rng.integers(len(training), size=n)
    delays, power = _paths(large.get("delay_spread", np.zeros(n)), rng)
    amplitude = np.sqrt(power) * np.exp(2j * np.pi * rng.random(power.shape))
    h = torch.as_tensor(amplitude.astype(np.complex64))
    freq = grid.freq.numpy()
    start = _arrival(training, grid)[rows]
    turns = np.exp(-2j * np.pi * (delays + start[:, None])[..., None] * freq)
    waves = torch.as_tensor(turns.astype(np.complex64))
    steer: dict[str, Tensor] = {}
    for end in ("rx", "tx"):
        steer[end] = _steering(grid, end, known, large, rows, power, rng)
    channels = torch.einsum("np,npr,npt,npf->nrtf", h, steer["rx"], steer["tx"], waves)
    gain = channels.abs().square().mean((1, 2, 3)).clamp(min=1e-30)
    level = torch.as_tensor(10 ** (large["gain_db"] / 10)).float()
    channels = channels * (level / gain).sqrt()[:, None, None, None]
    steps = len(grid.time)
    return made(training, channels[:, :, :, None].expand(-1, -1, -1, steps, -1).numpy())


def _large_scale(
    known: dict[str, np.ndarray], n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Jointly log-normal spreads and gain, with the mean and covariance of the known ones."""
    names = [
        k
        for k in ("delay_spread", "angular_spread_rx", "angular_spread_tx", "gain_db")
        if k in known
    ]
    logs = [
        known[k] / 10 if k == "gain_db" else np.log10(np.maximum(known[k], 1e-15)) for k in names
    ]
    table = np.stack(logs, 1)
    table = table[np.isfinite(table).all(1)]
    spread = np.atleast_2d(np.cov(table.T))
    drawn = rng.multivariate_normal(table.mean(0), spread, n, method="eigh")
    return {
        k: 10 * drawn[:, i] if k == "gain_db" else 10 ** drawn[:, i] for i, k in enumerate(names)
    }


def _paths(
    spread: Float[np.ndarray, " n"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "n p"]]:
    """Delays [s] from 0 and powers that sum to 1, with the delay spreads asked for."""
    unit = np.sort(rng.exponential(DELAY_SCALING, (len(spread), PATHS)), 1)
    unit -= unit[:, :1]
    power = np.exp(-unit * (DELAY_SCALING - 1) / DELAY_SCALING)
    power *= 10 ** (-rng.normal(0, SHADOWING_DB, power.shape) / 10)
    power /= power.sum(1, keepdims=True)
    return unit * (spread / np.maximum(_rms(unit, power), 1e-12))[:, None], power


def _rms(values: np.ndarray, power: np.ndarray) -> np.ndarray:
    center = (power * values).sum(1, keepdims=True)
    return np.sqrt((power * (values - center) ** 2).sum(1))


def _arrival(training: ChannelDataset, grid: Grid) -> Float[np.ndarray, " n"]:
    """Delay of the strongest bin of every training channel [s]; 0 for a single frequency."""
    if len(grid.freq) < 2:
        return np.zeros(len(training))
    axis = delay_axis(grid.freq).numpy()
    parts = [power_delay_profile(p.tensor()).argmax(-1).numpy() for p in training.batches(2048)]
    return axis[np.concatenate(parts)]


def _steering(
    grid: Grid,
    end: End,
    known: dict[str, np.ndarray],
    large: dict[str, np.ndarray],
    rows: np.ndarray,
    power: np.ndarray,
    rng: np.random.Generator,
) -> Float[Tensor, "n p antenna"]:
    """Responses of the paths at one end: complex64 ``[n, path, antenna]``."""
    array = grid.array(end)
    antennas, spacing = array_axis(array)
    n = len(rows)
    if antennas == 1:
        return torch.ones(n, PATHS, array.size, dtype=torch.complex64)
    # The array's own resolution is part of a measured angular spread; squares add.
    resolution = 0.4 / (antennas * spacing)
    width = np.sqrt(np.maximum(large[f"angular_spread_{end}"] ** 2 - resolution**2, 1e-6))
    unit = rng.normal(size=(n, PATHS))
    unit -= (power * unit).sum(1, keepdims=True)
    off = unit * (width / np.maximum(_rms(unit, power), 1e-12))[:, None]
    step = np.nan_to_num(known[f"phase_step_{end}"][rows])
    angle = np.arcsin(np.clip(step / (2 * np.pi * spacing), -1, 1))[:, None] + off
    column = np.arange(antennas)
    line = np.exp(2j * np.pi * spacing * np.sin(angle)[..., None] * column)
    along_columns = antennas == array.columns
    shape = (n, PATHS, 1, 1, antennas) if along_columns else (n, PATHS, 1, antennas, 1)
    # Across the array and between polarisations phases are drawn, alike for all paths of none.
    others = (
        (array.polarizations, array.rows, 1)
        if along_columns
        else (array.polarizations, 1, array.columns)
    )
    phase = np.exp(2j * np.pi * rng.random((n, PATHS, *others)))
    full = (line.reshape(shape) * phase).reshape(n, PATHS, array.size)
    return torch.as_tensor(full.astype(np.complex64))
