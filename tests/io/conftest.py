"""Small sets of channels, and files of every foreign kind."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset, Meta
from tests.conftest import shared


def channels(*shape: int, seed: int = 0) -> np.ndarray:
    """Complex64 noise."""
    values = np.random.default_rng(seed).standard_normal((*shape, 2), np.float32)
    return values.view(np.complex64)[..., 0]


@pytest.fixture
def dataset() -> ChannelDataset:
    rng = np.random.default_rng(1)
    return ChannelDataset(
        h=channels(100, 2, 4, 1, 8),
        freq=(np.arange(8) - 4) * 30e3,
        conditions={
            "delay_spread": rng.random(100) * 1e-7,
            "location": rng.choice(["hall", "Büro", ""], 100),
            "los": rng.integers(0, 2, 100, np.int8),
        },
        condition_units={"delay_spread": "s"},
        rx_array=ArrayGeometry.line(2),
        tx_array=ArrayGeometry(rows=2, columns=2, row_spacing=0.7),
        groups={"day": rng.integers(2, 9, 100)},
        meta=Meta(3.5e9, "none", "rms", "", {"licence": "MIT", "seed": np.int64(3)}),
    )


@pytest.fixture
def foreign(tmp_path: Path) -> Callable[..., Path]:
    """Writes arrays and attributes to a file, and gives its path."""

    def write(attributes: dict | None = None, /, **arrays: np.ndarray) -> Path:
        path = tmp_path / "meas.h5"
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
            file.attrs.update(attributes or {})
        return path

    return write


@pytest.fixture
def measured() -> Callable[[str], Path]:
    """The path of a measured file; the test skips where there is none."""
    return shared
