"""What a user may ask a model for: conditions as typed, or those of another set."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chanvae.errors import DataError
from chanvae.run import Run, open_data
from chanvae.units import parse


def parse_conditions(run: Run, typed: Mapping[str, str]) -> dict[str, Any]:
    """Conditions as people type them (``80ns``) to SI values or categories of the model."""
    asked: dict[str, Any] = {}
    for name, text in typed.items():
        column = run.vector.column(name)
        if column.categories:
            found = [c for c in column.categories if str(c) == text]
            asked[name] = found[0] if found else text
        else:
            asked[name] = parse(text, column.unit, f"--{name.replace('_', '-')}")
    return asked


def conditions_like(run: Run, path: str, n: int) -> dict[str, np.ndarray]:
    """The conditions of the channels in a file, in order, repeated up to ``n``.

    A file that is not in chanvae's format is read as the training data were.
    """
    dataset = open_data(run.source, path)
    missing = [name for name in run.vector.names if name not in dataset.conditions]
    if missing:
        raise DataError(f"{path}: has no condition {missing[0]!r}, which the model needs")
    rows = np.arange(n) % len(dataset)
    return {name: dataset.conditions[name][rows] for name in run.vector.names}
