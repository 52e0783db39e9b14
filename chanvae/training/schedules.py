"""Schedules over the steps of a training."""

import math


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
