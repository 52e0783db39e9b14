"""The chance in a computation, taken out of it and handed in as an input."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_OTHER = {
    torch.normal, torch.randn_like, torch.rand_like, torch.randint, torch.randint_like,
    torch.randperm, torch.multinomial, torch.bernoulli, torch.poisson, Tensor.normal_,
    Tensor.uniform_, Tensor.exponential_, Tensor.bernoulli_, Tensor.multinomial,
}  # fmt: skip
"""What else draws: in a graph it would be drawn once, and be the same ever after."""


@dataclass(frozen=True)
class Needs:
    """What a computation draws for ``n`` realisations.

    Args:
        n: Realisations.
        normal: Standard normal numbers for each.
        uniform: Uniform numbers in [0, 1) for each.
    """

    n: int
    normal: int
    uniform: int


@dataclass(eq=False)
class Given(TorchFunctionMode):
    """Hands ``torch.randn`` and ``torch.rand`` prepared numbers instead of new ones, in order.

    A complex normal number takes two, the real parts of all before the imaginary ones. Whatever
    is drawn has realisations first.

    Args:
        normal: Standard normal numbers ``[n, …]``; none to count how many are needed.
        uniform: Uniform ones, likewise.

    Raises:
        NotImplementedError: Numbers of another kind are drawn in the block.
    """

    normal: Tensor | None = None
    uniform: Tensor | None = None
    used: dict[str, int] = field(default_factory=lambda: {"normal": 0, "uniform": 0})

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Any function of torch, on its way."""
        kwargs = kwargs or {}
        if func in _OTHER:
            raise NotImplementedError(f"{func.__name__} draws numbers of another kind")
        if func not in (torch.randn, torch.rand):
            return func(*args, **kwargs)
        shape = tuple(args[0] if args and not isinstance(args[0], int) else args)
        dtype = kwargs.get("dtype") or torch.get_default_dtype()
        kind = "normal" if func is torch.randn else "uniform"
        real = dtype.to_real()
        if not dtype.is_complex:
            return self._next(kind, shape).to(real)
        parts = [self._next(kind, shape).to(real) * math.sqrt(0.5) for _ in range(2)]
        return torch.complex(*parts)

    def _next(self, kind: str, shape: tuple[int, ...]) -> Tensor:
        """The next numbers of a kind."""
        size = math.prod(shape[1:])
        start = self.used[kind]
        self.used[kind] = start + size
        source = getattr(self, kind)
        if source is None:
            return torch.zeros(shape)
        return source[:, start : start + size].reshape(shape)


def needs(function: Callable[[], Any], n: int) -> Needs:
    """How much chance a function of ``n`` realisations takes; it is called once."""
    with Given() as given:
        function()
    return Needs(n, given.used["normal"], given.used["uniform"])
