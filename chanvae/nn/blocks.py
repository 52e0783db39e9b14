"""Pieces of the networks: patches of a map, residual blocks steered by a context."""

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from chanvae.nn.brief import brief


def convolution(
    axes: int, inputs: int, outputs: int, size: int = 1, stride: tuple[int, ...] | int = 1
) -> nn.Module:
    """A convolution over a coarse map of that many axes; a linear layer where it has none."""
    if axes == 0:
        return nn.Linear(inputs, outputs)
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: Sliced}[axes]
    return kind(inputs, outputs, size, stride, padding=size // 2)


class Sliced(nn.Conv3d):
    """A convolution over three axes as one over the last two, of neighbouring slices of the first.

    In 32 bits it is PyTorch's own, about as fast. In 16 bits on a processor gradients of the
    weights of that one are, over short axes (2 x 2 x 8), of memory that nobody wrote (PyTorch
    2.13, oneDNN).
    """

    def forward(self, input: Tensor) -> Tensor:
        """``input`` is ``[n, inputs, *map]``."""
        reach, step = self.kernel_size[0], self.stride[0]
        pad = reach // 2
        x = nn.functional.pad(input.movedim(2, 1), (0, 0) * 3 + (pad, pad))  # slices second
        slices = (x.shape[1] - reach) // step + 1
        last = step * (slices - 1) + 1
        near = torch.cat([x[:, k : k + last : step] for k in range(reach)], dim=2).flatten(0, 1)
        weight = self.weight.movedim(2, 1).flatten(1, 2)
        y = nn.functional.conv2d(near, weight, self.bias, self.stride[1:], pad)
        return y.unflatten(0, (-1, slices)).movedim(1, 2)


@dataclass(frozen=True)
class Patches:
    """How a map is cut into patches, so that convolutions see one to three axes.

    An axis not longer than the patch is one patch wide, and vanishes from the coarse map; where
    more than three axes would remain, the shortest vanish too.

    Args:
        shape: Shape of a map.
        patch: Bins of a patch along a long axis.
    """

    shape: tuple[int, ...]
    patch: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bins of a patch along each axis."""
        longest = sorted(range(len(self.shape)), key=lambda a: -self.shape[a])[:3]
        return tuple(
            self.patch if a in longest and n > self.patch else n for a, n in enumerate(self.shape)
        )

    @property
    def counts(self) -> tuple[int, ...]:
        """Patches along each axis, the last one padded."""
        return tuple(-(-n // p) for n, p in zip(self.shape, self.sizes))

    @property
    def coarse(self) -> tuple[int, ...]:
        """Shape of the coarse map that convolutions see."""
        return tuple(c for c in self.counts if c > 1) or (1,)

    def cut(self, planes: Tensor) -> Tensor:
        """``[n, planes, *shape]`` to ``[n, planes * bins of a patch, *coarse]``."""
        pad = [x for n, c, p in zip(self.shape, self.counts, self.sizes) for x in (c * p - n, 0)]
        planes = nn.functional.pad(planes, pad[::-1])
        split = [x for c, p in zip(self.counts, self.sizes) for x in (c, p)]
        d = len(self.shape)
        order = [0, 1, *range(3, 3 + 2 * d, 2), *range(2, 2 + 2 * d, 2)]
        planes = planes.reshape(*planes.shape[:2], *split).permute(order)
        return planes.reshape(len(planes), -1, *self.coarse)

    def join(self, coarse: Tensor, planes: int) -> Tensor:
        """The inverse of :meth:`cut`: ``[n, planes, *shape]``, the padding dropped."""
        d = len(self.shape)
        x = coarse.reshape(len(coarse), planes, *self.sizes, *self.counts)
        order = [0, 1, *(2 + a + (0 if inner else d) for a in range(d) for inner in (0, 1))]
        x = x.permute(order)
        x = x.reshape(len(x), planes, *(c * p for c, p in zip(self.counts, self.sizes)))
        return x[(slice(None), slice(None), *(slice(n) for n in self.shape))]

    def features(self, planes: int) -> int:
        """Channels of a coarse map made of ``planes``."""
        return planes * prod(self.sizes)


class Modulated(nn.Module):
    """Residual block: 3-convolution, group norm, scale and shift from the context, 1-convolution.

    With ``pooled``, the mean over the map is added back through a linear layer, so that distant
    places can agree.
    """

    def __init__(self, axes: int, width: int, context: int, pooled: bool = False) -> None:
        super().__init__()
        self.spread = convolution(axes, width, width, 3)
        self.norm = nn.GroupNorm(8, width)
        self.steer = nn.Linear(context, 2 * width)
        self.mix = convolution(axes, width, width)
        self.pool = nn.Linear(width, width) if pooled and axes else None
        nn.init.zeros_(next(self.mix.parameters()))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """``x`` is ``[n, width, *coarse]``, ``context`` ``[n, context]``."""
        ones = [1] * (x.ndim - 2)
        scale, shift = self.steer(context).unflatten(1, (-1, *ones)).chunk(2, dim=1)
        y = self.norm(self.spread(x)) * (1 + scale) + shift
        if self.pool is not None:
            y = y + self.pool(x.flatten(2).mean(2)).unflatten(1, (-1, *ones))
        return x + self.mix(nn.functional.silu(y))


class Trunk(nn.Module):
    """Residual blocks in a row, all steered by the same context."""

    def __init__(
        self, axes: int, width: int, context: int, blocks: int, pooled: bool = False
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Modulated(axes, width, context, pooled) for _ in range(blocks))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """``x`` is ``[n, width, *coarse]``, ``context`` ``[n, context]``."""
        with brief(x):
            for block in self.blocks:
                x = block(x, context)
        return x.to(context.dtype)


def perceptron(inputs: int, width: int, layers: int, outputs: int) -> nn.Sequential:
    """Linear layers with SiLU between them."""
    sizes = [inputs] + [width] * layers
    inner = [m for a, b in zip(sizes, sizes[1:]) for m in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*inner, nn.Linear(width, outputs))
