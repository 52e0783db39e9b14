"""A training that stopped, in one safetensors file: no pickle, whole or not there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialize
from torch import Tensor

from chanvae.errors import DataError
from chanvae.files import whole


def save(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors and a JSON header; a file that exists is replaced."""
    flat = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    metadata = {k: json.dumps(v) for k, v in header.items()}
    with whole(path, overwrite=True) as temporary:
        temporary.write_bytes(serialize(flat, metadata))


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
    except (SafetensorError, json.JSONDecodeError, OSError) as error:
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
