"""What a map of a channel is like as a whole: a few numbers that many bins agree on."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import effective_rank

TRAITS = 3
"""How many there are."""
EIGENVALUES = 64
"""Eigenvalues of a map that are looked at, at most: their cost grows with the cube."""
_LEAST = 1e-4
"""Share of power beside the peak that stands for none where logarithms are taken."""


def traits(x: Complex[Tensor, "n *shape"]) -> Float[Tensor, "n traits"]:
    """Logarithms of three numbers that say how rich a channel is.

    Its effective rank by power (angles against delays; squares of singular values), the share of
    its power that is not in the strongest bin, and how many bins its power is spread over. With
    delay and angular spread they do what large-scale parameters do in 3GPP TR 38.901, clause 7.5,
    step 4: they are drawn first, and what is small is drawn given them.

    Of maps with more than :data:`EIGENVALUES` angles and delays, angles or delays, whichever are
    fewer, are first added up in that many groups with the same signs for every map, which keeps
    the rank of few paths (a count sketch; Clarkson and Woodruff 2013, arXiv:1207.6365).

    Args:
        x: Angle-delay maps, none all zero.
    """
    rows = x.flatten(1, -2) if x.ndim > 2 else x[:, None]
    rows = rows if rows.shape[1] <= rows.shape[2] else rows.mT
    if rows.shape[1] > EIGENVALUES:
        rows = _grouped(rows)
    strengths = torch.linalg.eigvalsh(rows @ rows.mH).clamp(min=0)
    power = squared_magnitude(x).flatten(1)
    beside = 1 - power.amax(1) / power.sum(1)
    richness = [effective_rank(strengths), beside.clamp(min=_LEAST), effective_rank(power)]
    return torch.stack(richness, 1).log()


def _grouped(rows: Complex[Tensor, "n more columns"]) -> Complex[Tensor, "n some columns"]:
    """:data:`EIGENVALUES` sums over rows, each row in one, by signs that are always the same."""
    n, many, columns = rows.shape
    signs = 2 * torch.randint(2, (many,), generator=torch.Generator().manual_seed(0)) - 1
    place = torch.arange(many, device=rows.device) % EIGENVALUES
    sums = rows.new_zeros(n, EIGENVALUES, columns)
    return sums.index_add_(1, place, rows * signs.to(rows)[:, None])
