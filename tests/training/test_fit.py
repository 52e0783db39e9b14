"""A fit leaves a run; a stopped one goes on to the same end."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from chanvae.checkpoint import load
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.presets import configure
from chanvae.run import open_run
from chanvae.training.fit import fit
from tests.conftest import SHORT, paths, steps, stopped_at


def test_a_run_directory_holds_what_it_should(run):
    folder = run.directory
    names = {"card.md", "config.yaml", "metrics.jsonl", "model.safetensors", "training.png"}
    assert {p.name for p in folder.iterdir()} == names
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert {r["stage"] for r in rows} == {"autoencoder", "pose", "prior"}
    assert {"reconstruction", "kl", "validation_loss", "seconds"} <= set(rows[0])
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["kind"] == "cvae"
    card = (folder / "card.md").read_text()
    assert "delay_spread" in card
    assert "480 realisations for training, 60 for validation, 60 held out" in card
    assert (folder / "training.png").read_bytes().startswith(b"\x89PNG")


def test_training_lowers_the_loss(run):
    rows = [json.loads(x) for x in (run.directory / "metrics.jsonl").read_text().splitlines()]
    for stage in ("autoencoder", "prior"):
        losses = [r["validation_loss"] for r in rows if r["stage"] == stage]
        assert min(losses[1:]) < losses[0]


def test_the_run_in_memory_and_the_one_read_back_draw_the_same(run):
    again = open_run(run.directory)
    a, b = run.sample(50, seed=3), again.sample(50, seed=3)
    assert np.array_equal(a.h, b.h)
    assert again.config == run.config
    assert again.vector == run.vector


def test_a_fit_stopped_in_every_stage_goes_on_to_the_same_weights(tmp_path):
    write(paths(200), tmp_path / "m.h5")
    more = ["training.refinement.steps=20", "training.refinement.average=0.9"]
    more += ["model.selection.draws=3", "model.selection.optimisation.steps=20"]
    config = configure("quick", [*SHORT, *steps(20), *more])
    whole = fit(tmp_path / "m.h5", tmp_path / "whole", config)
    with stopped_at(10, "autoencoder"):
        fit(tmp_path / "m.h5", tmp_path / "stopped", config)
    for stage in ("pose", "prior", "refinement", "selection"):
        assert not (tmp_path / "stopped" / "model.safetensors").exists()
        with pytest.raises(DataError, match=r"not finished; go on with `chanvae fit --resume"):
            open_run(tmp_path / "stopped")
        with stopped_at(10, stage):
            fit(directory=tmp_path / "stopped", resume=True)
    resumed = fit(directory=tmp_path / "stopped", resume=True)
    for (name, a), b in zip(
        whole.model.state_dict().items(), resumed.model.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name
    assert not (tmp_path / "stopped" / "checkpoint.safetensors").exists()


def test_a_fit_stopped_before_its_first_checkpoint_leaves_nothing(tmp_path, monkeypatch, short):
    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("chanvae.training.loop.Stage._keep", stop)
    with pytest.raises(KeyboardInterrupt):
        fit(paths(100), tmp_path / "run", short)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_ends_the_fit_with_a_line(tmp_path, short):
    config = short.model_copy(
        update={
            "training": short.training.model_copy(
                update={
                    "optimisation": short.training.optimisation.model_copy(
                        update={"learning_rate": 1e12}
                    )
                }
            )
        }
    )
    with pytest.raises(
        DataError, match="autoencoder: the loss or its gradient is not finite at step"
    ):
        fit(paths(200), tmp_path / "run", config)


def test_a_directory_with_something_in_it_is_kept(run, measured, short, tmp_path):
    with pytest.raises(DataError, match="--overwrite .* --resume"):
        fit(measured, run.directory, short)
    (tmp_path / "notes.txt").write_text("mine")
    fit(paths(100), tmp_path, configure("quick", SHORT), overwrite=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_too_few_realisations_leave_nothing_behind(tmp_path, short):
    with pytest.raises(DataError, match="64"):
        fit(paths(63), tmp_path / "run", short)
    assert not (tmp_path / "run").exists()


def test_an_unknown_condition_is_named(measured, tmp_path):
    config = configure("quick", SHORT, {"data.conditions": ["speed"]})
    with pytest.raises(DataError, match="'speed' is not in the data; they have: los"):
        fit(measured, tmp_path / "run", config)


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    data = paths(150)
    short = [*SHORT, "training.optimisation.steps=5", "training.pose.steps=5"]
    a, b = (fit(data, config=configure("quick", short)) for _ in range(2))
    c = fit(data, config=configure("quick", short, {"seed": 1}))
    one, two, three = (r.sample(10).h for r in (a, b, c))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)


def test_unit_power_of_unknown_gains_stays():
    """Simulated with --unit-power: what each was divided by is not in the file."""
    data = paths(100)
    power = (np.abs(data.h) ** 2).mean((1, 2, 3, 4), keepdims=True)
    meta = replace(data.meta, normalization="unit_power_per_realisation")
    run = fit(
        replace(data, h=data.h / np.sqrt(power), meta=meta), config=configure("quick", SHORT)
    )
    made = run.sample(20)
    assert made.meta.normalization == "unit_power_per_realisation"
    np.testing.assert_allclose((np.abs(made.h) ** 2).mean((1, 2, 3, 4)), 1, rtol=1e-3)


def test_nothing_in_a_run_is_a_pickle(run):
    tensors, header = load(run.directory / "model.safetensors")
    assert header["schema_version"] == 1
    assert all(isinstance(t, torch.Tensor) for t in tensors.values())
