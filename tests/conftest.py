"""Fixtures for every test: small channels, a small fit, and a guard on torch's global state."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.config import FitConfig
from chanvae.evaluate import figures
from chanvae.presets import configure
from chanvae.run import Run
from chanvae.training import fit as fit_module
from chanvae.training import loop, record
from chanvae.training.fit import fit
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.condition_vector import Column, ConditionVector

DATA = Path(__file__).parents[2] / "shared" / "data"


def steps(count: int) -> list[str]:
    """Settings that cut every stage of ``quick`` to so many steps."""
    stages = "training.optimisation", "training.pose", "model.prior.optimisation"
    return [f"{stage}.steps={count}" for stage in stages]


SHORT = [
    *steps(40),
    "training.optimisation.batch=64",
    "model.network.width=16",
    "model.prior.optimisation.batch=64",
    "model.prior.width=32",
]
"""Settings that make a fit short; what comes out is a model, though not a good one."""
SHORT_DEFAULT = [
    *SHORT,
    "training.refinement.steps=10",
    "model.selection.optimisation.steps=60",
]
"""The same of a preset with all stages."""

SHIPPED = (loop, "VALIDATIONS", loop.VALIDATIONS), (fit_module, "DRAWS", fit_module.DRAWS)
"""What processes of their own, which no fixture reaches, look at."""


@pytest.fixture(autouse=True, scope="session")
def _short_of_looks():
    """A short fit spends its time on validations, checkpoints and calibration otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "VALIDATIONS", 6)
        patch.setattr(fit_module, "DRAWS", 512)
        yield


@pytest.fixture(autouse=True)
def _global_generator_untouched():
    """Nothing in the package may draw from or seed torch's global generator."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state()), "torch's global generator was changed"


@pytest.fixture
def undrawn(monkeypatch):
    """A report without figures, for who asks something else of it."""
    monkeypatch.setattr(figures, "svg", lambda plot, **size: "<svg/>")


def shared(name: str) -> Path:
    """A file of the folder beside the checkout; the test skips, saying so, where it is absent."""
    if not (DATA / name).is_file():
        pytest.skip(f"no {name} in ../shared/data beside the checkout")
    return DATA / name


@contextmanager
def stopped_at(step: int, stage: str | None = None) -> Iterator[None]:
    """The fit within is stopped after its first checkpoint from that step (of that stage) on."""
    save = record.save

    def stop(path, tensors, header):
        save(path, tensors, header)
        position = header["position"]
        if stage in (None, position["stage"]) and position["step"] >= step:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(record, "save", stop)
        yield


NAMELESS = ConditionVector((Column("first"), Column("second")))
"""Two conditions that cannot be computed from channels."""


def template(grid: AngleDelay) -> ChannelDataset:
    """A set of those axes without realisations, subcarriers 1 MHz apart."""
    return ChannelDataset(
        h=np.zeros(
            (0, grid.rx_array.size, grid.tx_array.size, grid.time, grid.freq), np.complex64
        ),
        freq=(np.arange(grid.freq) - grid.freq // 2) * 1e6,
        time=np.arange(grid.time) * 1e-3,
        rx_array=grid.rx_array,
        tx_array=grid.tx_array,
    )


def paths(n: int, rx: int = 4, freq: int = 16, seed: int = 0) -> ChannelDataset:
    """Sums of a few random paths at a uniform linear array, from the definition."""
    rng = np.random.default_rng(seed)
    power = rng.exponential(1.0, (n, 5)) * 10 ** rng.uniform(-2, 0, (n, 5))
    gain = np.sqrt(power) * np.exp(2j * math.pi * rng.random((n, 5)))
    delay = np.sort(rng.exponential(3.0 / freq, (n, 5)).clip(max=0.8), axis=1)
    angle = 0.3 * rng.uniform(-1, 1, (n, 1)) + 0.05 * rng.normal(size=(n, 5))
    antennas, frequencies = np.arange(rx), np.arange(freq)
    space = np.exp(2j * math.pi * angle[:, :, None] * antennas)
    band = np.exp(-2j * math.pi * delay[:, :, None] * frequencies)
    h = np.einsum("np,npr,npf->nrf", gain, space, band)[:, :, None, None, :]
    level = 10 ** rng.normal(-3, 0.3, n)
    return ChannelDataset(
        h=(h * level[:, None, None, None, None]).astype(np.complex64),
        freq=(frequencies - freq // 2) * 1e6,
        conditions={"los": (power.max(1) > 0.7 * power.sum(1)).astype(np.int64)},
        condition_units={"los": "1"},
        rx_array=ArrayGeometry(columns=rx),
    )


@pytest.fixture(scope="session")
def measured() -> ChannelDataset:
    return paths(600)


@pytest.fixture(scope="session")
def short() -> FitConfig:
    return configure("quick", SHORT, {"data.conditions": ["los"]})


@pytest.fixture(scope="session")
def run(measured: ChannelDataset, short: FitConfig, tmp_path_factory) -> Run:
    """A fitted run in a directory. Tests read it and leave it as it is."""
    folder: Path = tmp_path_factory.mktemp("fitted") / "run"
    return fit(measured, folder, short)
