"""The noise floor: estimated where it is known, and delay spread freed of it."""

import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.noise import estimate, mean_power, with_noise_floor
from chanvae.stats.conditions import with_channel_conditions
from chanvae.stats.delay import delay_spread, signal_power

FREQ = (np.arange(128) - 64) * 1e6


def noisy(
    taps: dict[float, float], level_db: float, n: int = 1000, rx: int = 1, seed: int = 0
) -> ChannelDataset:
    """Paths (delay in taps -> power) with random phases, noise ``level_db`` below their sum."""
    rng = np.random.default_rng(seed)
    delay, power = (np.array(list(part)) for part in (taps.keys(), taps.values()))
    turn = np.sqrt(power) * np.exp(2j * np.pi * rng.random((n, rx, len(delay))))
    h = turn @ np.exp(-2j * np.pi * delay[:, None] * FREQ / 128e6)
    noise = rng.normal(size=(*h.shape, 2)).view(complex)[..., 0] / np.sqrt(2)
    h = h + noise * np.sqrt(power.sum() * 10 ** (level_db / 10))
    return ChannelDataset(
        h[:, :, None, None].astype(np.complex64), FREQ, rx_array=ArrayGeometry.line(rx)
    )


TWO = {10: 1.0, 34.0: 0.5}
"""Spread on paper: sqrt(1 · 0.5) / 1.5 · 24 taps."""
SPREAD = np.sqrt(0.5) / 1.5 * 24 / 128e6


@pytest.mark.parametrize("level", [-10.0, -20.0, -40.0])
@pytest.mark.parametrize("rx", [1, 4])
def test_the_floor_is_found(level: float, rx: int) -> None:
    """Off-grid paths leak, and the window keeps their leakage out: within 0.3 dB."""
    data = noisy({10.5: 1.0, 34.3: 0.5}, level, rx=rx)
    found = 10 * np.log10(estimate(data) / 1.5)
    assert found == pytest.approx(level, abs=0.3)


def test_the_floor_does_not_depend_on_the_gain() -> None:
    """A receiver's noise is the same in strong and weak realisations."""
    data = noisy(TWO, -20.0)
    strong = noisy({k: 100 * v for k, v in TWO.items()}, -40.0, seed=1)
    both = ChannelDataset(np.concatenate([data.h, strong.h]), FREQ)
    assert 10 * np.log10(estimate(both) / 0.015) == pytest.approx(0, abs=0.3)


def test_channels_without_noise_have_a_floor_nobody_can_see() -> None:
    assert 10 * np.log10(estimate(noisy({10.5: 1.0, 34.3: 0.5}, -300))) < -60


@pytest.mark.parametrize("rx", [1, 4])
def test_known_profile_and_known_noise_give_the_known_spread(rx: int) -> None:
    """The uncorrected spread is far off; the corrected one is within 4 % in the median."""
    data = with_noise_floor(noisy(TWO, 0.0, rx=rx), -10 * np.log10(2))
    h, freq = data.tensor(), torch.as_tensor(FREQ)
    raw = np.median(delay_spread(h, freq))
    right = np.median(delay_spread(h, freq, noise=data.meta.noise_floor))
    assert raw > 1.5 * SPREAD
    assert right == pytest.approx(SPREAD, rel=0.04)
    conditions = with_channel_conditions(data)
    assert np.median(conditions.conditions["delay_spread"]) == pytest.approx(right)
    assert "noise floor is subtracted" in conditions.meta.delay_spread_definition
    plain = with_channel_conditions(noisy(TWO, 0.0))
    assert "subtracted" not in plain.meta.delay_spread_definition


def test_noise_alone_counts_in_one_bin_of_a_thousand() -> None:
    """10⁶ bins, 1,000 ± 130 expected at four standard deviations."""
    for looks in (1, 4, 16):
        power = torch.as_tensor(
            np.random.default_rng(0).gamma(looks, 1 / looks, (1000, 1000)), dtype=torch.float64
        )
        power[:, 0] = 1e2  # a strongest bin that never is the noise's
        counted = (signal_power(power, looks, 60.0, 1.0)[:, 1:] > 0).sum()
        assert abs(int(counted) - 999) < 130


def test_without_a_floor_nothing_changes() -> None:
    power = torch.rand(20, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    kept = power * (power >= power.amax(-1, keepdim=True) * 10**-0.5)
    torch.testing.assert_close(signal_power(power, 1, 5.0), kept)


def test_a_realisation_of_noise_alone_has_its_strongest_bin() -> None:
    power = torch.full((1, 8), 0.5, dtype=torch.float64)
    power[0, 3] = 0.9
    assert delay_spread(torch.ones(1, 1, 1, 1, 8) + 0j, torch.arange(8.0), noise=0.1) == 0
    assert (signal_power(power, 1, 30.0, 0.2) > 0).sum() == 1


def test_a_floor_that_is_given_is_relative_to_the_mean_power() -> None:
    data = noisy(TWO, -20.0)
    out = with_noise_floor(data, -95.0)
    assert out.meta.noise_floor == pytest.approx(mean_power(data) * 10**-9.5)
    assert out.meta.provenance["signal"][0]["relative_db"] == pytest.approx(-95)
    assert out.h is data.h
    auto = with_noise_floor(data, "auto").meta.provenance["signal"][0]
    assert auto["relative_db"] == pytest.approx(-20, abs=0.4) and "Hann" in auto["rule"]


@pytest.mark.parametrize("floor", [0.0, 3.0, float("nan")])
def test_a_floor_that_is_none(floor: float) -> None:
    with pytest.raises(DataError, match="must be below 0dB"):
        with_noise_floor(noisy(TWO, -20.0, n=10), floor)


def test_what_cannot_be_estimated() -> None:
    data = ChannelDataset(np.ones((9, 1, 1, 1, 8), np.complex64), np.arange(8.0))
    with pytest.raises(DataError, match="8 frequencies are too few .* --noise-floor -20dB"):
        with_noise_floor(data, "auto")
    with pytest.raises(DataError, match="say auto"):
        with_noise_floor(data, "guess")
