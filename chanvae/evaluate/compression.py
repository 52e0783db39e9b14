"""A task: channel state information through a narrow autoencoder."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from chanvae.catalogue.grid import Grid

CODE = 64
"""Real numbers of the code."""
HIDDEN = 384
STEPS, BATCH, RATE = 600, 256, 2e-3


def compressor(h: Tensor, grid: Grid, seed: int = 0) -> Callable[[Tensor], Tensor]:
    """A small autoencoder of angle-delay maps with a code of :data:`CODE` real numbers.

    Args:
        h: Training channels of unit power, complex64 ``[n, rx, tx, time, freq]``.
        grid: Their axes.
        seed: Seed of weights and batches.

    Returns:
        Channels to what is left of them after compression.
    """
    transform = grid.angle_delay
    bins = h[0].numel()

    def forward(x: Tensor) -> tuple[Tensor, Tensor]:
        maps = transform.forward(transform.unfold(x)).flatten(1)
        peak = maps.gather(1, maps.abs().argmax(1, keepdim=True))
        phase = peak / peak.abs().clamp(min=1e-30)
        return torch.view_as_real(maps * phase.conj()).flatten(1), phase

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        net = nn.Sequential(
            nn.Linear(2 * bins, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, CODE),
            nn.Linear(CODE, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, 2 * bins),
        )
    data, _ = forward(h)
    optimizer = torch.optim.Adam(net.parameters(), RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(STEPS):
        x = data[torch.randint(len(data), (BATCH,), generator=generator)]
        loss = (net(x) - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    net.eval()

    def compress(x: Tensor) -> Tensor:
        planes, phase = forward(x)
        maps = torch.view_as_complex(net(planes).reshape(len(x), bins, 2)) * phase
        return transform.fold(transform.inverse(maps.reshape(len(x), *transform.shape)))

    return compress
