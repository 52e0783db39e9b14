"""Selection: draws that measured channels could not be are drawn anew."""

from dataclasses import replace

import pytest
import torch

from chanvae.config import FitConfig
from chanvae.config import Selection as SelectionConfig
from chanvae.models.selection import Selection
from chanvae.models.site import SiteModel
from chanvae.run import grid_of
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training.fit import Material, _prepare
from chanvae.training.selecting import Selecting
from tests.conftest import paths

FEW = {"draws": 3, "optimisation": {"steps": 400, "batch": 256, "learning_rate": 3e-3}}


@pytest.fixture(scope="module")
def material():
    return _prepare(with_channel_conditions(paths(4000)), FitConfig(), False)


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


def untrained(material, labels) -> Selection:
    with torch.random.fork_rng(devices=[]):
        return Selection(material.dataset[:0], labels, 4.0)


def selected(material, late, share: float) -> Drawing:
    model = drawing(material, late, share)
    how = SelectionConfig.model_validate(FEW)
    selecting = Selecting(model, material.train, material.validation, how, 10**9, 0)
    selecting.stage.run(lambda *_: None)
    selecting.end()
    return model


def share_of_late(model, material, n: int = 4000, **options) -> float:
    """Share of draws whose delay spread is above the median of the training channels."""
    generator = torch.Generator().manual_seed(1)
    h = model.draw(material.train.c[torch.arange(n) % len(material.train)], generator, **options)
    data = replace(material.dataset[:0], h=h.numpy(), conditions={})
    c = material.vector.encode(with_channel_conditions(data).conditions, n)
    return float((c[:, 0] > material.train.c[:, 0].median()).float().mean())


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


def test_it_costs_what_was_said(material):
    selection = untrained(material, [])
    ratios = 3 * torch.randn(5000, generator=torch.Generator().manual_seed(0))
    selection.settle(ratios)
    kept = (ratios - selection.cap).exp().clamp(max=1).mean()
    assert float(kept) == pytest.approx(0.25, rel=0.01)
    selection.settle(0.01 * ratios)
    assert float(selection.cap) == pytest.approx(float(0.01 * ratios.max()), rel=1e-3)


def test_values_that_are_not_known_say_nothing(material):
    selection = untrained(material, [])
    seen = selection.look(material.dataset[:300].tensor())
    selection.fit_scale(seen)
    c = torch.zeros(2, 0)
    odd = torch.stack([torch.full_like(seen[0], torch.nan), seen[0] * 1e6])
    said = selection.inputs(odd, c)
    assert said.isfinite().all()
    assert not said[0].any()
    assert said[1].abs().max() <= 6


def test_labels_are_shown_and_spreads_are_not(material):
    selection = untrained(material, [2])
    seen = selection.look(material.dataset[:4].tensor())
    one, other = torch.zeros(4, 3), torch.zeros(4, 3)
    other[:, :2] = 1
    assert torch.equal(selection.inputs(seen, one), selection.inputs(seen, other))
    other[:, 2] = 1
    assert not torch.equal(selection.inputs(seen, one), selection.inputs(seen, other))
