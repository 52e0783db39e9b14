"""The command line as a user meets it: help, exit codes, one line for a mistake."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.cli import COMMANDS, main
from chanvae.generate import conditions_like
from chanvae.io.hdf5 import write
from chanvae.models.site import SiteModel
from tests.conftest import SHORT, paths

ROOT = Path(__file__).parents[2]
SAMPLE = str(ROOT / "datasets" / "umi_8x32.h5")


def call(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["chanvae", *words])
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_names_every_option_and_imports_nothing_heavy(command):
    heavy = ["numpy", "torch", "h5py", "sionna", "matplotlib", "pydantic", "scipy", "sklearn"]
    code = (
        "import sys; sys.argv = ['chanvae', *sys.argv[1:], '--help']\n"
        "from chanvae.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print([m for m in {heavy!r} if m in sys.modules])"
    )
    words = [sys.executable, "-c", code, *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "Usage:" in done.stdout
    assert done.stdout.strip().endswith("[]"), done.stdout.splitlines()[-1]


def test_importing_the_package_does_not_import_torch():
    code = "import sys, chanvae; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"]


def test_the_three_line_script_is_the_command_line():
    done = subprocess.run(
        [sys.executable, "cli.py", "--version"], capture_output=True, text=True, cwd=ROOT
    )
    assert re.search(r"version \d+\.\d+", done.stdout)
    assert len((ROOT / "cli.py").read_text().split("\n\n")) == 2


def test_generate_writes_what_was_asked(monkeypatch, capsys, run, tmp_path):
    out = str(tmp_path / "g.h5")
    folder = str(run.directory)
    asked = ["--delay-spread", "100ns", "--condition", "los=1"]
    code, text, err = call(
        monkeypatch, capsys, "generate", folder, "-n", "1500", "-o", out, *asked, "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(text)["realisations"] == 1500
    with h5py.File(out) as file:
        assert file["h"].shape == (1500, 4, 1, 1, 16)
        np.testing.assert_allclose(file["conditions/delay_spread"][:], 1e-7)
        assert set(file["conditions/los"][:]) == {1}
        assert json.loads(file.attrs["provenance"])["seed"] == 0
    memory = run.sample(1500, delay_spread=1e-7, los=1)
    with h5py.File(out) as file:
        np.testing.assert_array_equal(file["h"][:], memory.h)


def test_generate_keeps_every_draw_if_asked(monkeypatch, capsys, run, tmp_path):
    seen, draw = [], SiteModel.draw

    def noted(self, *given, every=False, **more):
        seen.append(every)
        return draw(self, *given, every=every, **more)

    monkeypatch.setattr(SiteModel, "draw", noted)
    for more in ([], ["--every"]):
        words = [str(run.directory), "-n", "5", "-o", str(tmp_path / "g.h5"), "--overwrite", *more]
        code, _, _ = call(monkeypatch, capsys, "generate", *words)
        assert code == 0
    assert seen == [False, True]


def test_generate_like_another_file(monkeypatch, capsys, run, measured, tmp_path):
    write(measured[:10], tmp_path / "m.h5")
    words = ["--like", str(tmp_path / "m.h5"), "-n", "25", "-o", str(tmp_path / "g.h5")]
    code, _, _ = call(monkeypatch, capsys, "generate", str(run.directory), *words)
    assert code == 0
    with h5py.File(tmp_path / "g.h5") as file:
        assert (
            file["conditions/los"][:].tolist()
            == (measured.conditions["los"][:10].tolist() * 3)[:25]
        )


def test_generate_like_a_file_that_is_read_as_the_training_data_were(run, measured, tmp_path):
    path = tmp_path / "m.npz"
    np.savez(path, h=measured.h[:5, :, 0, 0], los=measured.conditions["los"][:5])
    reading = {"array": "h", "axes": "n,rx,freq", "bandwidth": 20e6, "conditions": ["los"]}
    asked = conditions_like(replace(run, source={"reading": reading}), str(path), 8)
    los = measured.conditions["los"][:5].tolist()
    assert asked["los"].tolist() == [*los, *los[:3]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--delay-spread", "80"], "a bare number has no unit; add one of s, ms, us"),
        (["--delay-spread", "80deg"], "unit 'deg' is not one of s, ms, us"),
        (["--delay-spread", "3s"], "--extrapolate"),
        (["--condition", "los=7"], "7' is not in the training data; it has 0, 1"),
        (["--condition", "speed=7"], "'speed' is not a condition of this model"),
        (["--like", "x.h5", "--delay-spread", "80ns"], "leave the others out"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(monkeypatch, capsys, run, tmp_path, words, says):
    out = tmp_path / "g.h5"
    code, text, err = call(
        monkeypatch, capsys, "generate", str(run.directory), "-n", "9", "-o", str(out), *words
    )
    assert code == 1
    assert says in err
    assert err.startswith("chanvae: ")
    assert err.count("\n") == 1
    assert text == ""
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_is_kept(monkeypatch, capsys, run, tmp_path):
    out = tmp_path / "g.h5"
    out.write_text("mine")
    words = ["generate", str(run.directory), "-n", "9", "-o", str(out)]
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 1
    assert "exists; add --overwrite" in err
    assert out.read_text() == "mine"
    assert call(monkeypatch, capsys, *words, "--overwrite")[0] == 0
    assert h5py.is_hdf5(out)


def test_a_full_disk_is_one_line_and_leaves_nothing(run, tmp_path):
    """A limit on the size of files stands for the disk: the system refuses to write on."""
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from chanvae.cli import main\n"
        "main()"
    )
    out = tmp_path / "g.h5"
    words = ["generate", str(run.directory), "-n", "3000", "-o", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1, done.stderr
    assert "not written" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_fit_from_a_file_and_go_on_when_done(monkeypatch, capsys, tmp_path):
    write(paths(120), tmp_path / "m.h5")
    run, settings = str(tmp_path / "run"), [w for s in SHORT for w in ("--set", s)]
    data = ["--data", str(tmp_path / "m.h5")]
    words = ["fit", *data, "-o", run, "--quick", "--condition", "los", *settings]
    code, text, err = call(monkeypatch, capsys, *words, "--json")
    assert (code, err) == (0, "")
    assert json.loads(text)["conditions"] == ["delay_spread", "angular_spread", "los"]
    assert call(monkeypatch, capsys, "fit", "--resume", "-o", run)[0] == 0
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 1
    assert "--overwrite" in err


def test_ctrl_c_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    from chanvae.training import record

    write(paths(120), tmp_path / "m.h5")
    save = record.save

    def stop(*given):
        save(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(record, "save", stop)
    folder, settings = str(tmp_path / "run"), [w for s in SHORT for w in ("--set", s)]
    words = ["fit", "--data", str(tmp_path / "m.h5"), "-o", folder, "--quick", *settings]
    code, _, err = call(monkeypatch, capsys, *words)
    assert code == 130
    assert (
        err == f"stopped; the best so far is kept; go on with: chanvae fit --resume -o {folder}\n"
    )
    monkeypatch.setattr(record, "save", save)
    code, _, err = call(monkeypatch, capsys, "generate", folder, "-n", "5", "-o", "g.h5")
    assert code == 1
    assert "not finished; go on with" in err
    assert call(monkeypatch, capsys, "fit", "--resume", "-o", folder)[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["fit"], 2, "--data FILE"),
        (["fit", "--data", "no.h5"], 1, "no.h5"),
        (["fit", "--data", SAMPLE, "--set", "model.network.wdth=3"], 1, "wdth"),
        (["benchmark", "--data", "no.h5", "--budget", "30"], 1, "has no unit"),
        (["benchmark", "--data", "no.h5", "--budget", "0s"], 1, "more than 0 s"),
        (["benchmark", "--data", "no.h5", "--models", "vae,gan"], 1, "'gan'; choose from"),
        (["benchmark", "--data", "no.h5"], 1, "no.h5"),
        (
            ["benchmark", "--data", "no.h5", "--models", "vae,gmm", "--sweep", "beta=1"],
            2,
            "one model",
        ),
        (["fit", "--data", SAMPLE, "--set", "model.network.width=wide"], 1, "width"),
        (["fit", "--data", "no.h5", "-c", "no.yaml"], 1, "presets are alike, best, default"),
        (["fit", "--resume", "-o", "nowhere"], 1, "no such file"),
        (["fit", "--data", "x", "--quick", "-c", "y"], 2, "choose one"),
        (["generate", "nowhere", "-n", "5", "-o", "g.h5"], 1, "no such run directory"),
        (["simulate", "UMi", "-n", "5", "-o", "s.h5", "--carrier", "3.5"], 1, "GHz"),
        (["simulate", "UMi", "-n", "5", "-o", "s.h5", "--rx-array", "16"], 1, "1x16"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_wrong_words(monkeypatch, capsys, tmp_path, words, code, says):
    monkeypatch.chdir(tmp_path)
    got, _, err = call(monkeypatch, capsys, *words)
    assert got == code, err
    assert says in err
    assert list(tmp_path.iterdir()) == []
