"""A short benchmark: every model, a table, a page; stopped and gone on with; bad input."""

import json
import sys
from typing import get_args

import numpy as np
import pytest
import torch

from chanvae.benchmark import benchmark as module
from chanvae.benchmark.benchmark import benchmark
from chanvae.benchmark.page import html, save
from chanvae.benchmark.plan import MODELS, models_plan, sweep_plan
from chanvae.benchmark.table import rows, sentences
from chanvae.benchmark.trial import trial
from chanvae.cli import main
from chanvae.cli.benchmark import show
from chanvae.config import AnyModel
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.training import budget as budget_module
from chanvae.training.budget import SHARES, Budget
from chanvae.training.loop import Stage
from tests.conftest import paths

TINY = ("model.network.width=8", "model.network.hidden=16")


def outcome(name: str, seed: int = 0, auc: float = 0.8, value: str = "", **more) -> dict:
    statistics = {
        "delay_spread": {"label": "delay spread", "w1_sigma": 0.1, "floor": 0.02, "verdict": "off"}
    }
    judged = {
        "statistics": statistics, "worst": statistics["delay_spread"], "near": 0, "auc": auc,
        "auc_floor": 0.5, "sliced": 0.1, "sliced_floor": 0.03, "precision": 0.9, "recall": 0.8,
        "density": 1.0, "coverage": 0.7, "fidelity": {"delay_spread": 0.3},
        "manifold_floor": {"precision": 1.0, "recall": 1.0, "density": 1.0, "coverage": 1.0},
    }  # fmt: skip
    told = {"config": {"model": {"kind": name, "steps": 100, "midpoint_steps": 5}}}
    found = {
        "name": name, "seed": seed, "value": value, "kind": name, "status": "sound", "message": "",
        "fit_seconds": 20.0, "memory_mb": 400.0, "per_second": 1000.0, "parameters": 1e5,
        "passes": 2.0, "losses": [[1.0, 9.0], [2.0, 3.0]], "variation": 0.1, "elbo": 12.0,
        "kl": 20.0, "reconstruction": 32.0, "active_latents": 8.0, "latents": 16.0,
        "quality": judged, "told": told,
    }  # fmt: skip
    return found | more


def found(*trials: dict) -> dict:
    return {
        "schema_version": 1, "chanvae_version": "0", "torch_version": "0", "machine": "none",
        "budget_seconds": 20.0, "clock": "wall", "data": "m.h5", "n": 100, "trials": list(trials),
    }  # fmt: skip


def test_means_over_seeds_order_and_sentences(tmp_path):
    everything = found(
        outcome("vae", 0, 0.9), outcome("vae", 1, 0.8), outcome("cvae", auc=0.6),
        outcome("ddpm", auc=0.7, per_second=8.0, passes=0.4),
        {"name": "wgan", "seed": 0, "value": "", "kind": "wgan", "status": "diverged",
         "message": "rival: the loss is not finite at step 7", "told": {}},
    )  # fmt: skip
    table = rows(everything)
    assert [row.name for row in table] == ["cvae", "ddpm", "vae", "wgan"]
    assert table[2].cells[0] == pytest.approx(0.85) and table[2].spread[0] == pytest.approx(0.05)
    assert (table[3].sound, table[3].seeds, table[3].cells[0]) == (0, 1, None)
    said = "\n".join(sentences(everything))
    assert "First by AUC: cvae (0.600)." in said
    assert "draws 125 times as fast as DDPM with 100 network evaluations" in said
    assert "wgan: 0 of 1 seeds ended sound (diverged: rival: the loss is not finite" in said
    assert "Less than one pass over the data within the budget: ddpm." in said
    written = save(everything, tmp_path)
    assert json.loads(written[0].read_text())["table"][0]["name"] == "cvae"
    page = written[1].read_text()
    assert page.count("<svg") == 3 and "<script" not in page and "http:" not in page[:500]


@pytest.mark.parametrize(("places", "mean"), [(4, "everywhere"), (200, "peak")])
def test_models_are_changes_of_the_preset_that_suits(tmp_path, monkeypatch, capsys, places, mean):
    """A few places measured again and again, and as many places as realisations."""
    plans = []

    def stopped(source, plan, *rest):
        plans.append(plan)
        raise KeyboardInterrupt

    write(paths(200)[np.arange(200) % places], tmp_path / "m.h5")
    words = ["chanvae", "benchmark", "--data", str(tmp_path / "m.h5"), "-o", str(tmp_path / "b")]
    monkeypatch.setattr(module, "benchmark", stopped)
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        main()
    (trials,) = plans
    assert [t.name for t in trials] == list(MODELS)
    assert {t.name: t.config for t in trials}["cvae"].model.likelihood.mean == mean
    assert ("near copies" in capsys.readouterr().err) is (mean == "everywhere")


def test_a_sweep_draws_the_trade_off(capsys, monkeypatch):
    plan = sweep_plan("beta=0.1,1,10", "cvae", 20.0, 1, "quick")
    assert [t.config.model.beta for t in plan] == [0.1, 1, 10]
    assert all(t.config.training.refinement is None for t in plan)
    each = zip(plan, (0.9, 0.8, 0.7), strict=True)
    swept = found(*(outcome(t.name, 0, auc, t.value, kl=float(t.value)) for t, auc in each))
    page = html(swept)
    assert page.count("<svg") == 6 and "as they were asked for" in page
    monkeypatch.setenv("COLUMNS", "80")
    show(swept)
    shown = capsys.readouterr().out
    places = [shown.index(f" cvae-beta-{value} ") for value in ("0.1", "1", "10")]
    assert places == sorted(places), "all told apart, as they were asked for"
    assert "fidelity" in shown and "active" in shown and "…" not in shown
    plan = sweep_plan("annealing=none,cyclic", "beta_vae", 20.0, 2, "quick")
    assert [t.config.training.annealing for t in plan] == ["warmup", "warmup", "cyclic", "cyclic"]
    assert (
        sweep_plan("latent=2,512", "vae", 20.0, 1, "quick")[1].config.model.network.latent == 512
    )


def test_every_model_is_a_kind_and_every_kind_but_none_is_left_out():
    plan = models_plan(MODELS, 20.0, 2, "quick")
    assert [t.name for t in plan[::2]] == [t.config.model.kind for t in plan[::2]] == list(MODELS)
    assert all(t.config.training.seconds == 20.0 for t in plan)
    kinds = {kind.model_fields["kind"].default for kind in get_args(get_args(AnyModel)[0])}
    assert set(MODELS) == kinds


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: models_plan(["vae", "gan"], 1.0, 1), "no model 'gan'; choose from autoencoder"),
        (lambda: sweep_plan("width=3", "vae", 1.0, 1), "--sweep width=3: write beta="),
        (lambda: sweep_plan("annealing=fast", "vae", 1.0, 1), "choose from none, warmup"),
        (lambda: sweep_plan("beta=much", "cvae", 1.0, 1), "model.beta"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(make, said):
    with pytest.raises(DataError, match=said):
        make()


def test_steps_are_as_many_as_a_share_of_the_time_holds(monkeypatch):
    (plan,) = models_plan(["vae"], 100.0, 1, "quick")
    said, clock = [], [0.0]
    monkeypatch.setitem(budget_module.CLOCKS, "wall", lambda: clock[0])
    monkeypatch.setattr(budget_module, "_tried", lambda stage, clock: (0.1, 0.2))
    budget = Budget(plan.config, said.append, 0.0)
    stages = [
        Stage(name, torch.nn.Identity(), plan.config.training.optimisation, 100_000, *[None] * 3)
        for name in ("autoencoder", "pose")
    ]
    clock[0] = 10.0  # was spent on reading; 12 s are kept for calibration
    budget.grant(stages[0])
    share = SHARES["autoencoder"] / (SHARES["autoencoder"] + SHARES["pose"])
    assert stages[0].steps == int((78 * share - 20 * 0.2) / 0.1)
    assert "0.44 of a pass over the 100,000 training realisations" in said[0]
    clock[0] = 97.0  # it took too long, and the rest of the fit is not left out
    budget.grant(stages[1])
    assert stages[1].steps == 10
    with pytest.raises(DataError, match="autoencoder: of 100 s 0.0 s are left for it"):
        budget.grant(stages[0])


@pytest.mark.slow
def test_a_fit_keeps_to_its_budget_and_is_judged(tmp_path):
    write(paths(400), tmp_path / "m.h5")
    (plan,) = models_plan(["vae"], 10.0, 1, "quick", TINY)
    source = {"path": str(tmp_path / "m.h5"), "reading": {}}
    result = trial(source, plan.settings, tmp_path / "run", 200)
    assert result["status"] == "sound", result
    assert 0.5 <= result["quality"]["auc"] <= 1 and 0 <= result["quality"]["coverage"] <= 1
    assert result["elbo"] is not None and result["passes"] > 1
    (short,) = models_plan(["gmm"], 0.01, 1, "quick")
    result = trial(source, short.settings, tmp_path / "run", 200)
    assert result["status"] == "failed"
    assert "s are left for it, in which not even 10 steps" in result["message"]


def test_what_diverges_is_reported_and_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    calls = []

    def alone(source, settings, folder, n):
        calls.append(settings["model"]["kind"])
        if settings["model"]["kind"] == "gmm" and calls.count("gmm") == 1:
            raise KeyboardInterrupt
        kind = settings["model"]["kind"]
        if kind == "wgan":
            return {"status": "diverged", "message": "rival: the loss is not finite at step 3"}
        return outcome(kind) | {"losses": [[0.0, float("nan")]]}

    monkeypatch.setattr(module, "alone", alone)
    plan = models_plan(["vae", "wgan", "gmm"], 9.0, 1, "quick")
    with pytest.raises(KeyboardInterrupt):
        benchmark({"path": "m.h5", "reading": {}}, plan, tmp_path, 100)
    result = benchmark({"path": "m.h5", "reading": {}}, plan, tmp_path, 100)
    assert calls == ["vae", "wgan", "gmm", "gmm"]
    assert [t["status"] for t in result["trials"]] == ["sound", "diverged", "sound"]
    save(result, tmp_path)
    other = models_plan(["hvae", "vae"], 10.0, 1, "quick")
    with pytest.raises(DataError, match="made with other settings or data; add --overwrite"):
        benchmark({"path": "m.h5", "reading": {}}, other, tmp_path, 100)
    assert "hvae" not in calls, "refused before the first fit"


@pytest.mark.slow
def test_the_whole_family_on_the_command_line(tmp_path, monkeypatch, capsys):
    write(paths(600), tmp_path / "m.h5")
    words = ["chanvae", "benchmark", "--data", str(tmp_path / "m.h5"), "--budget", "8s", "--quick",
             "-n", "64", "-o", str(tmp_path / "b"), "--json"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
    result = json.loads(capsys.readouterr().out)
    assert {t["name"] for t in result["trials"]} == set(MODELS)
    assert all(t["status"] in ("sound", "diverged") for t in result["trials"]), result["trials"]
    assert (tmp_path / "b" / "benchmark.html").is_file()
