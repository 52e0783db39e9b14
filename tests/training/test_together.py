"""Several processes fit the model that one would fit: they share batches, chance and gradients."""

import json
import multiprocessing
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing

from chanvae import together
from chanvae.config import Optimisation
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.presets import configure
from chanvae.together import average, overall, part_of, taking, whole
from chanvae.training.fit import fit
from chanvae.training.loop import Stage
from tests.conftest import SHIPPED, paths, stopped_at
from tests.training.test_kinds import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()

FEW = [
    "training.optimisation.steps=6",
    "training.optimisation.batch=33",
    "training.pose.steps=4",
    "training.refinement.steps=4",
    "training.refinement.average=0.9",
    "model.prior.optimisation.steps=4",
    "model.network.width=8",
    "model.network.hidden=16",
    "model.network.latent=8",
    "model.prior.width=8",
    "model.selection.draws=3",
    "model.selection.optimisation.steps=4",
    "training.sixteen_bits=false",
]
"""A fit of a second, with all stages; its batch is not even, and 16 bits would round its parts."""


ENV = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def _as_in_other_processes(monkeypatch):
    for place, name, value in SHIPPED:
        monkeypatch.setattr(place, name, value)


def command(words: list[str], processes: int = 2) -> list[str]:
    """``chanvae`` in several processes, as torchrun starts them."""
    torchrun = ["torch.distributed.run", "--nproc-per-node", str(processes)]
    torchrun += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    return [sys.executable, "-W", "ignore", "-m", *torchrun, "-m", "chanvae", *words]


def launched(
    words: list[str], processes: int = 2, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(words, processes), capture_output=True, text=True, timeout=300, env=ENV, cwd=cwd
    )


def settings(words: list[str]) -> list[str]:
    return [word for setting in words for word in ("--set", setting)]


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_losses(found: list[dict], wanted: list[dict], within: float = 1e-5) -> None:
    assert [(r["stage"], r["step"]) for r in found] == [(r["stage"], r["step"]) for r in wanted]
    for one, other in zip(found, wanted):
        for name in set(other) - {"stage", "step", "seconds", "warning", "kl_latents"}:
            if isinstance(other[name], float):
                assert one[name] == pytest.approx(other[name], rel=within, abs=within), name


def test_torchrun_fits_what_one_process_fits(tmp_path):
    """As docs/scale.md has it: one curve, one run directory, each line said once."""
    write(paths(120), tmp_path / "measured.h5")
    fit(tmp_path / "measured.h5", tmp_path / "one", configure("quick", FEW))
    (line,) = re.findall(r"^torchrun --nproc-per-node 2 -m chanvae (.*)$", PAGE, flags=re.M)
    done = launched([*shlex.split(line), *settings(FEW)], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model.safetensors") == 1
    assert done.stdout.count("next: ") == 1
    found = [rows(tmp_path / k) for k in ("run", "one")]
    # Selections are shown statistics by their rank, in which rounding of the networks is a step.
    for last, within in ((False, 1e-5), (True, 1e-4)):
        assert_same_losses(
            *([r for r in part if ("selection" in r["stage"]) == last] for part in found),
            within=within,
        )
    names = [sorted(p.name for p in (tmp_path / k).iterdir()) for k in ("one", "run")]
    assert names[0] == names[1]


@pytest.mark.slow
def test_bad_input_is_said_once(tmp_path):
    words = ["fit", "--data", str(tmp_path / "none.h5"), "-o", str(tmp_path / "run"), "--quick"]
    done = launched(words)
    assert done.returncode == 1
    assert done.stderr.count("chanvae: ") == 1
    assert "no such file" in done.stderr
    assert not (tmp_path / "run").exists()


def test_without_a_launcher_nothing_is_shared():
    batch = torch.arange(5)
    part = part_of(batch)
    assert part.rows is batch and part.weight == 1
    with taking(part), together.joined():
        values = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
        assert whole(values) is values and overall(values) is values
    expected = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(values, expected)


# What follows runs in processes that join without a launcher, a function in each.


def each(function, folder: Path, processes: int = 2, **given) -> list:
    """What the function gives in each of several processes."""
    multiprocessing.set_forkserver_preload([__name__])
    torch.multiprocessing.start_processes(  # pyright: ignore[reportPrivateImportUsage]
        _one, (function, str(folder), processes, given), processes, start_method="forkserver"
    )
    return [torch.load(folder / f"{k}.pt", weights_only=True) for k in range(processes)]


def _one(rank: int, function, folder: str, processes: int, given: dict) -> None:
    torch.set_num_threads(1)
    where = f"{folder}/store"
    store = dist.FileStore(where, processes)  # pyright: ignore[reportPrivateImportUsage]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=processes)
    try:
        torch.save(function(Path(folder), **given), f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


def primitives(folder: Path) -> dict:
    """Every operation on a batch of 7, and the gradient of a function that is no mean."""
    part = part_of(torch.arange(10, 17))
    weight = torch.nn.Parameter(torch.linspace(1, 2, 3))
    with taking(part):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(len(part.rows), 3, generator=generator)
        lot = torch.randint(5, (len(part.rows),), generator=generator)
        with together.alike():
            same = torch.rand(len(part.rows), generator=generator)[:2]
        y = x * weight
        spread = whole(y).var(0).log().sum()
        clamped = overall(y.mean(0)).clamp(min=0.1).sum()
        (part.weight * (spread + clamped)).backward()
        terms = {"loss": y.sum(1), "other": y[:, 0].mean()[None]}
        figures, flags = average([weight], terms, [dist.get_rank() == 1, False])
    said = together.of_first(lambda: {"rank": dist.get_rank(), "nan": float("nan"), "k": [1.5]})
    mine = {"a": torch.full((2, 3), float(dist.get_rank())), "b": torch.tensor(dist.get_rank())}
    mine["c"] = torch.tensor([dist.get_rank() == 0, True, False])
    together.make_alike(mine)
    told = {"x": x, "lot": lot, "same": same, "grad": weight.grad, "figures": figures}
    return told | {"flags": flags, "said": said, "alike": mine, "rows": part.rows}


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> list[dict]:
    """What two processes find; to start them takes longer than all they do."""
    return each(both, tmp_path_factory.mktemp("pair"))


def both(folder: Path) -> dict:
    return primitives(folder) | {"stage": staged(folder), "turns": turns()}


def turns() -> dict:
    """Four parts of seven rows, and which of them this process made."""
    made = []

    def make(k: int) -> torch.Tensor:
        made.append(k)
        return torch.full((1 + k % 2 * 2, 2), float(k) if k else float("nan")).double()

    return {"found": together.in_turns([1, 3, 1, 3], make, torch.device("cpu")), "made": made}


def test_what_is_made_in_turns_is_made_once_and_the_same_in_all(pair):
    made = [found["turns"]["made"] for found in pair]
    assert made == [[0, 2], [1, 3]]
    for found in pair:
        first, *rest = found["turns"]["found"][:, 1].tolist()
        assert first != first and rest == [1, 1, 1, 2, 3, 3, 3]


def test_parts_make_up_the_batch(pair):
    found = pair
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(7, 3, generator=generator)
    lot = torch.randint(5, (7,), generator=generator)
    weight = torch.nn.Parameter(torch.linspace(1, 2, 3))
    y = x * weight
    (y.var(0).log().sum() + y.mean(0).clamp(min=0.1).sum()).backward()
    assert torch.equal(torch.cat([f["rows"] for f in found]), torch.arange(10, 17))
    assert [len(f["rows"]) for f in found] == [3, 4]
    assert torch.equal(torch.cat([f["x"] for f in found]), x)
    assert torch.equal(torch.cat([f["lot"] for f in found]), lot)
    assert torch.equal(found[0]["same"], found[1]["same"])
    for one in found:
        torch.testing.assert_close(one["grad"], weight.grad)
        assert one["figures"]["loss"] == pytest.approx(y.sum(1).mean().item(), rel=1e-6)
        assert one["figures"]["other"] == pytest.approx(y[:, 0].mean().item(), rel=1e-6)
        assert one["flags"] == [True, False]
        assert one["said"]["rank"] == 0 and one["said"]["k"] == [1.5]
        assert one["said"]["nan"] != one["said"]["nan"]
        assert float(one["alike"]["a"].sum()) == 0 and int(one["alike"]["b"]) == 0
        assert one["alike"]["c"].tolist() == [True, True, False]
    assert torch.equal(found[0]["grad"], found[1]["grad"])


def staged(folder: Path) -> dict:
    """A stage whose loss is not finite in one process alone, and one that is too late."""
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, float(dist.get_rank()))

    def loss(rows, step, generator):
        assert found.optimizer is not None
        bad = step > 5 and dist.get_rank() == 1 and found.optimizer.param_groups[0]["lr"] > 0.04
        value = (network.weight - 1).square().sum() * (float("nan") if bad else 1.0)
        return {"loss": value.expand(len(rows))}

    how = Optimisation(steps=40, batch=4, epochs=40, learning_rate=0.1, patience=60)
    validate = lambda _: {"loss": float((network.weight - 1).square())}  # noqa: E731
    found = Stage("toy", network, how, 8, loss, validate, 0)
    found.run(lambda figures, keep: None)
    clock = iter(range(1000)).__next__
    later = Stage("toy", network, how, 8, loss, validate, 0, deadline=3, clock=clock)
    later.run(lambda figures, keep: None)
    with pytest.raises(DataError, match="2 processes cannot share a batch of 1; start fewer"):
        part_of(torch.arange(1))
    return {"retreats": found.retreats, "steps": [found.step, later.step], "w": network.weight}


def test_processes_retreat_and_stop_together(pair):
    one, other = (found["stage"] for found in pair)
    assert one["retreats"] == other["retreats"] > 0
    assert one["steps"] == other["steps"]
    assert one["steps"][0] == 40 and one["steps"][1] < 10
    assert torch.equal(one["w"], other["w"])


def fitted(folder: Path, preset: str, words: list[str]) -> dict[str, torch.Tensor]:
    return fit(folder / "m.h5", folder / "two", configure(preset, words)).model.state_dict()


MORE = {
    kind: ("quick", [*words, "training.optimisation.batch=32", FEW[-1]])
    for kind, words in KINDS.items()
}
for kind, more in {"vae": "training.free_bits=0.05", "vqvae": "model.codes=16"}.items():
    MORE[kind][1].append(more)
SMALL = ["model.network.width=8", "model.network.latent=2", *FEW[9:12]]
MORE["free"] = "quick", [*FEW, "training.free_bits=0.05"]
MORE["file"] = "quick", [*FEW, "data.memory_gib=1e-9"]
MORE["paths"] = "default", [*FEW[:6], FEW[-1], *SMALL, "seed=1"]
"""With seed 0 rounding makes another curve, by 2e-4 from the second step of the refinement on."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", MORE)
def test_every_kind_learns_alike(kind, tmp_path):
    """16 codes and parts of 16 rows: what is drawn alike is not taken for what is drawn apart."""
    write(paths(150), tmp_path / "m.h5")
    preset, words = MORE[kind]
    fit(tmp_path / "m.h5", tmp_path / "one", configure(preset, words))
    one, other = each(fitted, tmp_path, preset=preset, words=words)
    for name, value in one.items():
        assert torch.equal(value, other[name]), name
    assert_same_losses(rows(tmp_path / "two"), rows(tmp_path / "one"), 1e-4)


@pytest.fixture
def undisturbed(tmp_path) -> list[str]:
    """Settings of a longer fit, which lies in ``one`` as one process made it."""
    write(paths(120), tmp_path / "m.h5")
    words = [*FEW, "training.optimisation.steps=300"]
    fit(tmp_path / "m.h5", tmp_path / "one", configure("quick", words))
    return words


@pytest.mark.slow
def test_sigterm_ends_all_and_one_process_goes_on(tmp_path, undisturbed):
    out = tmp_path / "two"
    words = ["fit", "--data", str(tmp_path / "m.h5"), "-o", str(out), "--quick"]
    with subprocess.Popen(
        command([*words, *settings(undisturbed)]), stderr=subprocess.PIPE, text=True, env=ENV
    ) as process:
        end = time.monotonic() + 120
        while time.monotonic() < end and not (out / "metrics.jsonl").is_file():
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=120)[1]
    assert said.count("stopped; the best so far is kept") == 1, said
    assert (out / "checkpoint.safetensors").is_file()
    fit(directory=out, resume=True)
    assert_same_losses(rows(out), rows(tmp_path / "one"), 1e-4)


@pytest.mark.slow
def test_several_processes_go_on_with_the_fit_of_one(tmp_path, undisturbed):
    with stopped_at(100):
        fit(tmp_path / "m.h5", tmp_path / "two", configure("quick", undisturbed))
    done = launched(["fit", "--resume", "-o", str(tmp_path / "two")], 3)
    assert done.returncode == 0, done.stderr
    assert_same_losses(rows(tmp_path / "two"), rows(tmp_path / "one"), 1e-4)


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_fit_with_a_line(tmp_path, undisturbed):
    out = tmp_path / "two"
    words = ["fit", "--data", str(tmp_path / "m.h5"), "-o", str(out), "--quick"]
    more = settings([*undisturbed, "training.optimisation.steps=3000"])
    with subprocess.Popen(
        command([*words, *more]), stderr=subprocess.PIPE, text=True, env=ENV
    ) as process:
        end = time.monotonic() + 120
        while time.monotonic() < end and not (out / "metrics.jsonl").is_file():
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[-1]), signal.SIGKILL)
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 1
    assert said.count("another process of this fit has ended") == 1, said
    assert (out / "checkpoint.safetensors").is_file()


@pytest.mark.slow
def test_a_limited_time_is_shared_out_alike(tmp_path):
    write(paths(150), tmp_path / "m.h5")
    words = [*FEW[2:], "training.seconds=20"]
    one, other = each(fitted, tmp_path, preset="quick", words=words)
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.mark.slow
def test_only_fit_is_for_several_processes():
    done = launched(["inspect", "none.h5"])
    assert done.returncode == 1
    assert done.stderr.count("inspect works in one process") == 1
