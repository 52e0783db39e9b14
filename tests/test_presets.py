"""Presets: what they hold, and that a file which names only a few keys gets the default's rest."""

from chanvae.config import FitConfig
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
    assert (
        quick.model.prior.optimisation.steps < configure("default").model.prior.optimisation.steps
    )
