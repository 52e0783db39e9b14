"""A run undoes the normalisation of its data: what it generates has the power measured."""

from dataclasses import replace

import numpy as np
import pytest

from chanvae.channels import ChannelDataset
from chanvae.config import FitConfig
from chanvae.evaluate.evaluate import evaluate
from chanvae.presets import configure
from chanvae.run import open_run
from chanvae.signal.noise import with_noise_floor
from chanvae.signal.normalization import EACH, GAIN, MEAN, gains, normalise
from chanvae.training.fit import fit


@pytest.fixture(scope="module")
def brief() -> FitConfig:
    """Only the pose, which holds the gain, is trained longer than a moment."""
    steps = {"training.optimisation": 4, "training.pose": 60, "model.prior.optimisation": 4}
    changes = [f"{stage}.steps={count}" for stage, count in steps.items()]
    return configure("quick", changes, {"data.conditions": ["los"]})


@pytest.mark.parametrize("kind", [MEAN, EACH])
def test_generated_power_is_measured_power(
    kind: str, measured: ChannelDataset, brief: FitConfig, tmp_path
) -> None:
    """Gains are log-normal about −30 dB: their mean log is met to 4 standard errors (0.3 dB)."""
    data = normalise(with_noise_floor(measured, -30.0), kind)
    run = fit(data, tmp_path / "run", brief)
    again = open_run(tmp_path / "run")
    for made in (run, again):
        assert len(made.gains) == (480 if kind == EACH else 0)
    drawn = again.sample(600, seed=1)
    assert drawn.meta.normalization == "none"
    assert drawn.meta.noise_floor == pytest.approx(data.meta.noise_floor)
    assert GAIN not in drawn.conditions
    power, truth = np.log10(gains(drawn)), np.log10(gains(measured))
    assert power.mean() == pytest.approx(truth.mean(), abs=0.08)
    assert power.std() == pytest.approx(truth.std(), rel=0.3)
    np.testing.assert_array_equal(drawn.h, run.sample(600, seed=1).h)


def test_asked_conditions_lend_their_gain(
    measured: ChannelDataset, brief: FitConfig, tmp_path
) -> None:
    """Where the gain hangs on a label, a label asked for brings its gain."""
    los = measured.conditions["los"] == 1
    factor = np.where(los, 10.0, 0.1).astype(np.float32)[:, None, None, None, None]
    data = normalise(replace(measured, h=measured.h * factor), EACH)
    run = fit(data, None, brief)
    asked = run.sample(200, los=1, delay_spread=float(np.median(run.known["delay_spread"])),
                       angular_spread=float(np.median(run.known["angular_spread"])))  # fmt: skip
    other = run.sample(200, los=0)
    ratio = np.log10(gains(asked)).mean() - np.log10(gains(other)).mean()
    assert ratio == pytest.approx(4, abs=0.3)


def test_evaluation_is_in_measured_units(
    measured: ChannelDataset, brief: FitConfig, tmp_path
) -> None:
    data = normalise(measured, EACH)
    report = evaluate(fit(data, None, brief), data, n=60, quick=True)
    assert report.measured["normalization"] == report.generated["normalization"] == "none"


def test_lines_before_the_fit(measured: ChannelDataset, brief: FitConfig) -> None:
    lines: list[str] = []
    empty = replace(measured, h=np.where(np.arange(16) < 8, measured.h, 0))
    fit(normalise(empty, MEAN), None, brief, say=lines.append)
    assert lines[0].startswith("normalization: divided by the mean power")
    assert "50 % of the frequencies are empty" in lines[1] and "--band auto" in lines[1]
