"""A fit that cannot be held in memory is refused before it begins."""

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.models.context import Context
from chanvae.models.family import model_of
from chanvae.presets import configure
from chanvae.training import room
from chanvae.training.fit import fit
from chanvae.transforms.angle_delay import AngleDelay
from tests.conftest import paths

CPU = torch.device("cpu")


def grid(rx: int, freq: int) -> AngleDelay:
    return AngleDelay(ArrayGeometry(columns=rx), ArrayGeometry(), 1, freq)


@pytest.mark.parametrize("preset", ["quick", "default", "alike"])
def test_a_thousand_antennas_and_four_thousand_subcarriers(preset, monkeypatch):
    """At 16 antennas and 64 subcarriers all fits; here not even where there are 100 GB."""
    monkeypatch.setattr(room, "_memory", lambda device: 100 * 10**9)
    monkeypatch.setattr(room, "SMALL", 0)
    config = configure(preset)
    near, far = grid(16, 64), grid(1024, 4096)
    room.require_memory(near, Context(near, 2).width, config, 40_000, CPU)
    with pytest.raises(DataError, match="channels of 1024 x 4096: .* at least .* GB"):
        room.require_memory(far, Context(far, 2).width, config, 40_000, CPU)


@pytest.mark.parametrize("preset", ["quick", "default"])
def test_what_is_counted_is_there(preset):
    """Counted without memory: the weights exactly, and activations in proportion to the map."""
    small, large = grid(16, 64), grid(32, 128)
    config = configure(preset)
    (weights, each), (_, more) = (
        room._network(g, Context(g, 2).width, config) for g in (small, large)
    )
    with torch.random.fork_rng(devices=[]):
        model = model_of(small, Context(small, 2).width, config.model)
    assert weights == sum(p.numel() * 4 for p in model.parameters())
    assert each > 4 * 2 * 16 * 64
    assert 3.5 < more / each < 4.5


def test_a_fit_says_so_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "_memory", lambda device: 10**6)
    monkeypatch.setattr(room, "SMALL", 0)
    with pytest.raises(DataError, match=r"there are 0\.0 GB; take fewer") as error:
        fit(paths(200), tmp_path / "run", configure("quick"))
    assert "\n" not in str(error.value)
    assert not any(tmp_path.iterdir())
