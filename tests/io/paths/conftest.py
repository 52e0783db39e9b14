"""Files of paths, faithfully made."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

Write = Callable[..., Path]


@pytest.fixture
def sionna_file(tmp_path: Path) -> Write:
    """Writes ``a`` and ``tau`` as Sionna gives them, HDF5 or npz, and gives path, a, tau."""

    def write(
        batch: int = 70, num_rx: int = 1, full: bool = False, kind: str = "h5", late: float = 1.0
    ) -> tuple[Path, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        shape = (batch, num_rx, 2, 1, 3, 6, 1)
        a = (rng.normal(size=(*shape, 2)).view(complex)[..., 0]).astype(np.complex64)
        tau = rng.uniform(0, 300e-9, (*shape[:5], 6) if full else (batch, num_rx, 1, 6)) * late
        gone = rng.random(tau.shape[:2] + (6,)) < 0.3
        gone[0, 0] = True  # a link without a path
        gone[1, 0] = [False] + [True] * 5  # one with one
        wide = gone[:, :, None, None, None] if full else gone[:, :, None]
        tau = np.where(np.broadcast_to(wide, tau.shape), -1.0, tau).astype(np.float32)
        path = tmp_path / f"cir.{kind}"
        if kind == "npz":
            np.savez(path, a=a, tau=tau)
        else:
            with h5py.File(path, "w") as file:
                file["a"], file["tau"] = a, tau
        return path, a, tau

    return write


@pytest.fixture
def deepmimo_values() -> dict[str, np.ndarray]:
    """80 users, at most 5 paths, NaN-padded; user 0 has none, user 1 has one."""
    rng = np.random.default_rng(1)
    there = np.arange(5) < rng.integers(1, 6, 80)[:, None]
    there[0], there[1] = False, np.arange(5) == 0
    values = {
        "power": rng.uniform(-130, -90, (80, 5)),
        "phase": rng.uniform(-180, 180, (80, 5)),
        "delay": rng.uniform(1e-7, 1e-6, (80, 5)),
        "aoa_az": rng.uniform(-180, 180, (80, 5)),
        "aoa_el": rng.uniform(60, 120, (80, 5)),
        "aod_az": rng.uniform(-60, 60, (80, 5)),
        "aod_el": rng.uniform(60, 120, (80, 5)),
        "inter": rng.choice([0.0, 1.0, 11.0, 2.0], (80, 5)),
    }
    return {k: np.where(there, v, np.nan).astype(np.float32) for k, v in values.items()}
