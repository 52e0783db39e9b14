"""Options that change channels as they are read: from the command line to a run and back."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import chanvae
from chanvae.cli.fit import command as fit
from chanvae.cli.inspect import command as inspect
from chanvae.errors import DataError
from chanvae.run import open_run
from tests.conftest import shared

SHORT = [
    word
    for setting in (
        "training.optimisation.steps=4",
        "training.pose.steps=4",
        "model.prior.optimisation.steps=4",
    )
    for word in ("--set", setting)
]


def run(command, *arguments: object) -> str:
    done = CliRunner().invoke(command, [str(a) for a in arguments])
    if done.exception is not None:
        raise done.exception
    return done.output


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """128 realisations over 2 antennas, 32 frequencies of which the middle 16 carry power."""
    rng = np.random.default_rng(0)
    delay = rng.uniform(0, 100e-9, (128, 1, 4, 1))
    gain = rng.normal(size=(128, 2, 4, 1)) + 1j * rng.normal(size=(128, 2, 4, 1))
    freq = (np.arange(32) - 16) * 1e6
    h = (gain * np.exp(-2j * np.pi * delay * freq)).sum(2)
    h[..., :8] *= 1e-4
    h[..., 24:] *= 1e-4
    with h5py.File(tmp_path / "meas.h5", "w") as file:
        file["H"] = h.astype(np.complex64)
        file["day"] = np.arange(128) // 8
    return tmp_path / "meas.h5"


GRID = ("--axes", "n,rx,freq", "--subcarrier-spacing", "1MHz")


def test_inspect_says_what_was_done_and_what_could_be(wide: Path) -> None:
    plain = run(inspect, wide, *GRID)
    assert "hints" in plain and "50 % of the frequencies are empty" in plain
    text = run(inspect, wide, *GRID, "--band", "auto", "--remove-timing", "--noise-floor", "-30dB",
               "--independent-antennas", "rx", "--normalization", "unit_mean_power")  # fmt: skip
    for said in (
        "256 realisations of 1 rx x 1 tx x 1 time x 16 freq",
        "occupied band found: -8 MHz to 7 MHz, 16 of 32 frequencies stay",
        "removed delays: median",
        "noise floor: given, -30.0 dB relative to the mean power",
        "every receive antenna is a realisation: 128 became 256",
        "unit_mean_power",
        "--independent-antennas rx --remove-timing --band auto --noise-floor -30dB "
        "--normalization unit_mean_power",
    ):
        assert said in text
    assert "hints" not in text
    found = json.loads(run(inspect, wide, *GRID, "--band", "-4MHz..3MHz", "--json"))
    assert found["shape"]["freq"] == 8
    assert found["provenance"]["signal"][0]["low_hz"] == -4e6


def test_masks_order_and_grid(wide: Path) -> None:
    text = run(inspect, wide, *GRID, "--mask", "0-7,24-31", "--regrid")
    assert "16 of 32 frequencies masked" in text and "the grid is even already" in text
    uneven = run(inspect, wide, *GRID, "--mask", "16")
    assert "1 MHz to 2 MHz apart" in uneven and "--regrid interpolates" in uneven
    straight = json.loads(run(inspect, wide, *GRID, "--band", "auto", "--json"))
    with h5py.File(wide, "a") as file:
        file["H"][:] = np.fft.ifftshift(file["H"][:], axes=-1)
    with pytest.raises(DataError, match="as in FFT order; add --fftshift"):
        run(inspect, wide, *GRID, "--band", "auto")
    shifted = json.loads(run(inspect, wide, *GRID, "--fftshift", "--band", "auto", "--json"))
    assert shifted["statistics"] == straight["statistics"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--noise-floor", "-20"),
            "--noise-floor: '-20': a bare number has no unit; add one of dB",
        ),
        (("--noise-floor", "3dB"), "--noise-floor 3dB: .*below 0dB"),
        (("--band", "-1..1"), "--band: '-1': a bare number has no unit"),
        (("--band", "1MHz"), "--band 1MHz: write auto, or two frequencies"),
        (("--band", "3MHz..1MHz"), "--band: .*is not a lower and a higher frequency"),
        (("--band", "50MHz..60MHz"), "meas.h5: --band 50 MHz..60 MHz: 0 of the frequencies"),
        (("--mask", "40"), "meas.h5: --mask 40: 40 is not within the positions 0-31"),
        (("--independent-antennas", "tx"), "meas.h5: --independent-antennas tx: there is one"),
    ],
)
def test_options_that_cannot_be_used(wide: Path, options: tuple, said: str) -> None:
    with pytest.raises(DataError, match=said):
        run(inspect, wide, *GRID, *options)


def test_order_that_is_known(wide: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--fftshift: its axis is delay"):
        run(inspect, wide, "--axes", "n,rx,delay", "--tap-spacing", "1ns", "--fftshift")
    chanvae.io.hdf5.write(  # pyright: ignore[reportAttributeAccessIssue]
        chanvae.load(wide, axes="n,rx,freq", subcarrier_spacing=1e6), tmp_path / "own.h5"
    )
    with pytest.raises(DataError, match="--fftshift: the format is in ascending order"):
        run(inspect, tmp_path / "own.h5", "--fftshift")


def test_a_run_remembers_what_was_done(wide: Path, tmp_path: Path) -> None:
    """Held-out data are cut like the training data; generated ones have the cut band."""
    folder = tmp_path / "run"
    text = run(fit, "--data", wide, *GRID, "--band", "auto", "--independent-antennas", "rx",
               "--group", "random", "--normalization", "unit_power_per_realisation", "--quick",
               *SHORT, "-o", folder)  # fmt: skip
    assert "occupied band found" in text and "hint" not in text
    again = open_run(folder)
    held = again.dataset()
    assert held.shape == (256, 1, 1, 1, 16)
    parts = again.split(held)
    assert parts.group == "realisation"
    drawn = again.sample(8)
    np.testing.assert_array_equal(drawn.freq, held.freq)
    assert drawn.meta.normalization == "none" and held.meta.normalization != "none"


def test_a_measured_file_with_an_empty_half(tmp_path: Path) -> None:
    plain = run(inspect, shared("uwb_cirs_2018.h5"))
    assert "--band auto cuts them off" in plain
    found = json.loads(run(inspect, shared("uwb_cirs_2018.h5"), "--band", "auto", "--json"))
    assert found["hints"] == [] and 60 <= found["shape"]["freq"] <= 76
