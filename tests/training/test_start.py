"""A fit that starts from another run: its weights and scales, its own data's constants."""

import json
import sys

import numpy as np
import pytest
import torch

import chanvae
from chanvae.cli import main
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.presets import configure
from chanvae.run import open_run
from chanvae.training.fit import fit
from chanvae.training.material import prepare
from chanvae.training.start import GENTLER, settings, take
from tests.conftest import SHORT, paths, stopped_at


@pytest.fixture(scope="module")
def few():
    """Another street, sparsely measured."""
    return paths(120, seed=7)


def first_losses(run) -> dict[str, float]:
    rows = [json.loads(x) for x in (run.directory / "metrics.jsonl").read_text().splitlines()]
    return {r["stage"]: r["validation_loss"] for r in reversed(rows)}


def test_weights_are_taken_and_calibrations_are_not(run, few):
    config = settings(run)
    data = chanvae.stats.conditions.with_channel_conditions(few)
    model = prepare(data, config, False, run.vector).model
    gain, level = model.context.gain.clone(), model.pose_prior.quantiles.clone()
    take(run, model)
    theirs = run.model.state_dict()
    for name, weight in model.state_dict().items():
        if name.startswith(("cvae.encoder", "cvae.decoder", "latent_prior", "pose_prior.flow")):
            assert torch.equal(weight, theirs[name]), name
    assert torch.equal(model.tilt, torch.ones_like(model.tilt))
    assert torch.equal(model.told, model.held)
    assert torch.equal(model.context.gain, gain)
    assert torch.equal(model.pose_prior.quantiles, level)


def test_settings_are_gentler_and_say_nothing_of_the_data(run):
    found, before = settings(run), run.config
    rates = [
        (found.training.optimisation, before.training.optimisation),
        (found.model.prior.optimisation, before.model.prior.optimisation),
    ]
    for now, then in rates:
        assert now.learning_rate == pytest.approx(GENTLER * then.learning_rate)
        assert now.steps == then.steps
    assert (found.training.warmup, found.training.beta_first) == (0.0, 1.0)
    assert found.data.conditions == ("los",)
    assert found.data.group == ""
    assert found.model.network == before.model.network


def test_it_begins_nearer_than_a_fit_from_scratch(run, few, tmp_path):
    config = settings(run)
    scratch = first_losses(fit(few, tmp_path / "scratch", config))
    begun = fit(few, tmp_path / "begun", init=run.directory)
    started = first_losses(begun)
    for stage in ("autoencoder", "prior"):
        assert started[stage] < scratch[stage]
    assert begun.config == config
    for now, then in zip(begun.vector.columns, run.vector.columns):
        assert (now.mean, now.scale, now.offset) == (then.mean, then.scale, then.offset)
        if not now.categories:
            assert now.high != then.high
    assert (
        f"Started from the weights of {run.directory}"
        in (tmp_path / "begun" / "card.md").read_text()
    )


def test_a_stopped_one_goes_on_without_the_run_it_started_from(run, few, tmp_path):
    write(few, tmp_path / "m.h5")
    whole = fit(tmp_path / "m.h5", tmp_path / "whole", init=run)
    with stopped_at(10, "prior"):
        fit(tmp_path / "m.h5", tmp_path / "stopped", init=run)
    again = fit(directory=tmp_path / "stopped", resume=True)
    assert np.array_equal(again.sample(20).h, whole.sample(20).h)
    assert open_run(tmp_path / "stopped").vector == whole.vector


@pytest.mark.parametrize(
    ("data", "changes", "said"),
    [
        (paths(120, rx=2), (), "4 rx x 1 tx x 1 time x 16 freq; these have 2 rx"),
        (paths(120), ("data.conditions=[]",), "the conditions here are delay_spread, angular_spr"),
        (paths(120), ("model.network.width=8",), r"other networks than were asked for \(cvae"),
    ],
)
def test_what_does_not_fit_is_refused(run, tmp_path, data, changes, said):
    config = configure(settings(run), changes)
    with pytest.raises(DataError, match=said):
        fit(data, tmp_path / "run", config, init=run)
    assert not (tmp_path / "run").exists()


def test_the_command_line(run, few, tmp_path, monkeypatch, capsys):
    write(few, tmp_path / "few.h5")
    words = ["fit", "--data", str(tmp_path / "few.h5"), "--init", str(run.directory)]
    words += ["-o", str(tmp_path / "tuned")]
    for more, code, said in (
        (["--resume"], 1, "leave other settings out"),
        (["--set", "model.network.width=8"], 1, "other networks than were asked for"),
        ([f"--set={SHORT[0]}"], 0, ""),
    ):
        monkeypatch.setattr(sys, "argv", ["chanvae", *words, *more])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code in (code, None) and bool(end.value.code) == bool(code)
        assert said in capsys.readouterr().err
    assert open_run(tmp_path / "tuned").source["init"] == str(run.directory)
