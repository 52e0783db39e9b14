"""In words: which way and where a generated statistic differs from the measured one."""

import numpy as np

from chanvae.catalogue.statistic import Statistic
from chanvae.evaluate import circular as circle
from chanvae.units import show

SHARE = 0.8
"""Share of the distance that one side of the distribution must hold to be named alone."""


def direction(statistic: Statistic, measured: np.ndarray, generated: np.ndarray) -> str:
    """Such as ``is 6 ns too short above 150 ns``, ``varies too little`` or where it differs.

    The gap between both quantile functions is looked at from the 1st to the 99th percentile. If
    one half of the distribution holds most of it, the words are about that half.

    Args:
        statistic: What the values are.
        measured: Finite values.
        generated: Finite values.
    """
    if statistic.circular:
        return _turn(statistic, measured, generated)
    levels = np.linspace(0.01, 0.99, 99)
    low, high = (np.quantile(v, levels) for v in (measured, generated))
    gap = high - low
    total = np.abs(gap).sum()
    shift = float(gap.mean())
    for part, word, at in (
        (levels > 0.5, "above", 1.0),
        (levels < 0.5, "below", -1.0),
    ):
        if np.abs(gap[part]).sum() < SHARE * total:
            continue
        order = np.cumsum(np.abs(gap)[:: -int(at)]) >= 0.9 * np.abs(gap[part]).sum()
        edge = low[:: -int(at)][int(np.argmax(order))]
        where = f" {word} {show(float(edge), statistic.unit)}"
        inside = gap[low > edge] if at > 0 else gap[low < edge]
        if len(inside) and abs(inside.mean()) > 0.5 * np.abs(inside).mean():
            return _amount(statistic, float(inside.mean())) + where
    if abs(shift) >= 0.5 * np.abs(gap).mean():
        return _amount(statistic, shift)
    ratio = float(generated.std() / measured.std())
    if abs(ratio - 1) > 0.02:
        return f"varies too {'little' if ratio < 1 else 'much'}, {ratio:.2g} times the measured σ"
    return "has another distribution"


def _amount(statistic: Statistic, shift: float) -> str:
    word = statistic.low if shift < 0 else statistic.high
    return f"is {show(abs(shift), statistic.unit)} too {word}"


def _turn(statistic: Statistic, measured: np.ndarray, generated: np.ndarray) -> str:
    turn = float(circle.deviation(np.array([circle.mean(generated)]), circle.mean(measured))[0])
    ratio = circle.sigma(generated) / circle.sigma(measured)
    if abs(turn) > 0.1 * circle.sigma(measured):
        return f"is turned by {show(turn, statistic.unit)}"
    if abs(ratio - 1) > 0.02:
        return f"is too {'narrow' if ratio < 1 else 'wide'}, {ratio:.2g} times the measured σ"
    return "has another distribution"
