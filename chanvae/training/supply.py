"""Registered maps that do not fit in memory: read ahead of the trainer, a pool at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.models.site import Registered
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose, align

_BLOCK = 1 << 20
"""Bytes of neighbouring realisations that stay together: as much as chanvae stores in a chunk."""
_POOL = 64
"""Blocks that are in memory together and whose realisations are mixed."""
_PIECE = 1 << 24
"""Bytes of channels that are aligned at a time."""


@dataclass(eq=False)
class FileMaps:
    """Registered maps of realisations that stay in their file; takes indices as a tensor does.

    An epoch goes through blocks of neighbouring realisations in random order; a pool of blocks
    is mixed in memory. While the trainer works on one pool a thread reads the next, on one core,
    as threads of its own would wait for those of the trainer. The poses
    are known, so that a realisation read again is aligned and nothing is sought. What comes
    depends on the order asked for and on nothing else.

    Args:
        dataset: The set.
        rows: Its realisations that are meant, ascending ``[n]``.
        pose: Their poses.
        grid: Axes of the maps.
        block: Realisations that stay together; by default 1 MiB of them.
        pool: Realisations in memory together; by default 64 blocks.
    """

    dataset: ChannelDataset
    rows: np.ndarray
    pose: Pose
    grid: AngleDelay
    block: int = 0
    pool: int = 0
    _order: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    _place: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    _ready: dict[int, Future[Tensor]] = field(default_factory=dict)
    _reader: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(
            1, "chanvae-reader", initializer=threadpool_limits, initargs=(1, "openmp")
        )
    )

    def __post_init__(self) -> None:
        self.block = self.block or max(_BLOCK // self._bytes, 1)
        self.pool = self.pool or _POOL * self.block

    def __len__(self) -> int:
        return len(self.rows)

    def order(self, generator: torch.Generator) -> Tensor:
        """Indices of an epoch, which is the one that is read ahead from now on ``[n]``."""
        count = -(-len(self) // self.block)
        blocks = torch.randperm(count, generator=generator)
        rows = blocks[:, None] * self.block + torch.arange(self.block)
        rows = rows[rows < len(self)]
        pools = rows.split(self.pool)
        self._order = torch.cat([p[torch.randperm(len(p), generator=generator)] for p in pools])
        self._place = torch.empty_like(self._order)
        self._place[self._order] = torch.arange(len(self))
        self._drop(lambda pool: True)
        return self._order

    def __getitem__(self, index: Tensor) -> Tensor:
        """Maps ``[len(index), *grid.shape]``, from the pools that are there or on their way."""
        place = self._place[index]
        pools = place // self.pool
        first, last = int(pools.min()), int(pools.max())
        self._drop(lambda pool: pool < first)
        for pool in range(first, min(last + 2, -(-len(self) // self.pool))):
            if pool not in self._ready:
                wanted = self._order[pool * self.pool : (pool + 1) * self.pool]
                self._ready[pool] = self._reader.submit(self.read, wanted)
        found = torch.empty(len(index), *self.grid.shape, dtype=torch.complex64)
        for pool in range(first, last + 1):
            mine = pools == pool
            found[mine] = self._ready[pool].result()[place[mine] - pool * self.pool]
        return found

    @torch.no_grad()
    def read(self, index: Tensor) -> Tensor:
        """Maps of any realisations, from the file at once ``[len(index), *grid.shape]``."""
        ordered, back = index.sort()
        found = torch.empty(len(index), *self.grid.shape, dtype=torch.complex64)
        for part, at in zip(ordered.split(self._piece), back.split(self._piece)):
            h = self.dataset[self.rows[part.numpy()]].tensor()
            found[at] = align(self.grid.unfold(h), self.pose[part], self.grid)
        return found

    def _drop(self, stale) -> None:
        """Forget pools that nobody will ask for again."""
        for pool in [pool for pool in self._ready if stale(pool)]:
            self._ready.pop(pool).cancel()

    @property
    def _bytes(self) -> int:
        return map_bytes(self.grid)

    @property
    def _piece(self) -> int:
        return max(_PIECE // self._bytes, 1)


def maps_of(data: Registered, rows: Tensor) -> Tensor:
    """Maps of those rows, where the conditions are; of a file they are read out of turn."""
    x = data.x.read(rows) if isinstance(data.x, FileMaps) else data.x[rows]
    return x.to(data.c.device)


def map_bytes(grid: AngleDelay) -> int:
    """Bytes of one map in memory."""
    return prod(grid.shape) * torch.complex64.itemsize
