"""Whether there is memory for a fit, before it takes any."""

from __future__ import annotations

import os
from math import prod

import torch
from torch import Tensor

from chanvae.config import FitConfig, Rival
from chanvae.errors import DataError
from chanvae.models.cvae import CVAE
from chanvae.models.family import model_of
from chanvae.nn.brief import allowed
from chanvae.training.supply import map_bytes
from chanvae.transforms.angle_delay import AngleDelay

SMALL = 1 << 14
"""Maps of fewer bins fit wherever torch does."""
_COPIES = 9
"""Numbers held for each weight: itself, gradient, two moments, and what can be gone back to."""
_DRAWN = 1024
"""Maps in memory together when a model is calibrated, twice."""


def require_memory(
    grid: AngleDelay, context: int, config: FitConfig, count: int, device: torch.device
) -> None:
    """Refuse channels whose fit takes more than the machine has, by what it takes at least.

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: What to fit.
        count: Training realisations.
        device: Where networks compute.

    Raises:
        DataError: There is less memory than the weights and a step of training need, or the maps
            that are drawn together.
    """
    if prod(grid.shape) < SMALL:
        return
    weights, each = _network(grid, context, config)
    how = config.model if isinstance(config.model, Rival) else config.training
    step = min(how.optimisation.batch, count) * each
    drawn = 2 * min(_DRAWN, count) * map_bytes(grid)
    needed, there = max(_COPIES * weights + step, drawn), _memory(device)
    if there and needed > there:
        shape = " x ".join(map(str, grid.shape))
        raise DataError(
            f"channels of {shape}: fitting {config.model.kind} to them takes at least "
            f"{needed / 1e9:,.1f} GB of memory ({_COPIES * weights / 1e9:,.1f} for weights, "
            f"{step / 1e9:,.1f} for a step of training, {drawn / 1e9:,.1f} for draws), and there "
            f"are {there / 1e9:,.1f} GB; take fewer antennas, subcarriers (--mask) or times, or a "
            "smaller network (--set)"
        )


def _network(grid: AngleDelay, context: int, config: FitConfig) -> tuple[int, int]:
    """Bytes of the weights, and of what a realisation leaves behind for its gradient.

    Both are counted on tensors without memory; where a likelihood keeps more, it is not counted.
    """
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[id(tensor.untyped_storage())] = tensor
        return tensor

    with torch.random.fork_rng(devices=[]), torch.device("meta"), allowed(False):
        model = model_of(grid, context, config.model)
        if isinstance(model, CVAE):
            x = torch.zeros(1, *grid.shape, dtype=torch.complex64)
            told = torch.zeros(1, context)
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                model.decoder(model.encode(x, told)[0], told)
    own = {id(p.untyped_storage()) for p in model.parameters()}
    each = sum(t.untyped_storage().nbytes() for key, t in kept.items() if key not in own)
    return sum(p.untyped_storage().nbytes() for p in model.parameters()), each


def _memory(device: torch.device) -> int:
    """Bytes of memory there; 0 where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
