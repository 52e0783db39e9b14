"""A training that stopped, in one safetensors file: no pickle, whole or not there."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from chanvae.errors import DataError
from chanvae.files import whole

_SLACK = 1 << 25
"""Numbers that any model may take beside its weights."""
_LEAST = 1 << 12
"""Numbers that a tensor counts for at least."""


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header; a file that exists is replaced."""
    flat = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    metadata = {k: json.dumps(v) for k, v in header.items()}
    with whole(path, overwrite=True) as temporary:
        temporary.write_bytes(_ordered(serialize(flat, metadata)))


def _ordered(content: bytes) -> bytes:
    """A safetensors file with its metadata in order, which its writer draws by lot."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[start:]


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save` wrote.

    Raises:
        DataError: The file is missing or is not a safetensors file.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; is its folder a run that `chanvae fit` made?")
    try:
        with safe_open(path, framework="pt") as file:
            header = {k: json.loads(v) for k, v in (file.metadata() or {}).items()}
            return {k: file.get_tensor(k) for k in file.keys()}, header  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, RecursionError, OSError) as error:
        raise DataError(f"{path}: not a file that chanvae wrote, or cut short ({error})") from None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of AdamW by parameter number."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer.{i}.{k}": v for i, entry in state.items() for k, v in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what :func:`optimizer_tensors` gave."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, number, name = key.split(".")
            state.setdefault(int(number), {})[name] = value.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under ``prefix.``, without it."""
    start = prefix + "."
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}


def prefixed(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The inverse of :func:`part`."""
    return {f"{prefix}.{k}": v for k, v in tensors.items()}


class Allowance(TorchDispatchMode):
    """Refuses to make much larger tensors than those of a file, whose header may be a stranger's.

    Args:
        tensors: What the file holds.

    Raises:
        ValueError: What is made in the block would take several times as much.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._left = _SLACK + 4 * sum(t.numel() for t in tensors.values())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here: to be kept out of it would import all of torch's compiler."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Any operator, on its way; those that make tensors begin with a size or a number."""
        first = args[0] if args else ()
        if isinstance(first, (list, tuple)) and all(isinstance(k, int) for k in first):
            self._left -= max(math.prod(first), _LEAST)
        elif isinstance(first, int) and "arange" in func.__name__:
            self._left -= max((k for k in args if isinstance(k, int)), default=0)
        if self._left < 0:
            raise ValueError("its header names a far larger model than it holds")
        return func(*args, **(kwargs or {}))
