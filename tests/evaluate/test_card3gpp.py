"""The report card: moments and cross-correlations of known samples, and its file."""

import csv
import io

import numpy as np
import pytest

from chanvae.evaluate.card3gpp import card


def samples(n, seed, rho=-0.6):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    return {
        "delay_spread": 10 ** (-7 + 0.4 * a),
        "angular_spread_rx": np.radians(10 ** (1.2 + 0.2 * (rho * a + (1 - rho**2) ** 0.5 * b))),
        "k_factor_db": 9 + 5 * b,
        "gain_db": np.full(n, -80.0),
    }


def test_known_parameters_are_found():
    """Intervals at 95 % of 8 parameters: that more than two miss has 0.6 % chance."""
    found = {r.parameter: r for r in card(samples(4000, 1), samples(4000, 2)).rows}
    expected = {
        "μ of lgDS = log10(DS / 1 s)": -7.0,
        "σ of lgDS = log10(DS / 1 s)": 0.4,
        "μ of lgASA = log10(ASA / 1°)": 1.2,
        "σ of lgASA = log10(ASA / 1°)": 0.2,
        "μ of K [dB]": 9.0,
        "σ of K [dB]": 5.0,
        "ASA vs DS": -0.6,
        "ASA vs K": 0.8,
    }
    inside = 0
    for name, value in expected.items():
        told = found[name].measured
        assert told.value == pytest.approx(value, rel=0.05)
        inside += told.low <= value <= told.high
    assert inside >= 6
    assert found["DS vs K"].measured.value == pytest.approx(0, abs=0.06)
    assert np.isnan(found["DS vs SF"].measured.value), "a constant has no correlation"


def test_undefined_values_are_left_out_and_the_file_is_csv():
    values = samples(500, 1)
    values["k_factor_db"][:100] = np.inf
    told = card(values, samples(500, 2))
    rows = list(csv.DictReader(io.StringIO(told.csv())))
    assert len(rows) == len(told.rows) and set(rows[0]) >= {"group", "parameter", "measured_low"}
    assert float(rows[0]["measured"]) == pytest.approx(told.rows[0].measured.value, rel=1e-5)
    assert card({"gain_db": np.ones(1)}, {"gain_db": np.ones(1)}).rows == ()
