"""Computations with complex numbers, written anew with real numbers alone.

ONNX has no complex tensors. A drawing is therefore traced to the operators it consists of, what
does not depend on its inputs is computed once, and every complex tensor becomes a pair of real
ones. No model need know of it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx

aten = torch.ops.aten


@dataclass(frozen=True)
class Pair:
    """A complex tensor as its real and its imaginary part."""

    real: Tensor
    imag: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Pair:
        """The same done to both parts."""
        return Pair(function(self.real), function(self.imag))


def real_graph(module: nn.Module, inputs: Sequence[Tensor]) -> fx.GraphModule:
    """A module on real tensors, complex inside, as a graph of operators on real tensors.

    Args:
        module: Takes and returns real tensors; its course depends on their shapes, not on their
            values.
        inputs: An example of them; the graph is for their shapes.

    Raises:
        NotImplementedError: It uses an operator on complex numbers that is not known here.
    """
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}

    def called(state: dict[str, Tensor], *given: Tensor) -> Any:
        return torch.func.functional_call(module, state, given)

    with torch.no_grad():
        plain = torch.func.functionalize(called, remove="mutations_and_views")
        traced = make_fx(lambda *given: plain(state, *given))(*inputs)
        parts = _Parts(traced)
        return make_fx(lambda *given: parts.run(*given))(*inputs)


class _Parts(fx.Interpreter):
    """Runs a graph with pairs in place of complex tensors."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        wanted = {str(node.target) for node in graph.graph.find_nodes(op="get_attr")}
        self.constants = {name: _parted(operator.attrgetter(name)(graph)) for name in wanted}

    def fetch_attr(self, target: str) -> Any:
        """A constant, in parts where it is complex."""
        return self.constants[target]

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One operator, on real tensors as it is, on pairs as :data:`_RULES` says."""
        packet = getattr(target, "overloadpacket", target)
        if packet in _VIEWS:
            packet = target = _VIEWS[packet]
        if packet in (aten.index, aten.index_put):  # a mask that is known, by its positions
            places = [_places(a) for a in args[1]]
            args = (args[0], places, *args[2:])
        if packet in _ALWAYS:
            return _ALWAYS[packet](*args, **kwargs)
        if not any(isinstance(a, Pair) for a in _flat(args)):
            found = super().call_function(target, args, _real(kwargs))
            dtype = kwargs.get("dtype")
            if isinstance(dtype, torch.dtype) and dtype.is_complex:
                return Pair(found, torch.zeros_like(found))
            return found
        if packet in _EACH:
            return args[0].map(lambda part: target(part, *args[1:], **kwargs))
        if packet in _RULES:
            return _RULES[packet](*args, **kwargs)
        raise NotImplementedError(f"{target} on complex numbers")


def _places(index: Any) -> Any:
    mask = isinstance(index, Tensor) and index.dtype == torch.bool and index.ndim == 1
    return index.nonzero().flatten() if mask else index


def _parted(value: Any) -> Any:
    if isinstance(value, Tensor) and value.is_complex():
        value = value.resolve_conj()
        return Pair(value.real.clone(), value.imag.clone())
    return value


def _flat(args: Any) -> list[Any]:
    return [b for a in args for b in (_flat(a) if isinstance(a, (list, tuple)) else [a])]


def _real(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same with the real type of the same precision for a complex one."""
    return {
        k: v.to_real() if isinstance(v, torch.dtype) and v.is_complex else v
        for k, v in kwargs.items()
    }


def _pair(value: Any) -> Pair:
    """A pair of anything that may stand beside one."""
    if isinstance(value, Pair):
        return value
    if isinstance(value, complex):
        return Pair(torch.tensor(value.real), torch.tensor(value.imag))
    value = value if isinstance(value, Tensor) else torch.tensor(value)
    return Pair(value, torch.zeros_like(value))


def _multiply(a: Any, b: Any) -> Pair:
    for one, other in ((a, b), (b, a)):
        if not isinstance(other, (Pair, complex)):
            return one.map(lambda part: part * other)  # noqa: B023
    a, b = _pair(a), _pair(b)
    return Pair(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


def _divide(a: Any, b: Any) -> Pair:
    if not isinstance(b, (Pair, complex)):
        return a.map(lambda part: part / b)
    b = _pair(b)
    size = b.real.square() + b.imag.square()
    return _multiply(a, Pair(b.real / size, -b.imag / size))


def _add(a: Any, b: Any, *, alpha: float = 1) -> Pair:
    a, b = _pair(a), _pair(b)
    return Pair(a.real + alpha * b.real, a.imag + alpha * b.imag)


def _matrix(product: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, Any], Pair]:
    def multiplied(a: Any, b: Any) -> Pair:
        if not isinstance(b, Pair):
            return a.map(lambda part: product(part, b))
        if not isinstance(a, Pair):
            return b.map(lambda part: product(a, part))
        return Pair(
            product(a.real, b.real) - product(a.imag, b.imag),
            product(a.real, b.imag) + product(a.imag, b.real),
        )

    return multiplied


def _fourier(x: Any, dims: Sequence[int], normalization: int, forward: bool) -> Pair:
    """The discrete Fourier transform along some axes, by the matrix of each."""
    x = _pair(x)
    for dim in dims:
        n = x.real.shape[dim]
        turn = torch.outer(torch.arange(n), torch.arange(n)) % n * (2 * math.pi / n)
        scale = (1.0, n**-0.5, 1 / n)[normalization]
        turn = turn.to(x.real.dtype)
        wave = Pair(scale * turn.cos(), (-scale if forward else scale) * turn.sin())
        last = x.map(lambda part: part.movedim(dim, -1))  # noqa: B023
        x = _matrix(torch.matmul)(last, wave).map(lambda part: part.movedim(-1, dim))  # noqa: B023
    return x


def _searched(
    ordered: Tensor, values: Tensor, *, right: bool = False, side: str | None = None, **_: Any
) -> Tensor:
    """``searchsorted`` by counting."""
    before, value = ordered[..., None, :], values[..., :, None]
    below = before <= value if right or side == "right" else before < value
    return below.to(torch.int64).sum(-1)


def _indexed(x: Pair, index: Any, values: Any, accumulate: bool = False) -> Pair:
    given = _pair(values)
    return Pair(
        aten.index_put(x.real, index, given.real.to(x.real.dtype), accumulate),
        aten.index_put(x.imag, index, given.imag.to(x.imag.dtype), accumulate),
    )


def _both(packet: Any) -> Callable[..., Pair]:
    """An operator that takes a second tensor of the same kind, on each part."""

    def done(a: Any, b: Any, *args: Any, **kwargs: Any) -> Pair:
        a, b = _pair(a), _pair(b)
        parts = ((a.real, b.real), (a.imag, b.imag))
        return Pair(*(packet(*part, *args, **kwargs) for part in parts))

    return done


def _several(packet: Any) -> Callable[..., Pair]:
    """An operator on a list of tensors, on each part."""

    def done(tensors: Sequence[Any], *args: Any) -> Pair:
        pairs = [_pair(t) for t in tensors]
        return Pair(packet([p.real for p in pairs], *args), packet([p.imag for p in pairs], *args))

    return done


def _listed(x: Pair, packet: Any, *args: Any) -> list[Pair]:
    """An operator that gives several tensors."""
    return [Pair(*parts) for parts in zip(packet(x.real, *args), packet(x.imag, *args))]


def _typed(x: Pair, *, dtype: torch.dtype | None = None, **_: Any) -> Any:
    """Another precision; a real type drops the imaginary part."""
    if dtype is None:
        return x
    return x.map(lambda p: p.to(dtype.to_real())) if dtype.is_complex else x.real.to(dtype)


def _added(x: Pair, axis: int, at: Tensor, other: Pair) -> Pair:
    parts = ((x.real, other.real), (x.imag, other.imag))
    return Pair(*(torch.index_add(into, axis, at, part) for into, part in parts))


def _like(value: float) -> Callable[..., Any]:
    def made(x: Pair, *, dtype: torch.dtype | None = None, **_: Any) -> Any:
        if dtype is not None and not dtype.is_complex:
            return torch.full_like(x.real, value, dtype=dtype)
        return Pair(torch.full_like(x.real, value), torch.zeros_like(x.real))

    return made


def _new(x: Pair, size: Sequence[int], *, dtype: torch.dtype | None = None, **_: Any) -> Any:
    zero = x.real.new_zeros(size, dtype=None if dtype is None else dtype.to_real())
    return zero if dtype is not None and not dtype.is_complex else Pair(zero, zero)


def _erf(x: Tensor) -> Tensor:
    """In float32: onnxruntime has it in no other precision."""
    return torch.erf(x.float()).to(x.dtype)


def _modulus(x: Pair) -> Tensor:
    return (x.real.square() + x.imag.square()).sqrt()


def _polar(modulus: Tensor, angle: Tensor) -> Pair:
    return Pair(modulus * angle.cos(), modulus * angle.sin())


_VIEWS = {
    getattr(aten, f"{name}_copy"): getattr(aten, name)
    for name in (
        "permute", "transpose", "t", "unsqueeze", "squeeze", "slice", "select", "expand", "alias",
        "detach", "diagonal", "_conj", "view_as_real", "view_as_complex", "unbind", "split",
        "split_with_sizes", "unfold", "as_strided",
    )
} | {aten.view_copy: aten.reshape}  # fmt: skip
"""What functionalising makes of views -> the views, which ONNX knows."""

_ALWAYS: dict[Any, Callable[..., Any]] = {
    aten.complex: Pair,
    aten.polar: _polar,
    aten.searchsorted: _searched,
    aten.special_ndtr: lambda x: 0.5 + 0.5 * _erf(x * math.sqrt(0.5)),
    aten.erf: _erf,
    aten.view_as_complex: lambda x: Pair(x[..., 0], x[..., 1]),
}
"""Operators that have a rule whatever they are given."""

_EACH = {
    aten.view, aten._unsafe_view, aten.reshape, aten.permute, aten.transpose, aten.t,
    aten.unsqueeze, aten.squeeze, aten.slice, aten.select, aten.expand, aten.clone, aten.alias,
    aten.detach, aten.index, aten.index_select, aten.gather, aten.roll, aten.flip, aten.sum,
    aten.mean, aten.neg, aten.constant_pad_nd, aten.lift_fresh_copy, aten.lift_fresh, aten.repeat,
    aten.contiguous, aten.diagonal, aten.movedim,
}  # fmt: skip
"""Operators that do the same to the real and to the imaginary part."""

_RULES: dict[Any, Callable[..., Any]] = {
    aten.mul: _multiply,
    aten.div: _divide,
    aten.add: _add,
    aten.sub: lambda a, b, *, alpha=1: _add(a, b, alpha=-alpha),
    aten.mm: _matrix(torch.mm),
    aten.bmm: _matrix(torch.bmm),
    aten.matmul: _matrix(torch.matmul),
    aten._fft_c2c: _fourier,
    aten.abs: _modulus,
    aten._conj: lambda x: Pair(x.real, -x.imag),
    aten._conj_physical: lambda x: Pair(x.real, -x.imag),
    aten.conj_physical: lambda x: Pair(x.real, -x.imag),
    aten.real: lambda x: x.real,
    aten.imag: lambda x: x.imag,
    aten.view_as_real: lambda x: torch.stack((x.real, x.imag), -1),
    aten.exp: lambda x: _polar(x.real.exp(), x.imag),
    aten.angle: lambda x: torch.atan2(x.imag, x.real),
    aten.unbind: lambda x, *axis: _listed(x, aten.unbind, *axis),
    aten.split: lambda x, *how: _listed(x, aten.split, *how),
    aten.split_with_sizes: lambda x, *how: _listed(x, aten.split_with_sizes, *how),
    aten.cat: _several(torch.cat),
    aten.stack: _several(torch.stack),
    aten.index_put: _indexed,
    aten.index_add: _added,
    aten.slice_scatter: _both(aten.slice_scatter),
    aten.select_scatter: _both(aten.select_scatter),
    aten.copy: lambda x, other, *_: _add(_pair(other), x.map(torch.zeros_like)),
    aten._to_copy: _typed,
    aten.zeros_like: _like(0.0),
    aten.ones_like: _like(1.0),
    aten.empty_like: _like(0.0),
    aten.new_zeros: _new,
    aten.new_empty: _new,
    aten.where: lambda keep, a, b: Pair(
        torch.where(keep, _pair(a).real, _pair(b).real),
        torch.where(keep, _pair(a).imag, _pair(b).imag),
    ),
}
"""Operators on complex tensors, in terms of their parts."""
