"""Simulated channels against what 3GPP and the physics say of them."""

import math

import numpy as np
import pytest
from scipy.special import j0
from scipy.stats import spearmanr

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.io.simulation.blocks import _prepared
from chanvae.io.simulation.setup import Simulation

ONE = ArrayGeometry()


def draw(n: int = 400, seed: int = 0, **given) -> ChannelDataset:
    given = {"rx_array": ONE, "subcarriers": 2, "bandwidth": 200e3, **given}
    return _prepared(Simulation(**given), n, seed, n)(0)


def power(h: np.ndarray) -> np.ndarray:
    return (np.abs(h) ** 2).mean((1, 2, 3, 4))


def within(share: float, expected: float, n: int) -> bool:
    """Four standard deviations: a false alarm in 16,000."""
    return abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / n)


def test_the_share_of_direct_paths_is_that_of_the_sector():
    """TR 38.901 table 7.4.2-1 over a sector of 200 m between sites, users 10 m away or more."""
    angle, area = np.meshgrid(np.linspace(0, math.pi / 6, 400), np.linspace(0, 1, 400))
    least = 10**2 - (10 - 1.5) ** 2
    d = np.sqrt(least + area * ((100 / np.cos(angle)) ** 2 - least)).clip(min=18)
    expected = (18 / d + np.exp(-d / 36) * (1 - 18 / d)).mean()
    found = draw(unit_power=True)
    assert within(found.conditions["los"].mean(), expected, 400)


def test_houses_take_their_share_and_the_direct_path():
    found = draw(scenario="UMa", indoor=0.5)
    inside = found.conditions["indoor"] == 1
    assert within(inside.mean(), 0.5, 400)
    assert not found.conditions["los"][inside].any()
    level = 10 * np.log10(power(found.h[:]))
    assert level[inside].mean() < level[~inside].mean() - 10  # the wall
    assert len(np.unique(found.conditions["simulated_delay_spread"])) == 400


@pytest.mark.parametrize(
    ("scenario", "least", "most"), [("InF-HH", 1, 1), ("InF-DH", 0, 0.9), ("InH", 0.3, 1)]
)
def test_halls_and_offices_have_links_of_their_kind(scenario, least, most):
    found = draw(60, scenario=scenario)
    level = 10 * np.log10(power(found.h[:]))
    assert ((level > -120) & (level < -25)).all()
    assert least <= found.conditions["los"].mean() <= most


@pytest.mark.parametrize("scenario", ["UMa", "RMa"])
def test_path_loss_is_kept_unless_told_otherwise(scenario):
    level = 10 * np.log10(power(draw(100, scenario=scenario).h[:]))
    assert ((level > -200) & (level < -40)).all()
    assert level.std() > 3


def test_the_truth_is_what_the_channels_show():
    found = draw(rx_array=ArrayGeometry(columns=16), subcarriers=64, bandwidth=100e6)
    truth = found.conditions
    assert spearmanr(truth["simulated_delay_spread"], truth["delay_spread"])[0] > 0.6
    here, there = (
        spearmanr(truth[f"simulated_as{end}"], truth["angular_spread"])[0] for end in "ad"
    )
    assert here > max(0.3, there + 0.1)  # sixteen antennas resolve no better than 8 degrees
    for name in ("asa", "asd"):
        assert truth[f"simulated_{name}"].max() <= math.radians(104.1)
    for name in ("zsa", "zsd"):
        assert truth[f"simulated_{name}"].max() <= math.radians(52.1)
    direct = truth["los"] == 1
    k = 10 * np.log10(truth["simulated_k_factor"][direct])
    assert abs(k.mean() - 9) < 4 * 5 / math.sqrt(direct.sum())  # table 7.5-6: 9 dB, deviation 5 dB
    assert (truth["simulated_k_factor"][~direct] == 0).all()
    assert found.condition_units["simulated_asa"] == "rad"


def test_angles_are_named_by_the_end_that_they_are_seen_at():
    """Users see wider than a base station, which is where paths arrive in the uplink."""
    up, down = (draw(100, direction=way).conditions for way in ("uplink", "downlink"))
    for wide, narrow in ((up["simulated_asd"], up["simulated_asa"]),
                         (down["simulated_asa"], down["simulated_asd"])):  # fmt: skip
        assert np.median(wide) > 1.5 * np.median(narrow)


def test_time_turns_as_clarke_says():
    """TDL-A: the autocorrelation is J0 of 2 pi f_D t; 4,000 links, 5 of their deviations."""
    speed, step = 30.0, 5e-4
    found = draw(scenario="TDL-A", rx_array=ArrayGeometry(columns=10), time_steps=8,
                 time_spacing=step, speed=(speed, speed))  # fmt: skip
    np.testing.assert_allclose(found.time, np.arange(8) * step)
    h = found.h[:][..., 0]
    seen = (h * h[..., :1].conj()).mean((0, 1, 2)) / (np.abs(h) ** 2).mean((0, 1, 2))
    doppler = speed * 3.5e9 / 299792458
    np.testing.assert_allclose(seen, j0(2 * math.pi * doppler * found.time), atol=5 / 4000**0.5)


def test_users_who_stand_still_have_channels_that_do():
    for scenario in ("UMi", "CDL-A"):
        still = draw(5, scenario=scenario, time_steps=3).h[:]
        level = np.abs(still).max()
        np.testing.assert_allclose(still, np.repeat(still[:, :, :, :1], 3, 3), atol=1e-5 * level)
        moving = draw(5, scenario=scenario, time_steps=3, speed=(5.0, 9.0))
        assert np.abs(np.diff(moving.h[:], axis=3)).max() > 1e-3 * level
        pace = moving.conditions["speed"]
        assert ((pace >= 5) & (pace <= 9)).all()


@pytest.mark.parametrize("scenario", ["TDL-A", "TDL-D", "TDLC300"])
def test_a_delay_line_has_the_delay_spread_asked_for(scenario):
    """1 - |R|^2 = (2 pi sigma df)^2 for the frequency correlation R over a small df."""
    wanted = 3e-7 if scenario == "TDLC300" else 8e-8
    asked = {} if scenario == "TDLC300" else {"delay_spread": (wanted, wanted)}
    found = draw(scenario=scenario, rx_array=ArrayGeometry(columns=12), **asked)
    h = found.h[:]
    r = (h[..., 1] * h[..., 0].conj()).mean() / (np.abs(h) ** 2).mean()
    sigma = math.sqrt(1 - abs(r) ** 2) / (2 * math.pi * 100e3)
    assert sigma == pytest.approx(wanted, rel=0.06)
    np.testing.assert_allclose(found.conditions["simulated_delay_spread"], wanted, rtol=1e-6)


def test_twice_the_delays_are_half_the_band():
    wide = draw(10, scenario="CDL-B", delay_spread=(1e-7, 1e-7), bandwidth=2e6, subcarriers=8)
    slow = draw(10, scenario="CDL-B", delay_spread=(2e-7, 2e-7), bandwidth=1e6, subcarriers=8)
    np.testing.assert_allclose(wide.h[:], slow.h[:], atol=1e-4 * np.abs(slow.h[:]).max())


@pytest.mark.parametrize("scenario", ["TDL-B", "CDL-C"])
def test_a_range_of_delay_spreads_is_drawn(scenario):
    found = draw(300, scenario=scenario, delay_spread=(3e-8, 3e-7), bandwidth=1e8, subcarriers=64)
    asked = found.conditions["simulated_delay_spread"]
    assert 3e-8 <= asked.min() < 4e-8 and 2.5e-7 < asked.max() <= 3e-7
    assert np.log10(asked).mean() == pytest.approx(math.log10(9.5e-8), abs=0.07)
    assert spearmanr(asked, found.conditions["delay_spread"])[0] > 0.6


def test_k_is_that_of_the_profile():
    """CDL-D, table 7.7.1-4: -0.2 dB against the other clusters; TDL-D by its moments."""
    others = [13.5, 18.8, 21, 22.8, 17.9, 20.1, 21.9, 22.9, 27.8, 23.6, 24.8, 30.0, 27.7]
    k = 10**-0.02 / sum(10 ** (-p / 10) for p in others)
    found = draw(10, scenario="CDL-D").conditions
    np.testing.assert_allclose(found["simulated_k_factor"], k, rtol=1e-3)
    assert (found["los"] == 1).all()
    h = draw(scenario="TDL-D", rx_array=ArrayGeometry(columns=10)).h[:]
    label = draw(2, scenario="TDL-D").conditions["simulated_k_factor"][0]
    kurtosis = (np.abs(h) ** 4).mean() / (np.abs(h) ** 2).mean() ** 2
    assert kurtosis == pytest.approx((label**2 + 4 * label + 2) / (label + 1) ** 2, rel=0.02)
    assert (draw(2, scenario="TDL-A").conditions["simulated_k_factor"] == 0).all()


def test_slanted_polarisations_see_the_cross_polarisation_of_the_profile():
    """CDL-A, table 7.7.1-1: XPR 10 dB, between the sum and the difference of +45 and -45 degrees.

    Antennas stand in the order polarisation, column: those of one slant fade together.
    """
    h = draw(scenario="CDL-A", rx_array=ArrayGeometry(1, 2, 2)).h[:][:, :, 0, 0, 0]
    r, level = np.abs(np.corrcoef(h.T)), (np.abs(h) ** 2).mean(0)
    assert min(r[0, 1], r[2, 3]) > max(r[0, 2], r[1, 3], r[0, 3], r[1, 2]) + 0.05
    np.testing.assert_allclose(level / level.mean(), 1, atol=0.25)
    co, cross = (np.mean(np.abs(h[:, :2] + s * h[:, 2:]) ** 2) for s in (1, -1))
    assert abs(10 * np.log10(co / cross)) == pytest.approx(10, abs=1.5)


def test_the_downlink_of_a_line_is_its_uplink_turned_round():
    """Reciprocal spreads: what arrives one way departs the other."""
    up = draw(2, scenario="CDL-A", tx_array=ArrayGeometry(columns=2))
    down = draw(2, scenario="CDL-A", direction="downlink", rx_array=ArrayGeometry(columns=2))
    assert up.shape[1:3] == (1, 2)
    assert down.shape[1:3] == (2, 1)
    for here, there in (("asa", "asd"), ("zsa", "zsd")):
        a, b = up.conditions[f"simulated_{here}"], down.conditions[f"simulated_{there}"]
        np.testing.assert_allclose(a, b)


def test_carriers_differ():
    low, high = (draw(60, scenario="UMi", carrier=f) for f in (2e9, 28e9))
    assert np.median(power(low.h[:])) > 5 * np.median(power(high.h[:]))
    assert low.meta.carrier_frequency == 2e9
