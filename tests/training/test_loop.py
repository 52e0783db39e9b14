"""A loss or gradient that is not finite: back to the last good weights, on at half the rate."""

import math

import pytest
import torch

from chanvae.config import Optimisation
from chanvae.errors import DataError
from chanvae.training.loop import RETREATS, Stage


def lost(value: torch.Tensor) -> torch.Tensor:
    return value * math.nan


def steep(value: torch.Tensor) -> torch.Tensor:
    """The same value; its gradient is infinite."""
    return value + (value - value.detach()).sqrt()


def stage(most: float, seen: list[float], spoilt=lost) -> Stage:
    """A stage whose loss is spoilt after step 30 at rates above ``most``."""
    network = torch.nn.Linear(1, 1, bias=False)

    def loss(rows, step, generator):
        rate = found.optimizer.param_groups[0]["lr"]
        seen.append(rate)
        value = (network.weight - 1).square().sum()
        bad = step > 30 and rate > most
        return {"loss": (spoilt(value) if bad else value)[None]}

    how = Optimisation(steps=60, batch=4, epochs=60, learning_rate=0.1, patience=60)
    validate = lambda _: {"loss": float((network.weight - 1).square())}  # noqa: E731
    found = Stage("toy", network, how, 8, loss, validate, 0)
    return found


@pytest.mark.parametrize("spoilt", [lost, steep])
def test_it_goes_back_and_on_at_half_the_rate(spoilt):
    seen, told = [], []
    with torch.random.fork_rng():
        it = stage(0.04, seen, spoilt)
        it.run(lambda figures, keep: told.append(figures))
    assert 1 <= it.retreats <= RETREATS
    assert it.step == 60
    assert told[-1]["retreats"] == it.retreats
    assert it.position()["retreats"] == it.retreats
    assert torch.isfinite(it.network.weight).all()
    assert it.best < 0.1


def test_it_gives_up_with_a_line_that_says_what_was_tried():
    with (
        torch.random.fork_rng(),
        pytest.raises(DataError, match=r"toy: .* at step 31, .* 3 times; .* at last 0.0125"),
    ):
        stage(0.0, []).run(lambda figures, keep: None)
