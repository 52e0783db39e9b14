"""Several files as one set: their axes, grids and units must agree."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.io.read import is_ours, load, reading
from chanvae.training.fit import fit
from tests.conftest import SHORT


@pytest.fixture
def days(dataset: ChannelDataset, tmp_path: Path) -> list[Path]:
    """Three files of 40, 35 and 25 realisations."""
    found = []
    for k, (start, stop) in enumerate(((0, 40), (40, 75), (75, 100))):
        found.append(tmp_path / f"day{k}.h5")
        write(dataset[start:stop], found[-1])
    return found


def test_a_list_or_a_pattern(dataset: ChannelDataset, days: list[Path], tmp_path: Path) -> None:
    for where in (days, str(tmp_path / "day*.h5"), [tmp_path / "day[0-1].h5", days[2]]):
        data = load(where)
        np.testing.assert_array_equal(data.h[:], dataset.h)
        for index in (slice(30, 80, 7), np.array([99, 0, 41, 41]), [1, 50, 98]):
            np.testing.assert_array_equal(data.h[index], dataset.h[index])
        np.testing.assert_array_equal(data.h[41], dataset.h[41])
        np.testing.assert_array_equal(data.conditions["location"], dataset.conditions["location"])
        np.testing.assert_array_equal(data.groups["day"], dataset.groups["day"])
        assert list(data.groups) == ["day", "file"]
        assert np.unique(data.groups["file"], return_counts=True)[1].tolist() == [40, 35, 25]
    known = data.meta.provenance
    assert list(known["files"]) == ["day0.h5", "day1.h5", "day2.h5"]
    assert known["file"] == "day0.h5 and 2 more" and len(known["sha256"]) == 64
    how = reading(days)
    assert how.shape == (100, 2, 4, 1, 8) and how.files == tuple(map(str, days))
    assert {label.name: label.role for label in how.labels}["file"] == "group"
    assert list(load(days, groups=("file",)).groups) == ["file", "day"]
    assert not load(days, groups=("random",)).groups
    assert load(days[:1]).shape[0] == 40 and "file" not in load(days[:1]).groups
    assert is_ours(days)


def test_dropped_realisations_of_several(days: list[Path]) -> None:
    with h5py.File(days[1], "a") as file:
        file["h"][3] = np.nan
    with pytest.raises(DataError, match=r"day0.h5 and 2 more: 1 of 100 .* number 43"):
        load(days)
    data = load(days, drop_invalid=True)
    assert len(data) == 99 and data.h[:].shape == data.shape
    np.testing.assert_array_equal(data.h[42:44], load(days[1:], drop_invalid=True).h[2:4])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: replace(d, freq=d.freq * 2), r"has other frequencies \(grid\)"),
        (lambda d: replace(d, h=d.h[..., :6], freq=d.freq[:6]), "has channels of shape"),
        (lambda d: replace(d, meta=replace(d.meta, carrier_frequency=1e9)), "differs in carrier"),
        (lambda d: replace(d, conditions={}), "differs in conditions"),
        (lambda d: replace(d, groups={}), "differs in groups"),
        (lambda d: replace(d, condition_units={"delay_spread": "m"}), "differs in units"),
        (lambda d: replace(d, meta=replace(d.meta, normalization="unit_mean_power")),
         "differs in normalisation"),
        (lambda d: replace(d, rx_array=replace(d.rx_array, column_spacing=0.7)),
         "differs in receive array"),
    ],
)  # fmt: skip
def test_files_that_do_not_agree(
    dataset: ChannelDataset,
    days: list[Path],
    change: Callable[[ChannelDataset], ChannelDataset],
    said: str,
) -> None:
    write(change(dataset[40:75]), days[1], overwrite=True)
    with pytest.raises(
        DataError, match=rf"day1.h5: {said}.*unlike .*day0.h5; read files"
    ) as caught:
        load(days)
    assert "\n" not in str(caught.value)


def test_names_that_mean_nothing(days: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file fits the pattern"):
        load(str(tmp_path / "night*.h5"))
    with pytest.raises(DataError, match="day0.h5: is named twice"):
        load([days[0], days[0]])
    with pytest.raises(DataError, match="no file is named"):
        load([])


def test_trajectories_are_not_mixed_up(tmp_path: Path) -> None:
    """Numbers of a label ``file`` start anew in every file."""
    for k in range(2):
        with h5py.File(tmp_path / f"{k}.h5", "w") as file:
            file["H"] = np.ones((6, 2), complex)
            file["file"] = np.arange(6) // 3
    known = {"axes": "n,freq", "subcarrier_spacing": 1.0}
    data = load(str(tmp_path / "?.h5"), **known)
    assert np.unique(data.groups["file"]).tolist() == ["0.h5:0", "0.h5:1", "1.h5:0", "1.h5:1"]


def test_a_run_remembers_its_files(
    dataset: ChannelDataset, days: list[Path], tmp_path: Path
) -> None:
    from chanvae.presets import configure

    settings = [*SHORT, "training.optimisation.steps=2", "training.pose.steps=2",
                "model.prior.optimisation.steps=2"]  # fmt: skip
    run = fit(days, tmp_path / "run", configure("quick", settings, {"data.group": "random"}))
    assert run.source["path"] == [str(day.resolve()) for day in days]
    np.testing.assert_array_equal(run.dataset().h[:], dataset.h)
    card = (tmp_path / "run" / "card.md").read_text()
    assert all(f"day{k}.h5" in card for k in range(3)) and "carrier 3.5 GHz" in card


def test_the_card_of_one_frequency(tmp_path: Path) -> None:
    """What is not known is said as such: no carrier, no band, no source."""
    from chanvae.presets import configure

    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.normal(size=(80, 4)) + 1j * rng.normal(size=(80, 4)))
    settings = [*SHORT, "training.optimisation.steps=2", "training.pose.steps=2",
                "model.prior.optimisation.steps=2"]  # fmt: skip
    config = configure("quick", settings)
    fit(tmp_path / "a.npy", tmp_path / "run", config, reading={"axes": "n,rx"})
    card = (tmp_path / "run" / "card.md").read_text()
    assert "one frequency,\n  carrier not known" in card and "nan" not in card.split("## Cond")[0]
    assert "- Source: not stated" in card
