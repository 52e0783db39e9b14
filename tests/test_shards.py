"""Shards hold what one command would have written, and are joined to one set."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chanvae
import chanvae.cli
from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.io.hdf5 import read, write
from chanvae.io.join import join
from chanvae.io.simulation.blocks import simulate
from chanvae.io.simulation.setup import Simulation
from chanvae.run import BATCH
from chanvae.shards import Shard
from tests.cli.test_main import call
from tests.conftest import paths

PAGE = (Path(__file__).parents[1] / "docs" / "scale.md").read_text()


@pytest.mark.parametrize(("total", "of"), [(1, 1), (5, 2), (16, 16), (1000, 7)])
def test_shares_are_nearly_equal_and_leave_nothing_out(total: int, of: int):
    parts = [Shard(k, of).blocks(total) for k in range(of)]
    assert [k for part in parts for k in part] == list(range(total))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["3", "2/2", "a/b", "-1/2", "1/0", "1/2/3"])
def test_what_is_no_shard(text: str):
    with pytest.raises(DataError, match="write which and of how many"):
        Shard.parse(text)
    with pytest.raises(DataError, match="there are 3 blocks to share; use 3 shards at most"):
        Shard(0, 4).blocks(3)


@pytest.fixture(scope="module")
def parts(run, tmp_path_factory) -> list[Path]:
    """Three shards, and the whole beside them."""
    folder = tmp_path_factory.mktemp("shards")
    n = 3 * BATCH + 100
    with pytest.MonkeyPatch.context() as patch:
        for name, more in (
            ("whole.h5", []),
            *((f"{k}.h5", ["--shard", f"{k}/3"]) for k in range(3)),
        ):
            words = ["generate", str(run.directory), "-n", str(n), "-o", str(folder / name)]
            patch.setattr("sys.argv", ["chanvae", *words, *more])
            with pytest.raises(SystemExit) as end:
                chanvae.cli.main()
            assert not end.value.code
    return [folder / f"{k}.h5" for k in range(3)]


def test_the_union_is_the_whole(parts: list[Path]):
    folder = parts[0].parent
    joined = folder / "all.h5"
    assert join(parts[::-1], joined, overwrite=True) == 3 * BATCH + 100
    with pytest.raises(DataError, match=r"lies in another file; .* or add --trusted"):
        chanvae.load(joined)
    whole, found = chanvae.load(folder / "whole.h5"), chanvae.load(joined, trusted=True)
    np.testing.assert_array_equal(found.h[:], whole.h[:])
    np.testing.assert_array_equal(found.h[3000:3010], whole.h[3000:3010])
    for name, values in whole.conditions.items():
        np.testing.assert_array_equal(found.conditions[name], values)
    assert found.condition_units == whole.condition_units
    plain = {k: v for k, v in found.meta.provenance.items() if k not in ("file", "sha256")}
    assert plain == {k: v for k, v in whole.meta.provenance.items() if k in plain}
    assert joined.stat().st_size < 1 << 16


def test_what_cannot_be_joined(parts: list[Path], tmp_path: Path):
    out = tmp_path / "all.h5"
    write(paths(20), tmp_path / "other.h5")
    whole = parts[0].parent / "whole.h5"
    for given, says in (
        (parts[:2], r"1.h5: is the last shard named and ends at 2048 of 3172 realisations"),
        ([parts[0], parts[2]], "2.h5: begins with realisation 2048, and the shards before it end"),
        ([*parts, parts[0]], "name every shard, each once"),
        ([whole], "whole.h5: is not a shard; only files made with --shard"),
    ):
        with pytest.raises(DataError, match=says):
            join(given, out)
    strange = read(parts[1])
    write(strange, tmp_path / "1.h5")
    meta = strange.meta.provenance | {"seed": 5}
    write(strange.with_conditions({}, {}, provenance=meta), tmp_path / "1.h5", overwrite=True)
    with pytest.raises(DataError, match="is a shard of another set than"):
        join([parts[0], tmp_path / "1.h5", parts[2]], out)
    assert not out.exists()


def test_a_shard_that_is_missing_is_named(parts: list[Path], tmp_path: Path):
    for part in parts:
        (tmp_path / part.name).write_bytes(part.read_bytes())
    join([tmp_path / p.name for p in parts], tmp_path / "all.h5")
    (tmp_path / "1.h5").unlink()
    with pytest.raises(DataError, match="takes part of it from 1.h5, which is not there"):
        chanvae.load(tmp_path / "all.h5", trusted=True)


def test_blocks_of_a_simulation():
    setup = Simulation("TDL-A", rx_array=ArrayGeometry(columns=2), subcarriers=8, bandwidth=20e6)
    whole = np.concatenate([b.h for b in simulate(setup, 50, 3, batch=20)])
    late = [b.h for b in simulate(setup, 50, 3, batch=20, wanted=range(1, 3))]
    assert [len(h) for h in late] == [20, 10]
    np.testing.assert_array_equal(np.concatenate(late), whole[20:])
    assert not list(simulate(setup, 50, 3, batch=20, wanted=range(3, 3)))


@pytest.mark.slow
def test_the_commands_of_the_documentation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(paths(300), "measured.h5")
    from tests.conftest import SHORT

    for block in re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            if program != "chanvae":  # torchrun: training/test_together.py
                continue
            if words[0] == "fit" and "--data" in words:
                words += [w for s in SHORT for w in ("--set", s)]
            code, _, err = call(monkeypatch, capsys, *words)
            assert code == 0, err
    assert chanvae.load("one.h5").shape[0] == 5000


@pytest.mark.slow
def test_shards_on_a_cluster(run, tmp_path: Path):
    example = Path(__file__).parents[1] / "examples" / "generate_on_dask.py"
    count, joined = 2 * BATCH + 100, tmp_path / "all.h5"
    words = [sys.executable, str(example), str(run.directory), str(count), str(joined), "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = chanvae.load(joined, trusted=True)
    np.testing.assert_array_equal(found.h[:], run.sample(count).h[:])
