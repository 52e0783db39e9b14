"""``chanvae compare`` and ``chanvae evaluate`` as they are typed."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from chanvae.channels import ChannelDataset
from chanvae.cli import compare as compare_command
from chanvae.cli import evaluate as evaluate_command
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.split import split
from chanvae.stats.conditions import with_channel_conditions


def rayleigh(n, seed, freqs=16):
    rng = np.random.default_rng(seed)
    taps = rng.normal(size=(n, freqs, 2)) * np.exp(-np.arange(freqs) / 4)[:, None]
    h = np.fft.fft(taps @ np.array([1, 1j])).astype(np.complex64)
    return ChannelDataset(h[:, None, None, None, :], np.arange(freqs) * 1e6)


@pytest.fixture
def files(tmp_path):
    paths = [str(tmp_path / name) for name in ("measured.h5", "generated.h5")]
    for seed, path in enumerate(paths):
        write(rayleigh(80, seed), path)
    return paths


def test_table_and_paths(files, tmp_path):
    out = tmp_path / "out"
    result = CliRunner().invoke(
        compare_command.command, [*files, "-o", str(out), "--quick"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "delay spread" in result.stdout and "AUC on statistics" in result.stdout
    for name in ("report.json", "report.html"):
        assert (out / name).is_file() and str(out / name) in result.stdout


def test_json_is_all_that_is_printed(files, tmp_path, undrawn):
    result = CliRunner().invoke(
        compare_command.command,
        [*files, "-o", str(tmp_path), "--quick", "--json", "--seed", "4"],
        catch_exceptions=False,
    )
    told = json.loads(result.stdout)
    assert told == json.loads((tmp_path / "report.json").read_text())
    assert told["seed"] == 4 and not result.stderr


def test_reading_options_are_for_foreign_files(files, tmp_path, undrawn):
    import h5py

    foreign = str(tmp_path / "foreign.h5")
    with h5py.File(foreign, "w") as file:
        file["H"] = rayleigh(80, 5).h[:, 0, 0, 0]
    options = ["--axes", "n,freq", "--subcarrier-spacing", "1MHz", "--quick", "-o", str(tmp_path)]
    with pytest.raises(DataError, match="frequency grid"):  # its frequencies start at -8 MHz
        CliRunner().invoke(
            compare_command.command, [foreign, files[1], *options], catch_exceptions=False
        )
    result = CliRunner().invoke(
        compare_command.command, [foreign, foreign, *options], catch_exceptions=False
    )
    assert result.exit_code == 0


def test_training_data_bring_baselines(files, tmp_path, undrawn):
    training = str(tmp_path / "training.h5")
    write(rayleigh(200, 7), training)
    words = [*files, "-o", str(tmp_path), "--quick", "--json", "--training", training]
    result = CliRunner().invoke(compare_command.command, words, catch_exceptions=False)
    told = json.loads(result.stdout)
    assert [b["name"] for b in told["baselines"]][:2] == ["resampled", "nearest"]
    assert told["memory"]["verdict"] == "within the floor"
    assert (tmp_path / "card.csv").read_text().startswith("group,parameter,measured")


def test_other_frequencies_are_resampled_on_request(files, tmp_path, undrawn):
    other = rayleigh(80, 8, freqs=32)
    moved = str(tmp_path / "moved.h5")
    write(ChannelDataset(other.h, other.freq * 0.7), moved)
    words = [files[0], moved, "-o", str(tmp_path), "--quick", "--json"]
    with pytest.raises(DataError, match="--resample"):
        CliRunner().invoke(compare_command.command, words, catch_exceptions=False)
    result = CliRunner().invoke(
        compare_command.command, [*words, "--resample"], catch_exceptions=False
    )
    assert json.loads(result.stdout)["generated"]["freq"] < 16


def test_nothing_is_written_for_bad_input(files, tmp_path):
    other = str(tmp_path / "other.h5")
    write(rayleigh(80, 3, freqs=8), other)
    with pytest.raises(DataError, match="axis freq has length 8"):
        CliRunner().invoke(
            compare_command.command,
            [files[0], other, "-o", str(tmp_path / "out")],
            catch_exceptions=False,
        )
    assert not (tmp_path / "out").exists()


class Fitted:
    """What ``evaluate`` needs of a run; the real one has its own tests."""

    def __init__(self):
        self.data = with_channel_conditions(rayleigh(600, 0))
        self.known, self.source, self.asked = self.data.conditions, {}, []

    def to(self, device):
        self.device = device
        return self

    def dataset(self, path=None):
        return self.data

    def split(self, dataset):
        return split(dataset)

    def sample(self, n, seed=0, **conditions):
        self.asked.append((n, seed, *conditions))
        return with_channel_conditions(rayleigh(n, 100 + seed))


def test_evaluate(tmp_path, monkeypatch, undrawn):
    fitted = Fitted()
    monkeypatch.setattr("chanvae.run.open_run", lambda path: fitted)
    result = CliRunner().invoke(
        evaluate_command.command,
        [str(tmp_path), "--quick", "--json", "--seed", "2"],
        catch_exceptions=False,
    )
    told = json.loads(result.stdout)
    assert fitted.asked == [(1000, 2), (1000, 2, *fitted.known)]
    assert told["measured"]["n"] == 60 and told["generated"]["n"] == 1000
    assert told["training"]["n"] == 480
    assert told["fidelity"][0]["name"] == "delay_spread"
    assert (tmp_path / "evaluation" / "report.html").is_file()
