"""What a map of a channel is like as a whole: a few numbers that many bins agree on."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.stats.fading import squared_magnitude
from chanvae.stats.spatial import effective_rank

TRAITS = 3
"""How many there are."""
_LEAST = 1e-4
"""Share of power beside the peak that stands for none where logarithms are taken."""


def traits(x: Complex[Tensor, "n *shape"]) -> Float[Tensor, "n traits"]:
    """Logarithms of three numbers that say how rich a channel is.

    Its effective rank by power (angles against delays; squares of singular values), the share of
    its power that is not in the strongest bin, and how many bins its power is spread over. With
    delay and angular spread they do what large-scale parameters do in 3GPP TR 38.901, clause 7.5,
    step 4: they are drawn first, and what is small is drawn given them.

    Args:
        x: Angle-delay maps, none all zero.
    """
    rows = x.flatten(1, -2) if x.ndim > 2 else x[:, None]
    rows = rows if rows.shape[1] <= rows.shape[2] else rows.mT
    strengths = torch.linalg.eigvalsh(rows @ rows.mH).clamp(min=0)
    power = squared_magnitude(x).flatten(1)
    beside = 1 - power.amax(1) / power.sum(1)
    richness = [effective_rank(strengths), beside.clamp(min=_LEAST), effective_rank(power)]
    return torch.stack(richness, 1).log()
