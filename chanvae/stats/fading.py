"""How strong a realisation is and how its power varies: gain, K-factor, fade depth."""

import math

from jaxtyping import Complex, Float
from torch import Tensor, float64, var_mean

K_FACTOR_DEFINITION = (
    "Rician K (linear) by the method of moments of Greenstein, Michelson and Erceg (1999) on the "
    "power of all antennas, times and frequencies of one realisation; 0 where the power varies "
    "more than Rayleigh fading does"
)


def squared_magnitude(h: Complex[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Power of every complex sample, without the square root of ``abs``.

    Args:
        h: Complex samples.

    Returns:
        Linear power, in the precision of ``h``.
    """
    return h.real.square() + h.imag.square()


def gain(h: Complex[Tensor, "*batch rx tx time freq"]) -> Float[Tensor, "*batch"]:
    """Mean power of each realisation over its antennas, times and frequencies.

    Args:
        h: Channel realisations.

    Returns:
        Linear power gain.
    """
    return squared_magnitude(h).flatten(-4).mean(-1, dtype=float64)


def k_factor(h: Complex[Tensor, "*batch rx tx time freq"]) -> Float[Tensor, "*batch"]:
    r"""Rician K-factor of each realisation by the method of moments.

    With the mean :math:`G_a` and the standard deviation :math:`G_v` of the power,

    .. math:: V^2 = \sqrt{G_a^2 - G_v^2}, \quad
        K = \frac{V^2}{G_a - V^2} = \frac{V^2 (G_a + V^2)}{G_v^2}.

    The second form does not cancel when K is large.

    Args:
        h: Channel realisations.

    Returns:
        Linear K-factor; 0 where :math:`G_v > G_a`, infinite where the power is constant, NaN
        where there is no power or only one sample.

    References:
        Greenstein, Michelson and Erceg, "Moment-method estimation of the Ricean K-factor",
        IEEE Communications Letters 3(6), 1999.
    """
    power = squared_magnitude(h).flatten(-4).to(float64)
    if power.shape[-1] == 1:
        return power[..., 0] * math.nan
    variance, mean = var_mean(power, -1, correction=0)
    steady = (mean.square() - variance).clamp(min=0).sqrt()
    return steady * (mean + steady) / variance


def fade_depth_db(
    h: Complex[Tensor, "*batch rx tx time freq"], quantile: float = 0.01
) -> Float[Tensor, "*batch"]:
    """How deep the fades within each realisation are: a low quantile of its power.

    Args:
        h: Channel realisations.
        quantile: The share of antennas, times and frequencies that are weaker, 0 to 1.

    Returns:
        Power at the quantile, interpolated linearly, relative to the mean power of the
        realisation [dB]; NaN where there is no power.
    """
    power = squared_magnitude(h).flatten(-4)
    position = quantile * (power.shape[-1] - 1)
    below = int(position)
    # The few smallest of many: an eighth of the time that torch.quantile takes to sort all.
    smallest = power.topk(min(below + 2, power.shape[-1]), largest=False).values.to(float64)
    value = smallest[..., below].lerp(smallest[..., -1], position - below)
    return 10 * (value / power.mean(-1, dtype=float64)).log10()
