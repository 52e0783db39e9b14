"""Selection: draws that measured channels could not be are drawn anew."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize
import torch

from chanvae.config import FitConfig
from chanvae.config import Selection as SelectionConfig
from chanvae.models.selection import Selection, _needed
from chanvae.models.site import SiteModel
from chanvae.run import grid_of
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training.material import Material, prepare
from chanvae.training.selecting import Selecting
from tests.conftest import paths

FEW = {"draws": 3, "optimisation": {"steps": 400, "batch": 256, "learning_rate": 3e-3}}


@pytest.fixture(scope="module")
def material():
    return prepare(with_channel_conditions(paths(4000)), FitConfig(), False)


@pytest.fixture(scope="module")
def late(material):
    """Which training maps have a delay spread above the median."""
    return material.train.c[:, 0] > material.train.c[:, 0].median()


class Drawing(SiteModel):
    """Draws training channels, those of long delay spread with a share of its own."""

    material: Material
    late: torch.Tensor
    share: float

    def _draw(self, c, generator, asked, met, again):
        wanted = torch.rand(len(c), generator=generator) < self.share
        there = [torch.nonzero(self.late == k)[:, 0] for k in (False, True)]
        rows = torch.randint(min(map(len, there)), (len(c),), generator=generator)
        pick = torch.where(wanted, there[1][rows], there[0][rows])
        return self.restore(self.material.train.x[pick], self.material.train.pose[pick])


def drawing(material, late, share: float) -> Drawing:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = FitConfig().model
        model = Drawing(grid_of(material.dataset), material.vector, config, material.dataset[:0])
    model.material, model.late, model.share = material, late, share
    return model.eval()


def last_layer(selection) -> torch.nn.Linear:
    layer = selection.net[-1]
    assert isinstance(layer, torch.nn.Linear)
    return layer


def untrained(material, met: dict[str, int] | None = None) -> Selection:
    with torch.random.fork_rng(devices=[]):
        return Selection(material.dataset[:0], material.vector, 4.0, met)


def selected(material, late, share: float, met: bool = False) -> Drawing:
    model = drawing(material, late, share)
    how = SelectionConfig.model_validate(FEW)
    selecting = Selecting(model, material.train, material.validation, how, 10**9, 0, met)
    selecting.stage.run(lambda *_: None)
    selecting.end()
    return model


def achieved(model, material, n: int = 4000, **options) -> tuple[torch.Tensor, torch.Tensor]:
    """Delay spreads that draws were asked to have, and those that they have, standardised."""
    generator = torch.Generator().manual_seed(1)
    c = material.train.c[torch.arange(n) % len(material.train)]
    h = model.draw(c, generator, **options)
    data = with_channel_conditions(replace(material.dataset[:0], h=h.numpy(), conditions={}))
    return c[:, 0], material.vector.encode(data.conditions, n)[:, 0]


def share_of_late(model, material, **options) -> float:
    """Share of draws whose delay spread is above the median of the training channels."""
    _, spread = achieved(model, material, **options)
    return float((spread > material.train.c[:, 0].median()).float().mean())


def test_a_draw_is_kept_as_often_as_measured_channels_are_like_it(material, late):
    """85 % instead of 50 %: the perceptron has a step to learn, and makes good most of it."""
    model = selected(material, late, 0.85)
    assert model.selection.active
    assert share_of_late(model, material, every=True) == pytest.approx(0.85, abs=0.02)
    assert share_of_late(model, material) == pytest.approx(0.55, abs=0.07)
    assert share_of_late(model, material, met=True) == pytest.approx(0.85, abs=0.02)


def test_where_nothing_tells_them_apart_every_draw_is_kept(material, late):
    model = selected(material, late, 0.5)
    generators = [torch.Generator().manual_seed(2) for _ in range(2)]
    c = material.train.c[:50]
    assert not model.selection.active
    assert torch.equal(model.draw(c, generators[0]), model.draw(c, generators[1], every=True))


def test_where_spreads_are_met_what_was_asked_decides(material, late):
    """These draws take no notice of what they are asked; of what is kept the rest is as asked."""
    model = selected(material, late, 0.5, met=True)
    assert model.met_selection.active and not model.selection.active
    every = torch.stack(achieved(model, material, met=True, every=True)).corrcoef()[0, 1]
    kept = torch.stack(achieved(model, material, met=True)).corrcoef()[0, 1]
    assert abs(every) < 0.05
    assert kept > 0.3


def test_in_a_hole_a_channel_looks_like_any_other(material):
    """Fitted without a fifth of the delay spreads: all else is where these let expect it."""
    selection = untrained(material, {"delay_spread": 0})
    seen, c = selection.look(material.dataset.tensor()), material.vector
    c = c.encode(material.dataset.conditions, len(seen))
    low, high = torch.quantile(c[:, 0], torch.tensor([0.4, 0.6])).tolist()
    hole = (c[:, 0] > low) & (c[:, 0] < high)
    selection.fit_scale(seen[~hole], c[~hole], torch.Generator().manual_seed(0))
    said = selection.inputs(seen, c, torch.Generator().manual_seed(1))
    count = len(selection.statistics)
    names = [s.name for s in selection.statistics]
    assert not selection.used[names.index("delay_spread")]
    for k in torch.nonzero(selection.used)[:, 0].tolist():
        inside, outside = said[hole, count + k], said[~hole, count + k]
        assert abs(inside.mean() - outside.mean()) < 0.4 * outside.std(), names[k]
        assert 0.6 < inside.std() / outside.std() < 1.5, names[k]


@torch.no_grad()
def chance_of(selection, drawn) -> torch.Tensor:
    """That of draws to be kept."""
    return (selection(drawn) - selection.cap).clamp(max=0).exp()


def test_what_is_kept_has_the_measured_means_and_costs_what_was_said(material, late):
    """Draws whose delay spread is too long in 85 of 100, and a perceptron that knows nothing."""
    selection = untrained(material)
    model = drawing(material, late, 0.85)
    c = material.train.c[:2000]
    measured = selection.look(material.dataset[:3000].tensor())
    selection.fit_scale(measured, c)
    torch.nn.init.zeros_(last_layer(selection).weight)
    drawn = selection.look(model.draw(c, torch.Generator().manual_seed(0), every=True))
    told = torch.zeros(3000, material.vector.width)
    drawn, measured = selection.inputs(drawn, told[:2000]), selection.inputs(measured, told)
    selection.settle(drawn, measured)
    chance = chance_of(selection, drawn)
    assert float(chance.mean()) >= 0.25 - 1e-3
    there, wanted = (selection._excesses(x) for x in (drawn, measured))
    before = (there.mean(0) - wanted.mean(0)).abs()
    after = (chance @ there / chance.sum() - wanted.mean(0)).abs()
    assert before.max() > 0.2
    assert after.max() < 0.03
    with torch.no_grad():
        last_layer(selection).weight.normal_(std=3, generator=torch.Generator().manual_seed(0))
    selection.settle(drawn, measured)
    assert float(chance_of(selection, drawn).mean()) == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("spread", [0.3, 1.0, 1.5])
def test_as_many_are_drawn_as_keep_nine_tenths_of_the_ratios(spread):
    ratios = spread * np.random.default_rng(0).normal(size=20_000)
    draws = _needed(ratios)
    cap = scipy.optimize.brentq(
        lambda cap: np.exp(np.minimum(ratios - cap, 0)).mean() - 1 / draws, -10, 10
    )
    within = np.exp(np.minimum(ratios, cap)).sum() / np.exp(ratios).sum()
    assert within == pytest.approx(0.9, abs=1e-3)


def test_draws_that_are_like_measured_channels_are_kept(material):
    selection = untrained(material)
    measured = selection.look(material.dataset[:1000].tensor())
    c = torch.zeros(1000, material.vector.width)
    selection.fit_scale(measured, c)
    torch.nn.init.zeros_(last_layer(selection).weight)
    inputs = selection.inputs(measured, c)
    selection.settle(inputs, inputs)
    assert float(chance_of(selection, inputs).min()) == pytest.approx(1, abs=1e-3)


def test_values_that_are_not_known_say_nothing(material):
    selection = untrained(material)
    seen = selection.look(material.dataset[:300].tensor())
    c = torch.zeros(2, material.vector.width)
    selection.fit_scale(seen, c)
    odd = torch.stack([torch.full_like(seen[0], torch.nan), seen[0] * 1e6])
    said = selection.inputs(odd, c)
    assert said.isfinite().all()
    assert not said[0].any()
    assert said[1].abs().max() <= 6


def test_labels_are_shown_and_spreads_are_not():
    config = FitConfig.model_validate({"data": {"conditions": ["los"]}})
    material = prepare(with_channel_conditions(paths(300)), config, False)
    selection = untrained(material)
    seen = selection.look(material.dataset[:4].tensor())
    one = torch.zeros(4, material.vector.width)
    other = one.clone()
    other[:, :2] = 1
    assert torch.equal(selection.inputs(seen, one), selection.inputs(seen, other))
    other[:, 2] = 1
    assert not torch.equal(selection.inputs(seen, one), selection.inputs(seen, other))
