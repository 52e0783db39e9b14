"""Training from a file: the same maps as in memory, in an order that can be taken up again."""

import numpy as np
import pytest
import torch

from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.io.read import load
from chanvae.presets import configure
from chanvae.run import grid_of
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training import fit as fit_module
from chanvae.training.fit import fit
from chanvae.training.supply import FileMaps
from chanvae.transforms.registration import register
from tests.conftest import SHORT, paths, stopped_at

TINY = ["data.memory_gib=1e-9"]
"""Nothing but one map fits: everything is read from the file as training goes."""


@pytest.fixture
def maps(tmp_path) -> tuple[FileMaps, torch.Tensor]:
    """Maps of 150 of 200 realisations in blocks of 7 and pools of 21, and the same in memory."""
    write(paths(200), tmp_path / "m.h5")
    dataset = load(tmp_path / "m.h5")
    rows = np.sort(np.random.default_rng(0).permutation(200)[:150])
    grid = grid_of(dataset)
    x, pose = register(grid.unfold(dataset[rows].tensor()), grid)
    return FileMaps(dataset, rows, pose, grid, block=7, pool=21), x


def test_maps_read_again_are_those_in_memory(maps):
    supply, x = maps
    order = supply.order(torch.Generator().manual_seed(0))
    assert torch.equal(order.sort().values, torch.arange(150))
    for batch in order.split(16):
        torch.testing.assert_close(supply[batch], x[batch], rtol=0, atol=1e-6)
    some = torch.tensor([149, 3, 3, 70])
    torch.testing.assert_close(supply.read(some), x[some], rtol=0, atol=1e-6)


def test_an_epoch_is_mixed_within_pools_of_random_blocks(maps):
    supply, _ = maps
    order = supply.order(torch.Generator().manual_seed(0))
    again = supply.order(torch.Generator().manual_seed(0))
    other = supply.order(torch.Generator().manual_seed(1))
    assert torch.equal(order, again) and not torch.equal(order, other)
    pools = [set((p // 7).tolist()) for p in order.split(21)]
    assert all(len(blocks) <= 4 for blocks in pools)
    assert pools[0] != {0, 1, 2}
    assert (order[:21].diff() != 1).any()


def test_the_next_pool_is_read_while_one_is_used(maps):
    supply, _ = maps
    order = supply.order(torch.Generator().manual_seed(0))
    supply[order[:5]]
    assert set(supply._ready) == {0, 1}
    supply[order[19:24]]
    assert set(supply._ready) == {0, 1, 2}
    supply[order[22:30]]
    assert set(supply._ready) == {1, 2}
    supply[order[-3:]]
    assert set(supply._ready) == {7}


def test_a_file_that_goes_away_is_one_line(maps, tmp_path):
    supply, _ = maps
    order = supply.order(torch.Generator().manual_seed(0))
    (tmp_path / "m.h5").unlink()
    with pytest.raises(DataError, match="no such file"):
        supply[order[:5]]


def _fits(monkeypatch) -> list[bool]:
    """Whether each prepared fit keeps its training maps in the file."""
    found, prepare = [], fit_module.prepare

    def noted(*given):
        material = prepare(*given)
        found.append(isinstance(material.train.x, FileMaps))
        return material

    monkeypatch.setattr(fit_module, "prepare", noted)
    return found


def test_a_large_set_is_left_in_its_file_and_a_small_one_is_not(tmp_path, monkeypatch):
    write(paths(200), tmp_path / "m.h5")
    kept = _fits(monkeypatch)
    for settings in (SHORT, [*SHORT, *TINY]):
        run = fit(tmp_path / "m.h5", config=configure("quick", settings))
        assert np.isfinite(run.sample(20).h).all()
    assert kept == [False, True]


def test_a_stopped_fit_from_a_file_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    """200 of 8: pools of one block, so that training stops and goes on within an epoch."""
    write(paths(200), tmp_path / "m.h5")
    monkeypatch.setattr("chanvae.training.supply._BLOCK", 16 * 4 * 16 * 8)
    monkeypatch.setattr("chanvae.training.supply._POOL", 2)
    settings = [*SHORT, *TINY, "training.optimisation.steps=25", "training.pose.steps=5"]
    config = configure("quick", [*settings, "training.optimisation.batch=20"])
    whole = fit(tmp_path / "m.h5", tmp_path / "whole", config)
    with stopped_at(11, "autoencoder"):
        fit(tmp_path / "m.h5", tmp_path / "stopped", config)
    with stopped_at(11, "prior"):
        fit(directory=tmp_path / "stopped", resume=True)
    resumed = fit(directory=tmp_path / "stopped", resume=True)
    for (name, a), b in zip(
        whole.model.state_dict().items(), resumed.model.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name


def test_conditions_of_wide_channels_are_found_in_pieces(monkeypatch):
    """A batch is as many bytes as realisations are wide, not as many realisations."""
    data = paths(64)
    whole = with_channel_conditions(data)
    monkeypatch.setattr("chanvae.stats.conditions._BATCH", 7 * 4 * 16 * 8)
    sizes, tensor = [], type(data).tensor
    monkeypatch.setattr(type(data), "tensor", lambda s: sizes.append(len(s)) or tensor(s))
    pieces = with_channel_conditions(data)
    assert sizes == [7] * 9 + [1]
    for name in ("delay_spread", "angular_spread"):
        np.testing.assert_array_equal(whole.conditions[name], pieces.conditions[name])
