"""A fit of every kind: a run that is opened again and draws the same; stopped fits go on."""

import json

import numpy as np
import pytest
import torch

from chanvae.benchmark.plan import MODELS
from chanvae.errors import DataError
from chanvae.interpolate import between
from chanvae.io.hdf5 import write
from chanvae.presets import configure
from chanvae.run import open_run
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training.fit import fit
from tests.conftest import paths, stopped_at

FEW = ["training.optimisation.steps=6", "training.pose.steps=4", "model.network.width=8"]
KINDS = {kind: [f"model.kind={kind}", *FEW] for kind in MODELS}
RIVALS = {
    "wgan": [],
    "ddpm": ["model.steps=4", "model.width=8", "model.blocks=1"],
    "flow_matching": ["model.width=8", "model.blocks=1"],
    "gmm": ["model.components=3"],
}
for kind, more in RIVALS.items():
    steps = ["training.pose.steps=4", "model.optimisation.steps=6"]
    KINDS[kind] = [f"model.kind={kind}", *steps, *more]
for kind in set(MODELS) - set(RIVALS):
    KINDS[kind].append("model.prior.optimisation.steps=4")
KINDS["vae"] = ["model.kind=vae", "model.prior.kind=vamp", "model.prior.pseudo_inputs=4", *FEW]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_of_every_kind_is_opened_again(kind, tmp_path):
    run = fit(paths(150), tmp_path / "run", configure("quick", KINDS[kind]))
    again = open_run(tmp_path / "run")
    assert again.config == run.config
    assert np.array_equal(run.sample(20, seed=3).h, again.sample(20, seed=3).h)
    assert f"`{kind}`" in (tmp_path / "run" / "card.md").read_text()
    rows = [json.loads(x) for x in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["stage"] == ("rival" if kind in RIVALS else "autoencoder")


def test_a_stopped_rival_goes_on_to_the_same_weights(tmp_path):
    write(paths(150), tmp_path / "m.h5")
    config = configure("quick", KINDS["wgan"])
    whole = fit(tmp_path / "m.h5", tmp_path / "whole", config)
    with stopped_at(3):
        fit(tmp_path / "m.h5", tmp_path / "stopped", config)
    resumed = fit(directory=tmp_path / "stopped", resume=True)
    weights = resumed.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, weights[name]), name


def test_a_rival_has_no_latent_path():
    data = paths(150)
    run = fit(data, config=configure("quick", KINDS["gmm"]))
    parts = run.split(data)
    with pytest.raises(DataError, match="no encoder"):
        list(between(run, with_channel_conditions(data)[parts.test[:2]], 3, 4))
