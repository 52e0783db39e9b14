"""Antennas as realisations: the right numbers, conditions repeated, parents kept together."""

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.antennas import independent_antennas
from chanvae.split import split


def dataset(**more) -> ChannelDataset:
    h = np.arange(60 * 3 * 2 * 2 * 4).reshape(60, 3, 2, 2, 4).astype(np.complex64)
    return ChannelDataset(
        h,
        np.arange(4.0),
        time=np.arange(2.0),
        conditions={"los": np.arange(60) % 2, "angular_spread": np.ones(60)},
        rx_array=ArrayGeometry.line(3),
        tx_array=ArrayGeometry.line(2),
        **more,
    )


@pytest.mark.parametrize(
    ("which", "shape"),
    [("rx", (180, 1, 2, 2, 4)), ("tx", (120, 3, 1, 2, 4)), ("both", (360, 1, 1, 2, 4))],
)
def test_each_antenna(which, shape) -> None:
    data = dataset()
    out = independent_antennas(data, which)
    assert out.shape == shape
    for n, rx, tx in ((0, 0, 0), (7, 2, 1), (59, 1, 0)):
        number = {"rx": n * 3 + rx, "tx": n * 2 + tx, "both": (n * 3 + rx) * 2 + tx}[which]
        at = (number, 0 if which != "tx" else rx, 0 if which != "rx" else tx)
        np.testing.assert_array_equal(out.h[at], data.h[n, rx, tx])
        assert out.groups["realisation"][number] == n
        assert out.conditions["los"][number] == n % 2
    assert "angular_spread" not in out.conditions
    assert out.meta.provenance["signal"][0]["parts"] == shape[0] // 60


def test_a_split_keeps_parents_together() -> None:
    parts = split(out := independent_antennas(dataset(), "rx"))
    parents = [set(out.groups["realisation"][p]) for p in (parts.train, parts.test)]
    assert parts.group == "realisation" and not parents[0] & parents[1]
    grouped = independent_antennas(dataset(groups={"day": np.arange(60) // 6}), "rx")
    assert split(grouped).group == "day"
    np.testing.assert_array_equal(grouped.groups["day"], np.repeat(np.arange(60) // 6, 3))


def test_wrong_use() -> None:
    with pytest.raises(DataError, match="say rx, tx or both"):
        independent_antennas(dataset(), "all")  # pyright: ignore
    one = independent_antennas(dataset(), "both")
    with pytest.raises(DataError, match="one antenna there; leave it out"):
        independent_antennas(one, "rx")
