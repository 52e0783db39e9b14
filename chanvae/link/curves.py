"""Block error rates against SNR: counted by Sionna's ``sim_ber``, with intervals and crossings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import beta, binomtest

from chanvae.errors import DataError
from chanvae.link.settings import LinkConfig
from chanvae.link.transceiver import Transceiver, snr_grid

LOWEST, HIGHEST = -40.0, 60.0
"""SNRs that are looked at [dB]."""
_NEXT_SNR = 1
"""``sim_ber.CALLBACK_NEXT_SNR``, which has no type."""
_DRAWS = 2000
"""Draws of a curve within what was counted, for intervals of crossings."""


@dataclass(frozen=True)
class Curve:
    """Code words in error at SNRs.

    Args:
        snr_db: Ascending [dB].
        errors: Code words in error.
        blocks: Code words sent.
        efficiency: Bits of a slot without error [bit/s/Hz].
    """

    snr_db: np.ndarray
    errors: np.ndarray
    blocks: np.ndarray
    efficiency: float

    @property
    def bler(self) -> np.ndarray:
        """Block error rate."""
        return self.errors / self.blocks

    @property
    def throughput(self) -> np.ndarray:
        """Bits that arrive [bit/s/Hz]."""
        return self.efficiency * (1 - self.bler)

    def interval(self) -> np.ndarray:
        """Wilson intervals of the block error rate at 95 % ``[point, 2]``."""
        pairs = zip(self.errors.tolist(), self.blocks.tolist(), strict=True)
        found = (binomtest(e, n).proportion_ci(0.95, "wilson") for e, n in pairs)
        return np.array([(f.low, f.high) for f in found])

    def crossing(self, target: float) -> float:
        """SNR at which the curve falls to ``target`` [dB]; NaN where it does not."""
        rate = (self.errors + 0.5) / (self.blocks + 1)
        return float(_crossings(self.snr_db, rate[None], target)[0])

    def crossings(self, target: float, seed: int) -> np.ndarray:
        """Draws of that SNR by Jeffreys' posterior of every rate ``[draw]``."""
        rng = np.random.default_rng([seed, round(1e6 * target)])
        shape = (_DRAWS, len(self.errors))
        rates = beta.rvs(self.errors + 0.5, self.blocks - self.errors + 0.5, size=shape,
                         random_state=rng)  # fmt: skip
        return _crossings(self.snr_db, np.asarray(rates), target)


@dataclass(frozen=True)
class Gap:
    """How much more SNR one curve needs than another.

    Args:
        target: The block error rate.
        db: The gap [dB]; NaN where a curve does not reach the rate.
        low: Its 95 % interval [dB].
        high: The other end.
    """

    target: float
    db: float
    low: float
    high: float


def gap(curve: Curve, reference: Curve, target: float, seed: int = 0) -> Gap:
    """SNR that ``curve`` needs for ``target`` beyond what ``reference`` needs."""
    apart = curve.crossings(target, 2 * seed) - reference.crossings(target, 2 * seed + 1)
    apart = apart[np.isfinite(apart)]
    db = curve.crossing(target) - reference.crossing(target)
    known = np.isfinite(db) and len(apart) > _DRAWS // 2
    low, high = np.quantile(apart, [0.025, 0.975]) if known else (np.nan, np.nan)
    return Gap(target, db, float(low), float(high))


def _crossings(snr: np.ndarray, rates: np.ndarray, target: float) -> np.ndarray:
    """First crossings of curves ``[draw, point]``, linear in the logarithm of the rate."""
    under = rates <= target
    last = under.argmax(1)
    good = under.any(1) & (last > 0)
    rows, last = np.arange(len(rates)), np.maximum(last, 1)
    left, right = np.log(rates[rows, last - 1]), np.log(rates[rows, last])
    share = (left - np.log(target)) / np.maximum(left - right, 1e-12)
    return np.where(good, snr[last - 1] + share * (snr[last] - snr[last - 1]), np.nan)


def simulate(
    link: Transceiver,
    config: LinkConfig,
    seed: int,
    say: Callable[[str], object],
    progress: Callable[[float, float], object] = lambda snr, bler: None,
) -> Curve:
    """Count block errors from the SNR where nearly all fail to where hardly any do.

    Args:
        link: The link over its channels.
        config: How much to simulate.
        seed: Seed of Sionna's generators.
        say: Told, once, that a batch was too large for the memory.
        progress: Told the SNR [dB] and the rate there after each batch.

    Raises:
        DataError: Not one slot fits the memory.
    """
    from sionna.phy import config as phy

    batch, told = config.batch, False
    while True:
        try:
            phy.seed = seed
            start = _start(link, batch, config.step_db)
            phy.seed = seed
            return _counted(link, config, batch, start, progress)
        except (MemoryError, RuntimeError) as error:
            if not _is_memory(error):
                raise
            if batch == 1:
                raise DataError(
                    "one slot does not fit the memory; set fewer subcarriers"
                ) from None
            batch = batch // 2
            if not told:
                say(f"a batch of {2 * batch} slots is too large for the memory; halved")
                told = True


def _is_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "allocate" in text


def _start(link: Transceiver, batch: int, step: float) -> float:
    """An SNR at which nine of ten code words fail, but few dB below it [dB]."""

    def fails(snr: float) -> bool:
        with torch.no_grad():
            sent, decided = link(batch, torch.tensor(snr))
        return float((sent != decided).any(-1).float().mean()) > 0.9

    snr = 0.0
    while not fails(snr) and snr > LOWEST:
        snr -= 4.0
    while fails(snr + 2.0) and snr < HIGHEST:
        snr += 2.0
    return round(snr / step) * step


def _counted(
    link: Transceiver,
    config: LinkConfig,
    batch: int,
    start: float,
    progress: Callable[[float, float], object],
) -> Curve:
    from sionna.phy.utils import sim_ber

    points = snr_grid(start, config.step_db, start + 30)
    errors, blocks = np.zeros(len(points), int), np.zeros(len(points), int)

    def count(_, k, snrs, bit_errors, block_errors, bits, sent):
        errors[k], blocks[k] = int(block_errors[k]), int(sent[k])
        progress(float(snrs[k]), float(errors[k] / blocks[k]))
        enough = errors[k] >= config.errors or blocks[k] >= config.blocks
        return _NEXT_SNR if enough else None

    sim_ber(
        link,
        torch.as_tensor(points),
        batch_size=batch,
        max_mc_iter=config.blocks,
        target_bler=config.least_bler,
        verbose=False,
        callback=count,
    )
    seen = blocks > 0
    return Curve(points[seen], errors[seen], blocks[seen], link.efficiency)
