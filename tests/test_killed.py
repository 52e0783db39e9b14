"""Killed at any moment, a command loses little, leaves nothing that looks whole, and goes on."""

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from chanvae.cli import main
from chanvae.io import kept
from chanvae.io.hdf5 import Writer, write
from chanvae.run import BATCH
from chanvae.stopping import TERMINATED
from chanvae.training import fit as fit_module
from tests.conftest import paths, steps

FEW = [
    *steps(4),
    "training.refinement.steps=4",
    "training.refinement.average=0.9",
    "model.selection.draws=3",
    "model.selection.optimisation.steps=4",
    "model.network.width=8",
    "model.network.hidden=16",
    "model.network.latent=8",
    "model.prior.width=8",
]
"""A fit of a second, with a checkpoint at every step."""


def child(words: list[str], before: Callable[[], None] | None = None) -> ForkServerProcess:
    """The command line in a process of its own, which need not import everything anew.

    Args:
        words: What follows ``chanvae``.
        before: Called there first.
    """
    process = _clean().Process(target=_command, args=(words, kept.SECONDS, before))
    process.start()
    return process


@cache
def _clean() -> ForkServerContext:
    """Where processes are forked from one that has imported everything and done nothing."""
    context = multiprocessing.get_context("forkserver")
    ours = ["chanvae.io.convert", "chanvae.io.simulation", "chanvae.training.fit"]
    theirs = ["torch._dynamo", "matplotlib.backends.backend_agg"]  # a first step, a figure
    context.set_forkserver_preload([__name__, *ours, *theirs])
    first = context.Process(target=int)
    first.start()
    assert ended(first) == 0
    return context


def _command(words: list[str], seconds: float, before: Callable[[], None] | None) -> None:
    kept.SECONDS, fit_module.DRAWS = seconds, 256
    if before is not None:
        before()
    with Path(os.devnull).open("w") as quiet:
        sys.stdout = sys.stderr = quiet
        sys.argv = ["chanvae", *words]
        main()


def ended(process: ForkServerProcess) -> int:
    """Exit code of a child; negative: the signal that ended it."""
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def done(words: list[str]) -> None:
    assert ended(child(words)) == 0, words


def waited(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


class Case:
    """A command, the file it makes, and what goes on with it."""

    def __init__(self, first: list[str], again: list[str], out: Path, key: Path) -> None:
        self.first, self.again, self.out, self.key = first, again, out, key

    def clear(self) -> None:
        for path in self.out.parent.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def begun(self) -> bool:
        return any(self.out.parent.iterdir())


def torment(case: Case, times: int, seed: int) -> None:
    """Kill and terminate at random moments, so many times, and go on."""
    start = time.monotonic()
    done(case.first)
    length, whole = time.monotonic() - start, case.key.read_bytes()
    case.clear()
    rng, killed = random.Random(seed), 0
    while killed < times:
        number = (signal.SIGKILL, signal.SIGTERM)[killed % 2]
        if case.key.exists():
            case.clear()
        words = case.again if case.begun() else case.first
        process = child(words)
        time.sleep(rng.uniform(0.02, 0.8) * length)
        process.kill() if number == signal.SIGKILL else process.terminate()
        code = ended(process)
        stopped = -signal.SIGKILL if number == signal.SIGKILL else TERMINATED
        early = code == -signal.SIGTERM == -number
        assert code in (0, stopped, 1 if "--resume" in words else 0) or early, code
        assert not early or words == case.first or case.key.exists(), "work was not saved"
        killed += code == stopped
        length *= 1.0 if code == stopped else 0.8  # what is gone on with is done sooner
        if case.key.exists():
            assert case.key.read_bytes() == whole, "a file that is there is whole"
    for _ in range(3):  # a fit that was killed before its first checkpoint begins again
        if ended(child(case.again if case.begun() else case.first)) == 0:
            break
        case.clear()
    assert case.key.read_bytes() == whole, "what was gone on with is the same to the bit"
    left = {p.name for p in case.key.parent.iterdir() if p.name.startswith(".")}
    assert not left, "nothing hidden is left"


@pytest.fixture
def fitting(tmp_path: Path) -> Case:
    write(paths(120), tmp_path / "measured.h5")
    out = tmp_path / "there" / "run"
    out.parent.mkdir()
    settings = [word for s in FEW for word in ("--set", s)]
    first = ["fit", "--data", str(tmp_path / "measured.h5"), "-o", str(out), "--quick", *settings]
    return Case(first, ["fit", "--resume", "-o", str(out)], out, out / "model.safetensors")


@pytest.fixture
def generating(tmp_path: Path, run, monkeypatch) -> Case:
    monkeypatch.setattr(kept, "SECONDS", 0.0)
    out = tmp_path / "there" / "g.h5"
    out.parent.mkdir()
    words = ["generate", str(run.directory), "-n", "6000", "-o", str(out)]
    return Case(words, [*words, "--resume"], out, out)


def simulating(tmp_path: Path, monkeypatch, *more: str) -> Case:
    monkeypatch.setattr(kept, "SECONDS", 0.0)
    out = tmp_path / "there" / "s.h5"
    out.parent.mkdir()
    words = ["simulate", "TDL-A", "-n", "3000", "-o", str(out), "--subcarriers", "16", *more]
    return Case(words, [*words, "--resume"], out, out)


def converting(tmp_path: Path, to: str) -> Case:
    write(paths(20000), tmp_path / "measured.h5")
    out = tmp_path / "there" / f"c.{to}"
    out.parent.mkdir()
    words = ["convert", str(tmp_path / "measured.h5"), "-o", str(out)]
    return Case(words, words, out, out)


def test_a_fit_that_is_killed(fitting: Case):
    torment(fitting, 2, seed=0)


def test_a_generate_that_is_killed(generating: Case):
    torment(generating, 2, seed=1)


def terminate_later() -> None:
    """Send this process SIGTERM once it has written 2,000 realisations."""
    append = Writer.append

    def stop(self, batch):
        if self.written > 2000:
            os.kill(os.getpid(), signal.SIGTERM)
        append(self, batch)

    Writer.append = stop


def test_sigterm_saves_what_there_is(generating: Case, monkeypatch):
    """Even of blocks that would have been saved later."""
    folder = generating.out.parent
    monkeypatch.setattr(kept, "SECONDS", 60.0)
    assert ended(child(generating.first, terminate_later)) == TERMINATED
    assert [p.name for p in folder.iterdir()] == [".g.h5.chanvae-parts"]
    assert len(list(folder.glob("*/*.h5"))) == 1


def main_of(words: list[str]) -> int:
    """The command line in this process; stops pass through."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(sys, "argv", ["chanvae", *words])
        main()
    return int(end.value.code or 0)


def test_what_was_begun_is_not_gone_on_with_as_something_else(
    generating: Case, capsys, monkeypatch
):
    append = Writer.append

    def stop(self, batch):
        if self.written > 2000 and len(batch) == BATCH:
            raise KeyboardInterrupt
        append(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "append", stop)
        assert main_of(generating.first) == 130
    for more, says in (
        (["--seed", "1"], "had another seed (0, now 1)"),
        (["--shard", "0/2"], "had another shard ('0/1', now '0/2')"),
    ):
        assert main_of([*generating.again, *more]) == 1
        assert says in capsys.readouterr().err
    assert main_of(generating.again) == 0
    assert main_of(generating.again) == 0
    assert "is there already, whole" in capsys.readouterr().out
    assert main_of(generating.first) == 1
    assert [p.name for p in generating.out.parent.iterdir()] == ["g.h5"]


@pytest.mark.slow
def test_a_fit_that_is_killed_often(fitting: Case):
    torment(fitting, 30, seed=2)


@pytest.mark.slow
def test_a_generate_that_is_killed_often(generating: Case):
    torment(generating, 30, seed=3)


@pytest.mark.slow
@pytest.mark.parametrize("more", [("--workers", "1"), ("--workers", "2", "--compress")])
def test_a_simulate_that_is_killed_often(tmp_path: Path, monkeypatch, more: tuple):
    torment(simulating(tmp_path, monkeypatch, *more), 30, seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["h5", "mat", "npz"])
def test_a_convert_that_is_killed_often(tmp_path: Path, to: str):
    """It keeps no pieces; made again, it is the same."""
    torment(converting(tmp_path, to), 30, seed=5)


def children(pid: int) -> list[int]:
    """Processes of a parent, where the system says it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for the children of a process")
def test_workers_end_with_their_parent_and_are_replaced(tmp_path: Path, monkeypatch):
    case = simulating(tmp_path, monkeypatch, "--workers", "2")
    done(case.first)
    whole = case.key.read_bytes()
    case.clear()
    parent = child(case.first)
    assert parent.pid
    waited(lambda: list(case.out.parent.glob(".s.h5.chanvae-parts/*.h5")))
    os.kill(children(parent.pid)[-1], signal.SIGKILL)
    assert ended(parent) == 0
    assert case.key.read_bytes() == whole
    case.clear()
    parent = child(case.first)
    assert parent.pid
    waited(lambda: list(case.out.parent.glob(".s.h5.chanvae-parts/*.h5")))
    workers = children(parent.pid)
    parent.kill()
    ended(parent)
    waited(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
