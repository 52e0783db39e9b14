"""The referee: verdicts on equal, near and far sets, what it refuses, and the report."""

import dataclasses
import json
import re

import matplotlib as mpl
import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.evaluate.compare import compare
from chanvae.stats.conditions import with_channel_conditions


@pytest.fixture(scope="module")
def equal(make):
    return compare(make(1000, 1), make(1000, 2), training=make(1500, 3), quick=True)


def verdicts(report):
    return {s.name: s.verdict for s in report.statistics}


def test_equal_sets_are_not_off(equal):
    """Of 12 statistics each leaves the floor 2.5 % of the time; off needs twice as much."""
    assert "off" not in verdicts(equal).values()
    assert list(verdicts(equal).values()).count("within the floor") >= 9
    assert equal.classifiers[0].verdict == "within the floor"
    assert equal.training["n"] == 1500


def test_longer_delays_are_found_and_named(make):
    report = compare(make(1000, 1), make(1000, 2, spread=130e-9), quick=True)
    found = {s.name: s for s in report.statistics}
    assert found["delay_spread"].verdict == "off"
    assert re.search(r"delay spread is [\d.]+ ns too long", found["delay_spread"].sentence)
    assert found["angular_spread_rx"].verdict != "off"
    assert "1 of" not in report.sentences[0] and "too" in report.sentences[0]


def test_far_sets(make, hasty):
    report = compare(make(400, 1), make(400, 2, spread=10e-9, k=20.0))
    assert [c.name for c in report.classifiers] == ["statistics", "channels"]
    assert all(c.test.auc > 0.98 and c.verdict == "off" for c in report.classifiers)
    assert all(c.baseline_name == "measured halves" for c in report.classifiers)


def test_condition_fidelity(make):
    measured = make(300, 1)
    exact = with_channel_conditions(make(300, 2))
    report = compare(measured, exact, quick=True)
    assert {f.name for f in report.fidelity} == {"delay_spread", "angular_spread"}
    assert all(f.median < 1e-12 for f in report.fidelity)
    asked = {"delay_spread": exact.conditions["delay_spread"] + 5e-9}
    (late,) = compare(measured, exact, quick=True, asked=asked).fidelity
    assert late.median == pytest.approx(5e-9) and late.bias == pytest.approx(-5e-9)
    assert late.p90_sigma == pytest.approx(5e-9 / late.sigma)
    assert not compare(measured, make(300, 2), quick=True).fidelity


def test_constant_statistics(make):
    def scaled(dataset, gain=1.0):
        h = dataset.h / np.sqrt((np.abs(dataset.h) ** 2).mean((1, 2, 3, 4), keepdims=True))
        return dataclasses.replace(dataset, h=(gain * h).astype(np.complex64))

    measured, other = scaled(make(200, 1)), make(200, 2)
    for generated, verdict in ((scaled(other), "within the floor"), (scaled(other, 2), "off")):
        report = compare(measured, generated, quick=True)
        (gain,) = (s for s in report.statistics if s.name == "gain_db")
        assert gain.constant and gain.distance is None and gain.verdict == verdict
        json.dumps(report.to_dict(), allow_nan=False)


def test_groups_are_drawn_whole_and_said(make):
    measured = dataclasses.replace(make(200, 1), groups={"day": np.repeat(np.arange(4), 50)})
    report = compare(measured, make(200, 2), quick=True)
    assert any("4 values of day" in note for note in report.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 1}, r"generated: 1 realisation\(s\); a comparison needs at least 20"),
        ({"antennas": 8}, "axis rx has length 8, measured has 4"),
        ({"freqs": 32}, "axis freq has length 32, measured has 16"),
        (
            {"freq": 2.0},
            r"differs from that of measured by up to 10 MHz \(spacing 2.5 MHz",
        ),
        ({"array": ArrayGeometry(rows=2, columns=2)}, "rx_array is 2x2.*measured is 1x4"),
    ],
)
def test_what_cannot_be_compared(make, change, message):
    measured = make(40, 1)
    shape = {k: v for k, v in change.items() if k in ("antennas", "freqs")}
    generated = make(change.get("n", 40), 2, **shape)
    generated = dataclasses.replace(
        generated,
        freq=generated.freq * change.get("freq", 1.0),
        rx_array=change.get("array", generated.rx_array),
    )
    with pytest.raises(DataError, match=message):
        compare(measured, generated, quick=True)


@pytest.mark.parametrize(("antennas", "freqs"), [(1, 32), (4, 1), (2, 30)])
def test_any_shape_has_a_page(make, tmp_path, antennas, freqs):
    sets = [make(60, s, antennas=antennas, freqs=freqs) for s in (1, 2)]
    _, page, _ = compare(*sets, quick=True).save(tmp_path)
    assert "<svg" in page.read_text()


def test_report_files(equal, tmp_path):
    """Valid JSON with every number, and a page that asks nothing of anybody."""
    settings = mpl.rcParams.copy()
    data, page, card = equal.save(tmp_path / "new" / "folder")
    told = json.loads(data.read_text(), parse_constant=pytest.fail)
    assert told["schema_version"] == 4
    for s in told["statistics"]:
        assert s["unit"] and s["definition"] and s["verdict"]
        for distance in (s["distance"], s["floor"], *s["baselines"].values()):
            assert set(distance["w1_sigma"]) == {"value", "low", "high"}
    assert told["classifiers"][0]["test"]["interval"]
    assert len(told["profiles"]["measured"]) == 16
    text = page.read_text()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert not re.search(r'(src|href)="(?!#|data:)|url\((?!#)|@import|<script', text)
    assert mpl.rcParams.copy() == settings
    assert equal.save(tmp_path / "new" / "folder") == (data, page, card)


def test_same_seed_same_report(make):
    sets = make(60, 1), make(60, 2)
    first, again = (compare(*sets, quick=True, seed=3) for _ in range(2))
    assert first.to_dict() == again.to_dict()


@pytest.mark.slow
def test_false_alarms(make):
    """At most 1 % of equal sets have a statistic that is off; 60 pairs, so one at most."""
    pairs = ((make(800, 2 * s), make(800, 2 * s + 1)) for s in range(60))
    off = sum("off" in verdicts(compare(*p, quick=True, seed=5)).values() for p in pairs)
    assert off <= 1
