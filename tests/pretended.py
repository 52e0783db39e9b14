"""A GPU that is pretended: tensors that say they are on ``cuda``, and are computed here.

What PyTorch refuses on a GPU is refused: tensors of both devices in one operation, a draw on one
device from a generator of the other, numpy of what is not in memory of the processor. So code that
makes a tensor in the wrong place is found without a GPU. What a GPU computes is not.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

from chanvae import threads
from chanvae.threads import alone

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
INDEXED = ("aten::index", "aten::index_put_", "aten::_index_put_impl_", "aten::_unsafe_index")
"""What takes indices in the memory of the processor."""


class Pretended(Tensor):
    """A tensor that says it is on the GPU; PyTorch itself takes it for one of the processor."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> "Pretended":
        place = {"strides": held.stride(), "storage_offset": held.storage_offset()}
        made = Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, **place)
        made.held = held
        return made

    @property
    def device(self) -> torch.device:
        return CUDA

    @property
    def is_cuda(self) -> bool:
        return True

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _computed(func, args, kwargs or {})

    def __repr__(self) -> str:
        return f"Pretended({self.held})"


class Generator(torch.Generator):
    """A generator that knows which device it is said to draw on."""

    def __new__(cls, device: torch.device | str = CPU) -> "Generator":
        made = super().__new__(cls)
        made.said = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.said


class _Operators(TorchDispatchMode):
    """What is made on ``cuda`` is pretended, and what PyTorch makes inside a function of such."""

    inside = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if self.inside and "device" in kwargs:
            kwargs["device"] = CUDA
        return _computed(func, args, kwargs)


def _computed(func, args, kwargs):
    """An operator on what pretended tensors hold; its result is where they are."""
    name, asked = func._schema.name, kwargs.get("device")
    met = [*args[:1], *args[2:]] if name in INDEXED else [args, kwargs]
    tensors = [t for t in tree_leaves(met) if isinstance(t, Tensor)]
    there = [t.is_cuda for t in tensors]
    if name in INDEXED and not there[0] and any(isinstance(t, Pretended) for t in args[1]):
        raise RuntimeError(f"{name}: indices on cuda of a tensor on cpu")
    mixed = [t for t, cuda in zip(tensors, there) if not cuda and t.ndim]
    if any(there) and mixed and name != "aten::copy_":
        raise RuntimeError(f"{name}: tensors on both cuda and cpu")
    if asked is not None:
        kwargs = {**kwargs, "device": CPU}
    plain = tree_map_only(Pretended, lambda t: t.held, (args, kwargs))
    found = func(*plain[0], **plain[1])
    onto = "cuda" if any(there) else torch.device(asked or CPU).type
    if onto == "cpu" or name == "aten::copy_" and not there[0]:
        return args[0] if name == "aten::copy_" else found
    found = tree_map_only(Tensor, lambda t: Pretended(t.resolve_conj().resolve_neg()), found)
    return return_and_correct_aliasing(func, args, kwargs, found) if any(there) else found


class _Functions(TorchFunctionMode):
    """What moves tensors between devices, and what needs them in memory of the processor."""

    def __init__(self, operators: _Operators) -> None:
        super().__init__()
        self._operators = operators

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is Tensor.new_tensor:
            return _moved(func(*args, **kwargs), args[0].device)
        if func in (Tensor.to, Tensor.cpu):
            return _to(args[0], *(args[1:] if func is Tensor.to else [CPU]), **kwargs)
        if args and isinstance(args[0], Pretended) and func is Tensor.numpy:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        if args and isinstance(args[0], Pretended) and func is Tensor.tolist:
            return args[0].held.tolist()
        drawn, onto = kwargs.get("generator"), torch.device(kwargs.get("device") or CPU)
        if drawn is not None and drawn.device.type != onto.type:
            raise RuntimeError(f"{func}: a generator on {drawn.device} for a draw on {onto}")
        before = self._operators.inside
        known = [args[:1] if func is Tensor.__deepcopy__ else args, kwargs]  # not of the memo
        self._operators.inside = before or any(
            isinstance(t, Pretended) for t in tree_leaves(known)
        )
        try:
            return func(*args, **kwargs)
        finally:
            self._operators.inside = before


def _made(maker):
    """``torch.tensor`` and the like, which no operator is asked for."""

    def make(data, *args, device=None, **kwargs):
        onto = device or getattr(data, "device", CPU)
        return _moved(maker(data, *args, **kwargs), torch.device(onto))

    return make


def _to(tensor: Tensor, *asked, **kwargs) -> Tensor:
    onto, kind = tensor.device, tensor.dtype
    for value in (*asked, *kwargs.values()):
        if isinstance(value, Tensor):
            onto, kind = value.device, value.dtype
        elif isinstance(value, torch.dtype):
            kind = value
        elif isinstance(value, (str, torch.device)):
            onto = torch.device(value)
    with torch._C.DisableTorchFunction():
        return _moved(tensor, onto).to(kind)


def _moved(tensor: Tensor, onto: torch.device) -> Tensor:
    if tensor.device.type == onto.type:
        return tensor
    tensor = tensor.detach()
    return Pretended(tensor.clone()) if onto.type == "cuda" else tensor.held.clone()


def _beside() -> None:
    """The same on another thread, till it ends."""
    alone()
    operators = _Operators()
    operators.__enter__()
    _Functions(operators).__enter__()


@contextmanager
def gpu() -> Iterator[None]:
    """Within, there is one, without 16 bits."""
    with pytest.MonkeyPatch.context() as patch, _Operators() as it, _Functions(it):
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 0))
        patch.setattr(torch, "Generator", Generator)
        for name in ("tensor", "as_tensor"):
            patch.setattr(torch, name, _made(getattr(torch, name)))
        patch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        if not torch.cuda.is_available():
            patch.setattr(torch.cuda, "_lazy_init", lambda: None)
            patch.setattr(torch.backends.cudnn, "is_acceptable", lambda tensor: False)
            patch.setattr(torch.cuda, "get_rng_state", lambda device: None)
            patch.setattr(torch.cuda, "set_rng_state", lambda state, device: None)
        patch.setattr(threads, "alone", _beside)
        yield
