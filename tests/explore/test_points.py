"""A point of the page is the channel that the command line and the library give."""

import shlex
import sys

import numpy as np
import pytest

import chanvae
from chanvae.cli import main
from chanvae.errors import DataError
from chanvae.explore import Point, draw, latent_space, region_conditions
from chanvae.explore.asked import PointAsked, point_of
from chanvae.explore.held import hold
from chanvae.explore.latents import LatentSpace
from chanvae.explore.pictures import Pictures
from chanvae.explore.plane import Plane
from chanvae.stats.conditions import with_channel_conditions

ASKED = {"delay_spread": 1e-7, "angular_spread": 0.3}


def test_a_point_is_what_the_run_samples(run):
    made = draw(run, Point(ASKED, seed=3), 4)
    np.testing.assert_array_equal(made.h, run.sample(4, seed=3, again=0, **ASKED).h)


def test_other_noise_keeps_place_and_latent(run):
    same, other, third = (draw(run, Point(ASKED, seed=3, noise=k)) for k in (1, 2, 2))
    np.testing.assert_array_equal(other.h, third.h)
    assert not np.array_equal(same.h, other.h)
    poses = [run.model.register(d.tensor())[1].gain for d in (same, other)]
    np.testing.assert_allclose(*[p.numpy() for p in poses], rtol=1e-4)


def test_a_moved_latent_stands_where_it_was_moved(site, filed):
    space = site.space
    z = filed.model.latent_prior.sample(filed.model.context(*_context(filed, 5)), _generator())
    for across, up in (("pc1", "pc2"), ("z1", "z3"), ("pc1", "z2")):
        moved = space.moved(across, up, (0.5, -1.0))(z)
        prior = filed.model.latent_prior
        flat = ((moved - prior.center) / prior.scale).flatten(1).detach()
        places = LatentSpace(space.model, flat, space.components, space.explained)
        np.testing.assert_allclose(places.places(across, up), [[0.5, -1.0]] * 5, atol=1e-4)
    with pytest.raises(DataError, match="latent direction 'pc99'"):
        space.direction("pc99")


def _generator():
    import torch

    return torch.Generator().manual_seed(0)


def _context(run, n):
    c = run.vector.encode({k: v[:n] for k, v in run.known.items()}, n)
    return c, run.model.pose_prior.sample(c, _generator())


def test_achieved_spreads_are_those_of_the_library(run):
    made = draw(run, Point(ASKED, seed=1), 5)
    seen = with_channel_conditions(made).conditions
    for k, picture in enumerate(Pictures(run.template).of(made)):
        for name in ASKED:
            assert picture["achieved"][name] == pytest.approx(float(seen[name][k]), rel=1e-6)
        assert max(picture["profile"]) == 0
        assert max(picture["spectrum"]) == pytest.approx(0)


def test_the_plane_knows_where_its_data_end(run):
    plane = Plane.of(run)
    middle = {a.name: float(np.median(run.known[a.name])) for a in plane.axes}
    assert [a.name for a in plane.axes] == ["delay_spread", "angular_spread"]
    assert plane.nearby(middle).verdict == "inside"
    far = {**middle, "delay_spread": 10 * run.known["delay_spread"].max()}
    assert plane.nearby(far) == type(plane.nearby(far))("outside", 0)
    # A corner of the range where nothing was measured.
    corner = {a.name: f(run.known[a.name]) for a, f in zip(plane.axes, (np.min, np.max))}
    assert plane.nearby({k: float(v) for k, v in corner.items()}).verdict == "sparse"
    assert plane.density().sum() == len(run.known["delay_spread"])


def test_nearest_finds_the_realisation_itself(site, filed):
    some = site.held.dataset[np.array([7])]
    near = site.held.nearest(filed, some)
    assert near[0].index == 7
    assert near[0].distance < 1e-2
    assert near[0].distance <= near[1].distance <= near[2].distance
    assert 0.05 < site.held.usual[0] < 1


def test_typed_conditions_are_drawn_exactly(filed, site, tmp_path, monkeypatch):
    asked = PointAsked(asked={"delay_spread": 0.123456789e-6, "angular_spread": 0.3}, seed=5)
    point = point_of(filed, asked)
    assert point.asked["delay_spread"] == pytest.approx(0.1235e-6)
    from chanvae.explore.asked import TakeAsked

    take = TakeAsked(what="point", point=asked)
    words = shlex.split(site.lines(take)["shell"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    np.testing.assert_array_equal(chanvae.load("point.h5").h[:], site.take(take).h)


@pytest.mark.parametrize("what", ["point", "noise", "moved", "walk", "latent", "rows", "region"])
def test_the_lines_of_python_make_the_same(site, tmp_path, monkeypatch, what):
    from chanvae.explore.asked import TakeAsked

    point = {"asked": ASKED, "seed": 2, "noise": int(what == "noise")}
    if what == "moved":
        point["moved"] = {"across": "pc1", "up": "z2", "to": (1.0, 0.0)}
    walk = {"start": point, "end": {**point, "seed": 4}, "steps": 3, "n": 2, "rows": (3, 9)}
    walk["kind"] = what if what in ("latent", "rows") else "conditions"
    region = {"ranges": {"delay_spread": (1e-9, 1e-6)}, "n": 20}
    kind = {"walk": "walk", "latent": "walk", "rows": "walk", "region": "region"}.get(
        what, "point"
    )
    take = TakeAsked.model_validate({"what": kind, "point": point, "walk": walk, "region": region})
    expected = site.take(take).h
    monkeypatch.chdir(tmp_path)
    made: dict = {}
    exec(site.lines(take)["python"], made)
    if kind == "walk":
        h = np.concatenate([d.h for _, d in made["stops"]])
    else:
        h = chanvae.load(f"{kind}.h5").h[:]
    np.testing.assert_array_equal(h, expected)


def test_a_region_has_the_conditions_of_the_data_in_it(run):
    asked = region_conditions(run, 50, delay_spread=(1e-7, 2e-7))
    assert ((asked["delay_spread"] >= 1e-7) & (asked["delay_spread"] <= 2e-7)).all()
    assert set(asked) == set(run.vector.names)
    with pytest.raises(DataError, match="no training realisation"):
        region_conditions(run, 5, delay_spread=(1.0, 2.0))


def test_a_kind_without_encoder_shows_drawn_latents(filed, monkeypatch):
    def refused(*given):
        raise DataError("this kind of model has no encoder, so its channels have no latents")

    monkeypatch.setattr("chanvae.explore.held.posterior_means", refused)
    held = hold(filed)
    assert not held.space.measured
    assert held.space.places("pc1", "z2").shape[1] == 2
    assert len(held.nearest(filed, held.dataset[:1])) == 3


def test_the_latent_space_is_the_same_each_time(filed, site):
    np.testing.assert_array_equal(latent_space(filed).components, site.space.components)
