"""A region is judged by the code of ``chanvae compare``."""

import time

import pytest

from chanvae.errors import DataError
from chanvae.explore.asked import RegionAsked


def test_too_small_a_region_is_refused(site):
    with pytest.raises(DataError, match="60 are needed"):
        site.region(RegionAsked(ranges={"delay_spread": (1e-9, 1.01e-9)}), lambda step: None)


def test_one_comparison_at_a_time_and_a_wrong_one_says_why(client):
    job = client.post("/api/compare", json={"ranges": {"delay_spread": [1.0, 2.0]}}).json()["job"]
    for _ in range(100):
        state = client.get(f"/api/compare/{job}").json()
        if state["state"] != "running":
            break
        time.sleep(0.05)
    assert state["state"] == "failed"
    assert "0 of the" in state["error"]
    assert client.get("/api/compare/nothing").status_code == 404


@pytest.mark.slow
def test_the_statistics_of_a_region_are_those_of_compare(site):
    import numpy as np

    from chanvae.evaluate.compare import compare
    from chanvae.explore.drawing import inside

    ranges = {"delay_spread": (5e-8, 4e-7), "angular_spread": (0.0, 3.0)}
    steps: list[str] = []
    found = site.region(RegionAsked(ranges=ranges, seed=1), steps.append)
    rows = inside(site.held.dataset.conditions, ranges)
    measured = site.held.dataset[np.sort(np.random.default_rng(1).permutation(rows)[:1000])]
    asked = {k: measured.conditions[k] for k in site.run.vector.names}
    generated = site.run.sample(len(measured), seed=1, extrapolate=True, **asked)
    report = compare(measured, generated, seed=1, quick=True).to_dict()
    told = [(s["name"], s["verdict"], s["floor"]) for s in report["statistics"]]
    assert [(s["name"], s["verdict"], s["floor"]) for s in found["statistics"]] == told
    assert steps
