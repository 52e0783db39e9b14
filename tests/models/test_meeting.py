"""Draws changed until they have the spreads asked of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.config import FitConfig, PathLikelihood
from chanvae.models.meeting import Meeting
from chanvae.models.path_planes import PathsFromPlanes
from chanvae.models.priors import PosePrior
from chanvae.models.site import SiteModel
from chanvae.run import grid_of
from chanvae.stats.conditions import UNITS, channel_conditions, with_channel_conditions
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.condition_vector import ConditionVector
from tests.conftest import NAMELESS, paths, template


@pytest.fixture(scope="module")
def data():
    """Channels of a few paths; at 8 antennas and 32 frequencies spreads can be told."""
    return with_channel_conditions(paths(400, rx=8, freq=32))


def vector(data):
    return ConditionVector.fit(data.conditions, data.condition_units, tuple(UNITS))


def model_of(data, **changes) -> SiteModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = FitConfig().model.model_copy(update=changes)
        return SiteModel(grid_of(data), vector(data), config, data)


def untrained(data) -> tuple[SiteModel, torch.Tensor]:
    """A model that knows poses only, and the conditions of the data."""
    model = model_of(data)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model.pose_prior = PosePrior.fitted(model.register(data.tensor())[1], 2)
    return model, torch.as_tensor(vector(data).encode(data.conditions, len(data)))


def bins(x):
    """A draw of bins, which nothing but weights change."""
    return lambda weights=None, stretch=None: x if weights is None else x * weights


def gaps(data, h, c):
    """Asked less achieved, in standard deviations of the data: ``[n, 2]``."""
    found = channel_conditions(h, torch.as_tensor(data.freq), data.rx_array, data.tx_array)
    told = vector(data)
    has = [torch.as_tensor(told.column(k).encode(found[k].numpy())[:, 0]) for k in UNITS]
    return c - torch.stack(has, 1)


def test_bins_are_weighted_until_the_spreads_are_those_asked_for(data):
    """A third of the way to the spreads of another channel."""
    model = model_of(data)
    x, pose = model.register(data.tensor())
    c = torch.as_tensor(vector(data).encode(data.conditions, len(data)))
    other = c + (torch.roll(c, 1, 0) - c) / 3
    h = model.meeting.meet(bins(x), False, other, pose, model.restore)
    before, after = (gaps(data, found, other).abs() for found in (model.restore(x, pose), h))
    before, after = before.median(0).values, after.median(0).values
    assert (before > 0.25).all() and (after < 0.75 * before).all()


def test_what_is_met_already_is_left_alone(data):
    model = model_of(data)
    x, pose = model.register(data.tensor())
    c = torch.as_tensor(vector(data).encode(data.conditions, len(data)))
    h = model.meeting.meet(bins(x), False, c, pose, model.restore)
    assert torch.allclose(h, data.tensor(), atol=1e-4)


def test_draws_that_miss_are_drawn_anew(data, monkeypatch):
    """Those within reach stay as they are, and no draw ends further away."""
    monkeypatch.setattr("chanvae.models.site.NEAR", 0.3)
    model, c = untrained(data)
    once, more = (
        model.draw(c, torch.Generator().manual_seed(0), met=True, again=k) for k in (0, 3)
    )
    before, after = (model.meeting.missed(h, c) for h in (once, more))
    near = before <= 0.3
    assert 0.02 < near.float().mean() < 0.98
    assert torch.equal(once[near], more[near])
    assert (after <= before).all()
    assert after.mean() < 0.9 * before.mean()


def test_paths_are_weighted_as_wholes(data):
    """Leakage of a path grows with it: a map of one path stays of one pattern."""
    grid = AngleDelay(ArrayGeometry(columns=8), ArrayGeometry(), 1, 32)
    from_planes = PathsFromPlanes(grid, PathLikelihood(paths=1))
    generator = torch.Generator().manual_seed(0)
    planes = torch.randn(3, from_planes.planes, *grid.shape, generator=generator)
    planes[:, 3] += 5  # far above what bins hold beside it
    drawn = from_planes(planes)
    quiet = replace(
        drawn, mean=0 * drawn.mean, log_variance=torch.full_like(drawn.log_variance, -40)
    )
    draw = quiet.drawing(generator)
    weights = torch.rand(3, *grid.shape, generator=generator) + 0.5
    ratio = draw(weights) / draw()
    at = weights.flatten(1).gather(1, quiet.bins)[:, :, None]
    assert torch.allclose(ratio.real, at.expand_as(ratio), rtol=3e-2)


def test_no_change_is_kept_that_is_further_from_what_was_asked(data):
    model, c = untrained(data)
    left, met = (model.draw(c, torch.Generator().manual_seed(0), met=m) for m in (False, True))
    before, after = (model.meeting.missed(h, c) for h in (left, met))
    assert (after <= before).all()
    assert after.median() < 0.7 * before.median()


@pytest.mark.parametrize(
    ("meets", "asked", "met"),
    [("asked", None, False), ("asked", [True, False], True), ("never", [True, True], False)],
)
def test_when_spreads_are_met(data, meets, asked, met):
    model = model_of(data, meet=meets)
    c = torch.as_tensor(vector(data).encode(data.conditions, len(data))).float()[:100]
    some = None if asked is None else torch.tensor(asked)
    as_said = model.draw(c, torch.Generator().manual_seed(0), some)
    left = model.draw(c, torch.Generator().manual_seed(0), some, met=False)
    assert torch.equal(as_said, left) != met


def test_nothing_is_met_without_spreads_or_where_noise_is_known(data):
    grid = AngleDelay(ArrayGeometry(), ArrayGeometry(), 1, 16)
    assert Meeting(grid, NAMELESS, template(grid)).entries == []
    told = vector(data)
    single = template(grid)
    assert Meeting(grid, told, single).places.keys() == {"delay_spread"}
    noisy = replace(data, meta=replace(data.meta, noise_floor=1e-9))
    assert Meeting(grid_of(data), told, noisy).places.keys() == {"angular_spread"}


@pytest.mark.parametrize(
    ("rx", "tx", "axis"),
    [
        (ArrayGeometry(columns=4), ArrayGeometry(columns=2), 0),
        (ArrayGeometry(rows=4), ArrayGeometry(), 0),
        (ArrayGeometry(), ArrayGeometry(polarizations=2, columns=4), 1),
        (ArrayGeometry(rows=2, columns=4, polarizations=2), ArrayGeometry(), 2),
    ],
)
def test_any_array(rx, tx, axis):
    """The axis is the one whose spread the conditions hold, and shapes fit."""
    grid = AngleDelay(rx, tx, 2, 8)
    rng = np.random.default_rng(0)
    h = rng.normal(size=(60, rx.size, tx.size, 2, 8, 2)).astype(np.float32).view(np.complex64)
    data = with_channel_conditions(replace(template(grid), h=h[..., 0]))
    model = model_of(data)
    assert model.meeting.axis == axis
    x, pose = model.register(data.tensor())
    c = torch.as_tensor(vector(data).encode(data.conditions, len(data)))
    h = model.meeting.meet(bins(x), False, c, pose, model.restore)
    assert h.shape == data.h.shape and torch.isfinite(torch.view_as_real(h)).all()
