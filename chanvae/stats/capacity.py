"""What a link could carry: spectral efficiency at a signal-to-noise ratio."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from chanvae.stats.fading import gain


def spectral_efficiency(
    h: Complex[Tensor, "*batch rx tx time freq"], snr_db: float = 10.0
) -> Float[Tensor, "*batch"]:
    r"""Spectral efficiency of each realisation without knowledge at the transmitter.

    .. math:: \mathrm{E}_{t,f} \log_2\det\Bigl(I + \frac{\rho}{N_t g} H H^H\Bigr)

    with the gain g of the realisation, so that every realisation has the mean signal-to-noise
    ratio ρ per receive antenna and its strength does not count.

    Args:
        h: Channel realisations.
        snr_db: Mean signal-to-noise ratio ρ per receive antenna [dB].

    Returns:
        Spectral efficiency [bit/s/Hz]; NaN where there is no power.

    References:
        Telatar, "Capacity of multi-antenna Gaussian channels", European Transactions on
        Telecommunications 10(6), 1999.
    """
    tx = h.shape[-3]
    x = h.movedim((-4, -3), (-2, -1))
    scale = 10 ** (snr_db / 10) / tx / gain(h)
    if min(x.shape[-2:]) == 1:
        power = (x.real.square() + x.imag.square()).sum((-2, -1), dtype=torch.float64)
        return (1 + scale[..., None, None] * power).log2().mean((-2, -1))
    gram = x @ x.mH if x.shape[-2] <= x.shape[-1] else x.mH @ x
    gram = gram.to(torch.complex128) * scale[..., None, None, None, None]
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    usable = gram.isfinite().all(-1, keepdim=True).all(-2, keepdim=True)
    log = torch.linalg.slogdet(eye + gram.where(usable, 0)).logabsdet / torch.log(
        eye.new_tensor(2).real
    )
    return log.where(usable[..., 0, 0], torch.nan).mean((-2, -1))
