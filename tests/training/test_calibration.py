"""Calibration: a model whose draws are biased is told by how much."""

from dataclasses import replace

import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.config import FitConfig
from chanvae.models.site import Registered, SiteModel
from chanvae.run import grid_of, split_for
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training.calibration import calibrate
from chanvae.training.material import Material, prepare
from chanvae.training.supply import FileMaps
from chanvae.transforms.angle_delay import AngleDelay
from tests.conftest import NAMELESS, template

LINE = ArrayGeometry(1, 4)


@pytest.fixture(scope="module")
def material(measured) -> Material:
    return prepare(with_channel_conditions(measured), FitConfig(), False)


class Biased(SiteModel):
    """Draws training maps, their power by delay spoilt, whatever is asked for."""

    material: Material

    def draw_maps(self, c, generator=None, asked=None):
        train = self.material.train
        rows = torch.randint(len(train), (len(c),), generator=generator)
        slope = torch.linspace(1, 0.4, self.grid.shape[-1])
        return train.x[rows] * slope * self.tilt, train.pose[rows]


@pytest.fixture(scope="module")
def empty(measured):
    return replace(measured[:0], groups={})


@pytest.fixture
def biased(measured, material) -> SiteModel:
    with torch.random.fork_rng(devices=[]):
        model = Biased(grid_of(measured), material.vector, FitConfig().model, measured)
    model.material = material
    return model


def test_the_tilt_undoes_a_wrong_profile(biased, material, empty):
    calibrate(biased, material.train, material.vector, empty, seed=0)
    undone = biased.tilt * torch.linspace(1, 0.4, len(biased.tilt))
    # The mean power of a bin of some thousand maps is uncertain by tenths of a dB.
    relative = undone / undone[4]
    held = material.train.x.abs().square().sum(1).mean(0)
    strong = held > 1e-3 * held.max()
    assert (20 * relative[strong].log10()).abs().max() < 1.0


def test_spreads_come_out_distributed_as_in_the_data(measured, material, empty):
    """A model that gives half of the deviation it is told, and half a deviation too much."""

    class Flat(Biased):
        def draw_maps(self, c, generator=None, asked=None):
            wanted = (0.5 * self.tell(c) + 0.5)[:, :1]
            nearest = (wanted - material.train.c[:, 0]).abs().argmin(1)
            return material.train.x[nearest] * self.tilt, material.train.pose[nearest]

    with torch.random.fork_rng(devices=[]):
        flat = Flat(grid_of(measured), material.vector, FitConfig().model, measured)
    calibrate(flat, material.train, material.vector, empty, seed=0, tilt=False)
    low, middle, high = (float(flat.told[0, k]) for k in (4, 10, 16))
    # 0.5 told + 0.5 is c where told is 2 c - 1; five rounds of 0.7 * 0.5 leave a tenth of it
    assert middle == pytest.approx(2 * float(flat.held[0, 10]) - 1, abs=0.3)
    assert (high - low) / float(flat.held[0, 16] - flat.held[0, 4]) == pytest.approx(2, rel=0.2)
    assert torch.equal(flat.tilt, torch.ones_like(flat.tilt))


def test_the_same_seed_calibrates_alike(biased, material, empty):
    calibrate(biased, material.train, material.vector, empty, seed=3)
    first = {name: getattr(biased, name).clone() for name in ("tilt", "held", "told")}
    biased.tilt.fill_(1.0)
    calibrate(biased, material.train, material.vector, empty, seed=3)
    assert all(torch.equal(first[name], getattr(biased, name)) for name in first)


def test_what_is_asked_for_is_moved_and_what_stands_for_the_data_is_mapped():
    grid = AngleDelay(LINE, ArrayGeometry(), 1, 8)
    with torch.random.fork_rng(devices=[]):
        model = SiteModel(grid, NAMELESS, FitConfig().model, template(grid))
    c = torch.tensor([[-6.0, 0.0], [0.3, 1.0], [5.0, 0.0]])
    assert torch.allclose(model.tell(c), c, atol=1e-6)
    model.told[0] = 0.5 * model.held[0] + 0.2
    told = model.tell(c)
    assert torch.allclose(told[:, 0], torch.tensor([-3.8, 0.35, 3.2]), atol=1e-6)
    assert torch.equal(told[:, 1], c[:, 1])
    asked = model.tell(c, torch.tensor([True, False]))
    assert torch.allclose(asked[:, 0], c[:, 0] + 0.2, atol=1e-6)


@pytest.mark.parametrize(("noise", "rest"), [(0.0, 0.25), (0.3, 1.0)])
def test_bins_keep_the_noise_that_the_data_have(measured, material, empty, noise, rest):
    """Draws are training maps with noise of 0.3 times what bins keep."""
    chance = torch.Generator().manual_seed(0)

    def noisy(x, level):
        return x + level * torch.randn(x.shape, dtype=x.dtype, generator=chance)

    class Noisy(Biased):
        def draw_maps(self, c, generator=None, asked=None):
            rows = torch.randint(len(material.train), (len(c),), generator=generator)
            level = 0.3 * float(self.cvae.likelihood.rest)
            return noisy(material.train.x[rows], level), material.train.pose[rows]

    with torch.random.fork_rng(devices=[]):
        model = Noisy(grid_of(measured), material.vector, FitConfig().model, measured)
    train = replace(material.train, x=noisy(material.train.x, noise))
    calibrate(model, train, material.vector, empty, seed=0, tilt=False)
    assert float(model.cvae.likelihood.rest) == rest


def test_maps_that_stay_in_the_file_are_read_there(biased, material, empty, monkeypatch):
    """Rows at random would pull every pool of an epoch into memory."""
    train = material.train
    dataset, rows = material.dataset, split_for(material.dataset, FitConfig()).train
    maps = FileMaps(dataset, rows, train.pose, biased.grid)
    monkeypatch.setattr(FileMaps, "__getitem__", None)
    kept = Registered(maps, train.pose, train.c)
    calibrate(biased, kept, material.vector, empty, seed=0)
    tilt = biased.tilt.clone()
    biased.tilt.fill_(1.0)
    calibrate(biased, train, material.vector, empty, seed=0)
    assert torch.allclose(tilt, biased.tilt, rtol=1e-3)
