"""Refinement: draws come nearer to measured maps, and never go further away."""

import pytest
import torch

from chanvae.config import FlowMatchingPrior, MapNetwork, ModelConfig, Optimisation
from chanvae.models.priors import PosePrior
from chanvae.models.site import Registered, SiteModel
from chanvae.run import grid_of
from chanvae.training.loop import Stage
from chanvae.training.refinement import QUIETENED, Refinement
from tests.conftest import NAMELESS, paths

HOW = Optimisation(steps=60, learning_rate=2e-3, clip=10, average=0.9, momentum=0)
SMALL = ModelConfig(
    network=MapNetwork(latent=2, width=16, encoder_blocks=1, decoder_blocks=1),
    prior=FlowMatchingPrior(width=8, blocks=1, midpoint_steps=1),
)


def refinement(seed=0):
    """Untrained networks and 500 channels of a few paths."""
    data = paths(500)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SiteModel(grid_of(data), NAMELESS, SMALL, data)
        x, pose = model.register(data.tensor())
        model.pose_prior = PosePrior.fitted(pose, 2)
        model.context.fit(pose)
        c = torch.randn(500, 2, generator=generator)
        train, validation = (
            Registered(x[i], pose[i], c[i]) for i in (slice(400), slice(400, 500))
        )
        context = model.context(train.c, train.pose)
        return Refinement(model, train, context, validation, generator, 0)


def stage(game, how=HOW):
    def loss(*asked):
        return game.loss(*asked, how.steps)

    return Stage("refinement", game.networks, how, 400, loss, game.validate, seed=0, game=True)


def test_draws_come_nearer_to_what_was_measured():
    game = refinement()
    before = game.validate(torch.Generator().manual_seed(1))["loss"]
    stage(game).run(lambda figures, validated: None)
    after = game.validate(torch.Generator().manual_seed(1))["loss"]
    assert after < 0.8 * before


def test_a_decoder_that_got_worse_is_taken_back(monkeypatch):
    game = refinement()
    start = {k: v.clone() for k, v in game.networks.state_dict().items()}
    found = iter(range(100))
    monkeypatch.setattr(game, "validate", lambda generator: {"loss": float(next(found))})
    stage(game, HOW.model_copy(update={"steps": 3})).run(lambda figures, validated: None)
    for name, weight in game.networks.state_dict().items():
        assert torch.equal(weight, start[name]), name


def test_the_encoder_and_the_prior_stay():
    game = refinement()
    cvae = game._model.cvae
    encoder = [w.clone() for w in cvae.encoder.parameters()]
    stage(game, HOW.model_copy(update={"steps": 5})).run(lambda figures, validated: None)
    assert all(torch.equal(a, b) for a, b in zip(encoder, cvae.encoder.parameters()))


@pytest.mark.parametrize("step", [0, 1])
def test_both_networks_learn_in_one_step(step):
    game = refinement()
    terms = game.loss(torch.arange(32), step, torch.Generator().manual_seed(2), 100)
    terms["loss"].mean().backward()
    # What a fresh decoder says last does not depend yet on what stands before it.
    for network in (game.networks["decoder"].last, game.networks["critic"]):
        assert all(float(w.grad.abs().sum()) > 0 for w in network.parameters())


@pytest.mark.parametrize(
    ("step", "steps", "settled"),
    [
        (QUIETENED - 1, 9999, False),
        (QUIETENED, 9999, True),
        (QUIETENED + 1, 9999, False),
        (99, 300, False),
        (100, 300, True),
    ],
)
def test_what_bins_keep_is_settled_once_within_the_game(monkeypatch, step, steps, settled):
    monkeypatch.setattr("chanvae.training.calibration.RESTS", (0.5,))
    game = refinement()
    game.loss(torch.arange(32), step, torch.Generator().manual_seed(2), steps)
    kept = float(game._model.cvae.likelihood.rest)
    assert kept == (0.5 if settled else 1.0)
