"""``chanvae inspect`` says what is in a file and how it was read."""

import json
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from chanvae.cli.inspect import command
from chanvae.errors import DataError
from tests.conftest import shared


def run(*arguments: object) -> str:
    done = CliRunner().invoke(command, [str(a) for a in arguments])
    if done.exception is not None:
        raise done.exception
    return done.output


@pytest.fixture
def two_paths(tmp_path: Path) -> Path:
    """100 realisations over 4 antennas: equal paths at 0 and 200 ns, from broadside."""
    turn = np.exp(2j * np.pi * np.random.default_rng(0).random((100, 1, 2)))
    taps = np.zeros((100, 4, 32), np.complex64)
    taps[:, :, [0, 20]] = turn
    with h5py.File(tmp_path / "meas.h5", "w") as file:
        file["csi"] = taps
        file["los"] = np.arange(100) % 2
        file["file_id"] = np.arange(100) // 10
    return tmp_path / "meas.h5"


OPTIONS = ("--axes", "n,rx,delay", "--tap-spacing", "10ns", "--condition", "los")


def test_for_people(two_paths: Path) -> None:
    text = run(two_paths, *OPTIONS, "--carrier", "3.5GHz")
    for said in (
        "100 realisations of 4 rx x 1 tx x 1 time x 32 freq",
        "/csi (100, 4, 32) = n, rx, delay",
        "32 taps, 10 ns apart",
        "100 MHz",
        "3.5 GHz",
        "file_id (10 values)",
        "los [1]",
        "the 4 rx antennas are a line, half a wavelength apart; --rx-array",
        "--group random none",
        "--array csi --axes n,rx,delay --tap-spacing 10ns --carrier 3.5GHz",
        "delay spread",
        "angular spread rx",
        "k factor",
    ):
        assert said in text
    gain = next(line for line in text.splitlines() if line.startswith("  gain"))
    assert gain.split() == ["gain", "-12.0", "dB", "-12.0", "dB", "-12.0", "dB"]  # 2 of 32 taps


def test_for_machines(two_paths: Path) -> None:
    found = json.loads(run(two_paths, *OPTIONS, "--json"))
    assert found["shape"] == {"n": 100, "rx": 4, "tx": 1, "time": 1, "freq": 32}
    assert found["reading"]["spacing"] == {"value": 1e-8, "unit": "s"}
    assert found["reading"]["carrier"] == {"value": None, "unit": "Hz"}
    assert found["groups"] == {"file_id": 10} and found["conditions"] == {"los": "1"}
    spread = found["statistics"]["delay_spread"]
    assert spread["unit"] == "s" and spread["median"] == pytest.approx(100e-9, rel=1e-3)
    assert found["statistics"]["gain"]["p90"] == pytest.approx(2 / 32, rel=1e-5)
    assert found["statistics"]["angular_spread_rx"]["unit"] == "rad"


def test_what_is_dropped_is_said(two_paths: Path) -> None:
    with h5py.File(two_paths, "a") as file:
        file["csi"][4] = np.nan
    with pytest.raises(DataError, match="1 of 100 realisations: NaN"):
        run(two_paths, *OPTIONS)
    text = run(two_paths, *OPTIONS, "--drop-invalid")
    assert "99 realisations" in text and "1 with NaN or infinity in /h" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tap-spacing", "10"), "--tap-spacing: '10': a bare number has no unit"),
        (("--carrier", "3.5ns"), "--carrier: '3.5ns': unit 'ns' is not one of Hz"),
        (("--rx-array", "four"), "array 'four': write rows x columns"),
        ((), "say what they are and the grid, e.g. --axes n,rx,delay --tap-spacing 1ns"),
    ],
)
def test_options_that_cannot_be_used(two_paths: Path, options: tuple, said: str) -> None:
    with pytest.raises(DataError, match=said):
        run(two_paths, *options)


def test_a_single_frequency(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "meas.h5", "w") as file:
        file["h"] = np.ones(64, complex)
        file.attrs["axes"] = "n"
    assert "a single frequency" in run(tmp_path / "meas.h5")
    assert set(json.loads(run(tmp_path / "meas.h5", "--json"))["statistics"]) == {"gain"}


@pytest.mark.parametrize("name", ["uwb_cirs_2018.h5", "wifi_polyu_5300.h5"])
def test_measured_files(name: str) -> None:
    found = json.loads(run(shared(name), "--json"))
    assert found["statistics"]["delay_spread"]["median"] < 1e-6
    assert found["provenance"]["licence"]


def test_help_is_quick() -> None:
    """Only click and the standard library are imported: 0.1 s here, where the limit is 0.3 s."""
    script = "import sys; from chanvae.cli.inspect import command; sys.argv[1:] = ['--help']\n"
    check = "import atexit; atexit.register(lambda: print('torch' in sys.modules, 'h5py' in "
    check += "sys.modules, 'numpy' in sys.modules)); command()"
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script + check], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("False False False\n")
    assert time.perf_counter() - start < 2  # a loaded machine; the imports above are the test
