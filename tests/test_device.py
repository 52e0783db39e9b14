"""Networks on a GPU: on a pretended one everywhere, on a real one where there is one."""

import copy
import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
import torch

from chanvae.device import placed
from chanvae.errors import DataError
from chanvae.evaluate import channel_classifier
from chanvae.evaluate.channel_classifier import channels_test
from chanvae.evaluate.compare import compare
from chanvae.evaluate.looks import compute, look
from chanvae.interpolate import between
from chanvae.io.hdf5 import write
from chanvae.io.read import load
from chanvae.models import site as site_module
from chanvae.models.site import Registered
from chanvae.nn.brief import allowed
from chanvae.presets import configure
from chanvae.run import open_run
from chanvae.stats.conditions import with_channel_conditions
from chanvae.training import calibration, loop, selecting
from chanvae.training import fit as fit_module
from chanvae.training.fit import fit
from chanvae.training.start import take
from tests.cli.test_main import call
from tests.conftest import SHORT, paths, stopped_at
from tests.models.test_cvae import GRIDS, some_channels
from tests.models.test_family import FAMILY, RIVALS, SMALL, shaken, site
from tests.pretended import Pretended, gpu
from tests.training.test_together import ENV, command

FEW = [
    "training.optimisation.steps=6",
    "training.pose.steps=4",
    "training.refinement.steps=6",
    "training.refinement.batch=32",
    "training.sixteen_bits=false",
    "model.prior.optimisation.steps=4",
    "model.network.width=8",
    "model.network.encoder_blocks=1",
    "model.network.decoder_blocks=1",
    "model.prior.width=8",
    "model.prior.blocks=1",
    "model.selection.optimisation.steps=4",
]
"""A fit of seconds with all stages; the pretended GPU has no 16 bits."""
GAME = ["training.refinement.steps=60", "model.selection.optimisation.steps=60"]


@pytest.fixture
def real():
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")


def test_a_device_that_is_not_there_is_refused(tmp_path, run, monkeypatch, capsys):
    said = "device 'cuda:7' is not there; torch sees: cpu"
    with pytest.raises(DataError, match=said):
        placed("cuda:7")
    for words in (
        ["fit", "--data", "none.h5", "-o", str(tmp_path / "run")],
        ["generate", str(run.directory), "-n", "1", "-o", str(tmp_path / "some.h5")],
        ["evaluate", str(run.directory)],
    ):
        code, out, err = call(monkeypatch, capsys, *words, "--device", "cuda:7")
        assert (code, out) == (1, "") and said in err
    assert not any(tmp_path.iterdir())


def test_each_of_several_processes_takes_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert placed("cuda") == torch.device("cuda:0")
    there = {"RANK": "5", "WORLD_SIZE": "8", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    for name, value in there.items():
        monkeypatch.setenv(name, value)
    for number in range(2):
        monkeypatch.setenv("LOCAL_RANK", str(number))
        assert placed("cuda") == torch.device("cuda", number)
    assert placed("cuda:0") == torch.device("cuda:0")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(DataError, match="'cuda:2' is not there; .*no more processes than"):
        placed("cuda")


def test_what_a_gpu_refuses_the_pretended_one_refuses():
    with gpu():
        x = torch.arange(12.0, device="cuda").reshape(3, 4) - 5
        assert x.device.type == x[1:].square().device.type == torch.zeros_like(x).device.type
        assert x.cpu().device.type == "cpu"
        for wrong in (
            lambda: x + torch.ones(4),
            lambda: torch.cat([x, torch.ones(3, 4)]),
            lambda: x.gather(0, torch.zeros(1, 4, dtype=torch.long)),
            lambda: torch.ones(4)[x[0] > 0],
            lambda: x @ torch.ones(4, 2),
            lambda: torch.randn(3, device="cuda", generator=torch.Generator()),
            lambda: torch.randn(3, generator=torch.Generator("cuda")),
            lambda: x.numpy(),
        ):
            with pytest.raises((RuntimeError, TypeError), match="cuda"):
                wrong()
        assert x[torch.tensor([0, 2])].shape == (2, 4)
        assert float((x * torch.tensor(2.0)).sum()) == pytest.approx(2 * float(x.sum()))


KINDS = [(name, SMALL) for name in (FAMILY | RIVALS)] + [(k, GRIDS[4]) for k in ("cvae", "wgan")]


@pytest.mark.parametrize(("name", "grid"), KINDS, ids=lambda k: k if isinstance(k, str) else "")
def test_every_kind_stays_on_its_device(name, grid):
    model = site(grid, (FAMILY | RIVALS)[name])
    shaken(model)
    with gpu(), allowed(False):
        model.to("cuda")
        generator = torch.Generator("cuda").manual_seed(0)
        x, pose = model.register(some_channels(grid, 8).to("cuda"))
        data = Registered(x, pose, torch.randn(8, 2, device="cuda", generator=generator))
        context = model.context(data.c, data.pose)
        model.cvae.prepare(data.x, context, 0)
        for step in range(2):
            terms = model.cvae.loss(data.x, context, generator, step)
            terms["loss"].mean().backward()
        with torch.no_grad():
            model.cvae.validate(data.x, context, generator)
        if name in FAMILY:
            z = model.posterior(data, generator)
            model.latent_prior.fit_scale(z)
            model.latent_prior.loss(z, context, generator)
        h = model.draw(data.c, generator)
        for found in (*terms.values(), *vars(pose).values(), h, *model.state_dict().values()):
            assert isinstance(found, Pretended)
        assert h.cpu().isfinite().all()


@pytest.mark.parametrize("rx", [1, 4])
def test_statistics_are_the_same_on_a_device(rx):
    data = paths(60, rx=rx)
    turning = np.exp(1j * np.arange(3))[:, None].astype(np.complex64)
    data = replace(data, h=data.h * turning, time=np.arange(3) * 1e-3)
    here = look(data)
    with gpu():
        there = look(data, device="cuda")
    for name in ("values", "means"):
        one, other = getattr(here, name), getattr(there, name)
        assert one.keys() == other.keys()
        for key in one:
            # Conjugate matrices are multiplied in another order here.
            near = 1e-6 * np.abs(one[key][np.isfinite(one[key])]).max()
            np.testing.assert_allclose(one[key], other[key], rtol=1e-6, atol=near)


def test_a_fit_is_the_same_on_a_device(tmp_path, monkeypatch, capsys):
    """All stages: where the chance is the same, what is drawn is, but for rounding."""
    monkeypatch.setattr(fit_module, "DRAWS", 64)
    monkeypatch.setattr(calibration, "ROUNDS", 2)
    monkeypatch.setattr(loop, "VALIDATIONS", 2)
    monkeypatch.setattr(site_module, "ROUNDS", 1)
    monkeypatch.setattr(selecting, "AGAIN", 1)
    data, one, two = paths(300), tmp_path / "one", tmp_path / "two"
    write(data, file := tmp_path / "data.h5")
    asked = {"data.conditions": ["los"], "data.memory_gib": 1e-4}  # maps stay in the file
    config = configure("default", FEW, asked)
    ends = with_channel_conditions(data[[0, 1]])

    def made(run):
        """Draws as they come, for spreads asked for, and on a latent path."""
        asked = {"delay_spread": 1e-7, "angular_spread": 0.3}
        drawn = [run.sample(20, seed=3), run.sample(20, seed=3, again=1, **asked)]
        return [*drawn, *(stop for _, stop in between(run, ends, steps=2, n=4))]

    def alike(tensors):
        """What several processes exchange, all of it on one device."""
        assert all(isinstance(value, Pretended) for value in tensors.values())

    here = fit(file, one, config)
    with gpu():
        for module in (fit_module, loop):
            monkeypatch.setattr(module, "make_alike", alike)
        with stopped_at(1, "prior"):
            fit(file, two, config, device="cuda")
        words = "fit", "--resume", "-o", str(two), "--device", "cuda"
        assert call(monkeypatch, capsys, *words)[0] == 0
        there = open_run(two).to("cuda")
        assert all(isinstance(value, Pretended) for value in there.model.state_dict().values())
        take(there, copy.deepcopy(here.model))
        drawn = made(there)
        for selection in there.model.selections:
            selection.cap.zero_()
        assert np.isfinite(there.sample(8, again=1, delay_spread=1e-7).h[:]).all()
        drawn_there = there.sample(60)
        assert np.isfinite(drawn_there.h[:]).all()
        report = compare(data[:60], drawn_there, quick=True, device="cuda")
    for a, b in zip(made(here), drawn, strict=True):
        assert np.abs(a.h[:] - b.h[:]).max() < 1e-3 * np.abs(a.h[:]).max()
    assert report.statistics
    assert open_run(two).sample(4).h[:].dtype == np.complex64


def test_the_classifier_is_the_same_on_a_device(monkeypatch):
    monkeypatch.setattr(channel_classifier, "STEPS", 20)
    one, other = paths(30, rx=2, freq=8), paths(30, rx=2, freq=8, seed=1)
    here = channels_test(one, other)
    with gpu():
        assert channels_test(one, other, device="cuda").auc == pytest.approx(here.auc, abs=0.02)


def test_commands_take_a_device(run, tmp_path, monkeypatch, capsys):
    where, file = str(run.directory), tmp_path / "data.h5"
    write(paths(600), file)
    with gpu():
        words = "generate", where, "-n", "30", "-o", str(tmp_path / "some.h5"), "--json"
        code, _, err = call(monkeypatch, capsys, *words, "--device", "cuda")
        assert code == 0, err
        words = "evaluate", where, "--data", str(file), "-n", "40", "--quick", "--json"
        words = *words, "-o", str(tmp_path / "report"), "--device", "cuda"
        code, out, err = call(monkeypatch, capsys, *words)
        assert code == 0, err
    np.testing.assert_array_equal(load(tmp_path / "some.h5").h[:], run.sample(30).h[:])
    assert json.loads(out)["statistics"]


def test_a_gpu_fits_draws_and_judges(real, tmp_path, monkeypatch, capsys):
    """False alarm: of 20 statistics at 1e-5 each, 2 in 10,000."""
    write(paths(2000), file := tmp_path / "data.h5")
    where, drawn = str(tmp_path / "run"), str(tmp_path / "some.h5")
    with stopped_at(1, "prior"):
        fit(file, where, configure("default", [*SHORT, *GAME]), device="cuda")
    for words in (
        ("fit", "--resume", "-o", where),
        ("generate", where, "-n", "1000", "-o", drawn),
        ("evaluate", where, "-n", "500"),
    ):
        code, _, err = call(monkeypatch, capsys, *words, "--device", "cuda")
        assert code == 0, err
    here, there = compute(open_run(where).sample(1000, seed=1)), compute(load(drawn))
    for name, values in here.items():
        told = values[np.isfinite(values)], there[name][np.isfinite(there[name])]
        assert scipy.stats.ks_2samp(*told).pvalue > 1e-5, name
    there = compute(load(drawn), device="cuda")
    for name, values in compute(load(drawn)).items():
        near = 1e-3 * float(values[np.isfinite(values)].std())
        np.testing.assert_allclose(there[name], values, rtol=1e-3, atol=near, err_msg=name)


def test_two_gpus_fit_together(real, tmp_path):
    if torch.cuda.device_count() < 2:
        pytest.skip("one GPU here")
    write(paths(300), file := tmp_path / "data.h5")
    words = ["fit", "--data", str(file), "-o", str(tmp_path / "run"), "--device", "cuda"]
    words += [word for change in FEW for word in ("--set", change)]
    subprocess.run(command(words), check=True, env=ENV)
    assert np.isfinite(open_run(tmp_path / "run").sample(4).h[:]).all()
