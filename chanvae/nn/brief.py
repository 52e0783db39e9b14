"""Convolutions in 16 bits, where they only steer training and the device does them natively."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import torch
from torch import Tensor

_ALLOWED: ContextVar[bool] = ContextVar("16 bits allowed", default=True)


@contextmanager
def allowed(sixteen_bits: bool) -> Iterator[None]:
    """Whether :func:`brief` does anything within."""
    token = _ALLOWED.set(sixteen_bits)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def brief(x: Tensor) -> AbstractContextManager[object]:
    """A context in which convolutions and linear layers compute in bfloat16.

    It does so while gradients are taken, for float32 on a processor or GPU with instructions for
    it; elsewhere it changes nothing. So what a fitted model says and draws is float32 everywhere.
    What comes out may have 16 bits; whoever goes on with it casts it back.

    Args:
        x: What goes in, ``[n, channels, *map]``.
    """
    wanted = _ALLOWED.get() and torch.is_grad_enabled() and x.dtype == torch.float32
    if wanted and _native(x.device):
        return torch.autocast(x.device.type, torch.bfloat16)
    return nullcontext()


def _native(device: torch.device) -> bool:
    """Whether there are instructions for bfloat16: on GPUs from Ampere on."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]
