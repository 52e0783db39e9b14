"""How alike the antennas are: correlation along an array, covariance, effective rank."""

from typing import Literal

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.stats.fading import squared_magnitude

End = Literal["rx", "tx"]
"""Which end of the link."""


def array_axis(array: ArrayGeometry) -> tuple[int, float]:
    """The uniform axis along which an array is looked at: its columns, else its rows.

    Args:
        array: The array.

    Returns:
        Number of antennas along the axis, and their spacing [wavelengths].
    """
    if array.columns > 1 or array.rows == 1:
        return array.columns, array.column_spacing
    return array.rows, array.row_spacing


def along_array(
    h: Complex[Tensor, "*batch rx tx time freq"], array: ArrayGeometry, end: End = "rx"
) -> Complex[Tensor, "*batch antenna sample"]:
    """The channel along one axis of an array, everything else gathered as samples of it.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.

    Raises:
        DataError: ``h`` has another number of antennas at that end than the array.
    """
    axis = -4 if end == "rx" else -3
    if h.shape[axis] != array.size:
        raise DataError(
            f"h has {h.shape[axis]} {end} antennas, the {end} array ({array}) has {array.size}; "
            "give the array that belongs to these channels"
        )
    line = axis if array_axis(array)[0] == array.columns else axis - 1
    return h.unflatten(axis, array.shape).movedim(line, -6).flatten(-5)


def lag_correlation(
    x: Complex[Tensor, "*batch sample place"], lag: int
) -> Float[Tensor, "*batch"]:
    r"""Magnitude of the normalised correlation of a signal with itself some places on.

    .. math:: \rho_\Delta = \frac{|\sum_{s,i} x_{s,i+\Delta} x_{s,i}^*|}
        {\sqrt{\sum_{s,i} |x_{s,i+\Delta}|^2 \sum_{s,i} |x_{s,i}|^2}}

    Both sums are over the pairs that exist, so that the value is in [0, 1].

    Args:
        x: Samples of the signal.
        lag: Number of places, not negative.

    Returns:
        Correlation, 0 to 1; NaN without power or where no two places are that far apart.
    """
    ahead, behind = x[..., lag:], x[..., : max(x.shape[-1] - lag, 0)]
    product = (ahead * behind.conj()).sum((-2, -1), dtype=torch.complex128).abs()
    power = squared_magnitude(x).sum(-2, dtype=torch.float64)
    norm = power[..., lag:].sum(-1) * power[..., : behind.shape[-1]].sum(-1)
    return (product / norm.sqrt()).clamp(max=1)


def step(x: Complex[Tensor, "*batch sample place"]) -> Float[Tensor, "*batch"]:
    r"""Mean phase of a signal from one place to the next, on a circle.

    .. math:: \arg \sum_{s,i} x_{s,i+1} x_{s,i}^*

    Args:
        x: Samples of the signal.

    Returns:
        Phase [rad], -π to π; NaN without power.
    """
    product = (x[..., 1:] * x[..., :-1].conj()).sum((-2, -1), dtype=torch.complex128)
    return product.angle().where(product.abs() > 0, torch.nan)


def spatial_correlation(
    h: Complex[Tensor, "*batch rx tx time freq"],
    array: ArrayGeometry,
    end: End = "rx",
    lag: int = 1,
) -> Float[Tensor, "*batch"]:
    """Correlation between antennas of one array, averaged over all else in a realisation.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.
        lag: How many antennas apart, along the columns (the rows if there is one column).

    Returns:
        Magnitude, 0 to 1; NaN without power or where no two antennas are that far apart.
    """
    return lag_correlation(along_array(h, array, end).mT, lag)


def phase_step(
    h: Complex[Tensor, "*batch rx tx time freq"], array: ArrayGeometry, end: End = "rx"
) -> Float[Tensor, "*batch"]:
    """Mean phase from one antenna to the next: the direction of a realisation, on a circle.

    As :func:`step` says, over everything else too. A single path from the angle φ has
    2π · spacing · sin φ.

    Args:
        h: Channel realisations.
        array: The array at that end of the link.
        end: ``rx`` or ``tx``.

    Returns:
        Phase [rad], -π to π; NaN without power.
    """
    return step(along_array(h, array, end).mT)


def correlation_matrix(
    h: Complex[Tensor, "*batch rx tx time freq"], end: End = "rx"
) -> Complex[Tensor, "antenna antenna"]:
    r"""Spatial correlation matrix :math:`R = \mathrm{E}\, h h^H` of a whole set, in complex128.

    Args:
        h: Channel realisations.
        end: ``rx`` or ``tx``.

    Returns:
        Mean over realisations, the other end, time and frequency; its diagonal is power.
    """
    x = h.movedim(-4 if end == "rx" else -3, 0).flatten(1).to(torch.complex128)
    return x @ x.mH / x.shape[1]


def correlation_matrix_distance(
    a: Complex[Tensor, "*batch antenna antenna"], b: Complex[Tensor, "*batch antenna antenna"]
) -> Float[Tensor, "*batch"]:
    r"""How far two spatial correlation matrices differ, whatever their power.

    .. math:: d = 1 - \frac{\mathrm{tr}(A B)}{\lVert A\rVert_F \lVert B\rVert_F}

    Args:
        a: Correlation matrix.
        b: Correlation matrix.

    Returns:
        0 where they are equal up to a factor, 1 where they share no subspace.

    References:
        Herdin, Czink, Özcelik and Bonek, "Correlation matrix distance, a meaningful measure for
        evaluation of non-stationary MIMO channels", IEEE VTC Spring 2005.
    """
    a, b = (m / torch.linalg.matrix_norm(m, keepdim=True) for m in (a, b))
    # 1 - Re<A, B> of unit matrices, without the cancellation: half their squared difference.
    return squared_magnitude(a - b).sum((-2, -1)) / 2


def singular_values(
    h: Complex[Tensor, "*batch rx tx time freq"],
) -> Float[Tensor, "*batch value"]:
    """Singular values of the matrix [rx·tx, time·freq] of each realisation, ascending.

    They are taken from the smaller Gram matrix in complex128.

    Args:
        h: Channel realisations.

    Returns:
        As many as the smaller side has; NaN where a value of ``h`` is not finite.
    """
    x = h.flatten(-4, -3).flatten(-2).to(torch.complex128)
    x = x if x.shape[-2] <= x.shape[-1] else x.mT
    gram = x @ x.mH
    # One NaN or infinity in a batch would make eigvalsh raise for all of it.
    usable = gram.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
    sigma = torch.linalg.eigvalsh(gram.where(usable, 0)).clamp(min=0).sqrt()
    return sigma.where(usable[..., 0], torch.nan)


def effective_rank(sigma: Float[Tensor, "*batch value"]) -> Float[Tensor, "*batch"]:
    r"""Effective rank of matrices with the singular values :math:`\sigma`.

    .. math:: \exp\Bigl(-\sum_i p_i \ln p_i\Bigr), \quad p_i = \sigma_i / \sum_j \sigma_j

    Args:
        sigma: Singular values, such as those of :func:`singular_values`.

    Returns:
        1 for a matrix of rank one, the smaller side for equal singular values; NaN where there
        is no power or a value is not finite.

    References:
        Roy and Vetterli, "The effective rank: a measure of effective dimensionality",
        EUSIPCO 2007.
    """
    share = sigma / sigma.sum(-1, keepdim=True)
    return torch.special.entr(share).sum(-1).exp()


def second_to_first_db(
    sigma: Float[Tensor, "*batch value"], floor_db: float = -60.0
) -> Float[Tensor, "*batch"]:
    """Second over first singular value [dB]: how far a matrix is from rank one.

    Args:
        sigma: Singular values, ascending, at least two.
        floor_db: Smaller ratios are told as this [dB].

    Returns:
        0 dB where both are equal; NaN where there is no power.
    """
    ratio = sigma[..., -2] / sigma[..., -1]
    return 20 * ratio.clamp(min=10 ** (floor_db / 20)).log10()
