"""Several processes that train one model: each takes a part of every batch, all end up alike.

Without a launcher of several processes nothing here does anything. With one, a fit is that of one
process at the same batch but for the order in which numbers are added: a process draws the chance
of the whole batch and takes that of its rows, and gradients are averaged over all rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.overrides import TorchFunctionMode

from chanvae.errors import DataError, ToldError
from chanvae.launched import world

Value = TypeVar("Value")

PATIENCE = timedelta(minutes=30)
"""A process that does not answer for as long is given up, and with it the fit."""
_DRAWS = (torch.randn, torch.rand, torch.randint)


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that were launched together, until the block ends.

    Where there is but one, or they have joined already, nothing is done. The first that fails
    tells its error; the others, which fail for the lack of it, raise :class:`ToldError`.

    Raises:
        DataError: They do not find each other.
    """
    if world() == 1 or several():
        yield
        return
    from torch.distributed.rendezvous import rendezvous

    cuda = torch.cuda.is_available() and dist.is_nccl_available()
    try:
        store, rank, count = next(rendezvous("env://", timeout=PATIENCE))
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        dist.init_process_group(
            backend, store=store, rank=rank, world_size=count, timeout=PATIENCE
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"the processes launched together do not find each other ({reason}); start them with "
            "torchrun"
        ) from None
    try:
        yield
    except DataError as error:
        if _tells(store):
            raise
        raise ToldError(str(error)) from None
    finally:
        dist.destroy_process_group()


def _tells(store: dist.Store) -> bool:  # pyright: ignore[reportPrivateImportUsage]
    """Whether this is the first process to fail."""
    try:
        return store.add("chanvae failed", 1) == 1
    except RuntimeError:  # the launcher is gone, and nobody can say
        return True


def several() -> bool:
    """Whether processes have joined."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def first() -> bool:
    """Whether this is the process that writes and speaks, or the only one."""
    return not several() or dist.get_rank() == 0


def meet() -> None:
    """Wait for the other processes."""
    if several():
        _summed(torch.zeros(1))


def of_first(make: Callable[[], Value]) -> Value:
    """What ``make`` gives in the first process, in all of them; it must be such as JSON holds."""
    if not several():
        return make()
    text = json.dumps(make()).encode() if first() else b""
    length = _of_first(torch.tensor([len(text)]))
    held = torch.frombuffer(bytearray(text), dtype=torch.uint8) if first() else None
    held = torch.empty(int(length), dtype=torch.uint8) if held is None else held
    return json.loads(bytes(_of_first(held).tolist()))


@torch.no_grad()
def make_alike(tensors: Mapping[str, Tensor]) -> None:
    """Give tensors, of the same names and shapes in all processes, the values of the first."""
    if not several():
        return
    held = [t for t in tensors.values() if t.numel()]
    if not held:
        return
    raw = [t.detach().contiguous().reshape(-1).view(torch.uint8) for t in held]
    parts = _of_first(torch.cat(raw)).split([len(r) for r in raw])
    for tensor, part in zip(held, parts):
        tensor.copy_(part.clone().view(tensor.dtype).reshape(tensor.shape))


def in_turns(sizes: Sequence[int], make: Callable[[int], Tensor], device: torch.device) -> Tensor:
    """Figures of rows that the processes work out in turns, the same in all of them.

    Args:
        sizes: Rows of each part.
        make: Number of a part to its figures, float64 ``[n, figures]``. It must not depend on who
            makes it, nor on what was made before.
        device: Where the figures are.
    """
    if not several():
        return torch.cat([make(k) for k in range(len(sizes))])
    mine = range(dist.get_rank(), len(sizes), dist.get_world_size())
    made = {k: make(k) for k in mine}
    figures = of_first(lambda: made[0].shape[1])
    nothing = torch.zeros(max(sizes), figures, dtype=torch.float64, device=device)
    return _summed(torch.cat([made.get(k, nothing[:n]) for k, n in enumerate(sizes)]))


@dataclass(frozen=True)
class Part:
    """The rows of a batch that a process takes.

    Args:
        rows: These ``[n]``, which stand together in the batch.
        start: Where in the batch they begin.
        of: Rows of the batch.
    """

    rows: Tensor
    start: int
    of: int

    @property
    def weight(self) -> float:
        """Share of the batch."""
        return len(self.rows) / self.of


_TAKEN: ContextVar[Part | None] = ContextVar("part of a batch", default=None)


def part_of(batch: Tensor) -> Part:
    """The rows of a batch ``[n]`` that this process takes: as many as others, or one more.

    Raises:
        DataError: There are fewer rows than processes.
    """
    if not several():
        return Part(batch, 0, len(batch))
    rank, count = dist.get_rank(), dist.get_world_size()
    if len(batch) < count:
        raise DataError(
            f"{count} processes cannot share a batch of {len(batch)}; start fewer, or raise "
            "training.optimisation.batch and its like with --set"
        )
    start, stop = (len(batch) * k // count for k in (rank, rank + 1))
    return Part(batch[start:stop], start, len(batch))


@contextmanager
def taking(part: Part) -> Iterator[None]:
    """Compute on a part of a batch: what is drawn for its rows is what the batch would draw.

    Draws whose first dimension is as long as the part are meant; others are alike everywhere.
    """
    if len(part.rows) == part.of:
        yield
        return
    token = _TAKEN.set(part)
    try:
        with _ChanceOfRows():
            yield
    finally:
        _TAKEN.reset(token)


@contextmanager
def alike() -> Iterator[None]:
    """Draw alike in all processes, whatever the shape."""
    token = _TAKEN.set(None)
    try:
        yield
    finally:
        _TAKEN.reset(token)


class _ChanceOfRows(TorchFunctionMode):
    """Draws for all rows of the batch, and gives those of the part that is taken."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Any function of torch, on its way."""
        kwargs = kwargs or {}
        part = _TAKEN.get() if func in _DRAWS else None
        if part is None or not args:
            return func(*args, **kwargs)
        before, shape = ((), args) if isinstance(args[-1], int) else (args[:-1], args[-1])
        if not shape or shape[0] != len(part.rows):
            return func(*args, **kwargs)
        drawn = func(*before, (part.of, *shape[1:]), **kwargs)
        return drawn[part.start : part.start + len(part.rows)]


def overall(mean: Tensor) -> Tensor:
    """A mean over the part of a batch as that over the batch, with the gradient of the part."""
    part = _TAKEN.get()
    if part is None:
        return mean
    own = mean.detach()
    return mean + (_summed(own * part.weight) - own)


def whole(values: Tensor) -> Tensor:
    """Values of the rows of a part ``[n, …]`` as those of the batch ``[batch, …]``.

    The gradient goes to the rows of the part alone, so weighted that averaged gradients are those
    of one process.
    """
    part = _TAKEN.get()
    if part is None:
        return values
    found = values.new_zeros(part.of, *values.shape[1:])
    stop = part.start + len(part.rows)
    found[part.start : stop] = values.detach()
    found = _summed(found)
    if not values.requires_grad:
        return found
    own = values + (1 / part.weight - 1) * (values - values.detach())
    return torch.cat([found[: part.start], own, found[stop:]])


def average(
    weights: Iterable[torch.nn.Parameter], terms: Mapping[str, Tensor], flags: Sequence[bool]
) -> tuple[dict[str, float], list[bool]]:
    """Average over the processes what a step found, in one exchange.

    Args:
        weights: Whose gradients are replaced by their sum over the processes; those of each are
            of its loss times the weight of its part.
        terms: Named terms ``[n]`` of the loss.
        flags: What any of the processes may say.

    Returns:
        The mean of each term over the batch, and whether any process raised each flag.
    """
    means = {name: value.detach().mean() for name, value in terms.items()}
    part = _TAKEN.get()
    if part is None:
        return {name: float(mean) for name, mean in means.items()}, list(flags)
    moved = [w for w in weights if w.grad is not None]
    figures = torch.stack([mean.float() * part.weight for mean in means.values()])
    raised = figures.new_tensor([float(flag) for flag in flags])
    grads = [w.grad.reshape(-1) for w in moved if w.grad is not None]
    flat = _summed(torch.cat([*grads, figures, raised]))
    pieces = flat.split([*(len(g) for g in grads), len(figures), len(raised)])
    for weight, piece in zip(moved, pieces):
        weight.grad = piece.view_as(weight)
    found = dict(zip(means, pieces[-2].tolist()))
    return found, [k > 0 for k in pieces[-1].tolist()]


def _summed(tensor: Tensor) -> Tensor:
    """The sum over all processes, in place."""
    with _answered():
        dist.all_reduce(tensor)
    return tensor


def _of_first(tensor: Tensor) -> Tensor:
    """The tensor of the first process, in place."""
    with _answered():
        dist.broadcast(tensor, 0)
    return tensor


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except RuntimeError:
        raise DataError(
            "another process of this fit has ended or does not answer; see what it said, and go "
            "on with --resume"
        ) from None
