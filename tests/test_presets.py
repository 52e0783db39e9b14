"""Presets: what they hold, and that a file which names only a few keys gets the default's rest."""

import pytest

from chanvae.config import FitConfig
from chanvae.errors import DataError
from chanvae.presets import configure


def test_what_a_file_does_not_name_is_as_in_the_default_preset(tmp_path):
    assert configure("default") == FitConfig()
    path = tmp_path / "mine.yaml"
    path.write_text("model: {network: {kind: map, width: 32}}\n")
    mine = configure(str(path))
    assert mine.model.network.width == 32
    assert mine.model.likelihood == configure("default").model.likelihood
    assert mine.training == configure("default").training


def test_the_quick_preset_names_all_that_makes_it_quick():
    quick = configure("quick")
    assert quick.model.network.kind == "vector"
    assert quick.training.refinement is None


def test_the_best_preset_is_the_default_for_longer():
    best, default = configure("best"), configure("default")
    assert best.training.refinement and default.training.refinement
    longer = best.training.refinement.steps / default.training.refinement.steps
    assert longer > 2
    steps = [
        f"training.optimisation.steps={best.training.optimisation.steps}",
        f"training.refinement.steps={best.training.refinement.steps}",
        f"model.prior.optimisation.steps={best.model.prior.optimisation.steps}",
    ]
    assert configure("default", steps) == best


def test_a_changed_kind_keeps_what_was_said_of_its_parts():
    words = ["model.kind=vqvae", "model.prior.optimisation.steps=4"]
    for preset in ("quick", "default"):
        prior = configure(preset, words).model.prior
        assert prior.kind == "codes" and prior.optimisation.steps == 4
    with pytest.raises(DataError, match="model.prior.kind"):
        configure("quick", [*words, "model.prior.kind=spline"])
