"""Schedules over the steps of a training."""

import math

from chanvae.config import TrainingConfig


def one_cycle(step: int, steps: int, peak: float, rise: float = 0.3) -> float:
    """Learning rate at ``step``: a cosine up from peak/25, then a cosine down to nearly zero.

    References:
        Smith and Topin 2018, arXiv:1708.07120.
    """
    top = max(rise * steps, 1.0)
    if step < top:
        low, high, share = peak / 25, peak, step / top
    else:
        low, high, share = peak, peak / 2.5e5, (step - top) / max(steps - top, 1.0)
    return low + (high - low) * 0.5 * (1 - math.cos(math.pi * min(share, 1.0)))


def warm_up(step: int, steps: int, first: float, share: float) -> float:
    """Weight of the KL at ``step``: a line from ``first`` to 1 over a share of the steps."""
    if share <= 0:
        return 1.0
    return min(1.0, first + (1 - first) * step / (share * steps))


def cyclic(step: int, steps: int, cycles: int, first: float, share: float) -> float:
    """The same line, drawn anew in each of as many cycles.

    References:
        Fu et al. 2019, arXiv:1903.10145.
    """
    length = max(steps / cycles, 1.0)
    return warm_up(int(step % length), int(length), first, share)


def kl_weight(step: int, steps: int, how: TrainingConfig) -> float:
    """Share of the KL's weight at ``step`` of a training."""
    if how.annealing == "cyclic":
        return cyclic(step, steps, how.cycles, how.beta_first, how.warmup)
    return warm_up(step, steps, how.beta_first, how.warmup)
