"""A set that is changed as it is read is the changed set, however it is indexed."""

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.io.hdf5 import read, write
from chanvae.signal.lazy import Mapped, mapped, noted


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((*shape, 2), np.float32)
    return values.view(np.complex64)[..., 0]


def dataset(n: int = 20, rx: int = 2, freq: int = 4) -> ChannelDataset:
    return ChannelDataset(
        h=noise(n, rx, 1, 1, freq),
        freq=np.arange(freq) * 1e6,
        rx_array=ArrayGeometry.line(rx),
        groups={"day": np.arange(n) // 4},
    )


def apart(h: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Two realisations of each, scaled by its number."""
    return (h * (1 + rows)[:, None, None, None, None]).reshape(-1, 1, 1, 1, 4).astype(np.complex64)


INDEX = st.one_of(
    st.slices(40),
    st.lists(st.integers(-40, 39), max_size=9).map(lambda k: np.array(k, np.int64)),
    st.integers(-40, 39),
    st.lists(st.booleans(), min_size=40, max_size=40).map(np.array),
)


@settings(max_examples=150, deadline=None)
@given(INDEX)
def test_indexing_is_numpy_s(index) -> None:
    h = noise(20, 2, 1, 1, 4)
    whole = apart(h, np.arange(20))
    lazy = Mapped(h, whole.shape, apart, parts=2)
    np.testing.assert_array_equal(lazy[index], whole[index])
    rows = np.array([0, 3, 4, 21, 39])
    np.testing.assert_array_equal(lazy.take(rows)[:], whole[rows])
    np.testing.assert_array_equal(lazy.take(rows).take(np.array([1, 3]))[:], whole[[3, 21]])
    np.testing.assert_array_equal(lazy[:, 0, ..., 1:3], whole[:, 0, ..., 1:3])
    np.testing.assert_array_equal(lazy[..., 0], whole[..., 0])
    np.testing.assert_array_equal(lazy[..., 1:3], whole[..., 1:3])
    assert (len(lazy), lazy.ndim, lazy.nbytes) == (40, 5, whole.nbytes)


def test_only_what_is_asked_for_is_read(tmp_path) -> None:
    """A set in a file stays there, and a slice reads the realisations it needs."""
    write(dataset(), tmp_path / "a.h5")
    seen: list[int] = []

    def step(h: np.ndarray, rows: np.ndarray) -> np.ndarray:
        seen.extend(rows.tolist())
        return 2 * h

    filed = read(tmp_path / "a.h5")
    doubled = mapped(filed, step)
    assert isinstance(doubled.h, Mapped) and not seen
    np.testing.assert_array_equal(doubled[np.array([7, 3])].h, 2 * filed.h[np.array([7, 3])])
    assert seen == [3, 7]
    np.testing.assert_array_equal(doubled.tensor().numpy(), 2 * filed.h[:])
    write(doubled, tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_array_equal(file["h"][:], 2 * filed.h[:])


def test_in_memory_it_happens_at_once() -> None:
    assert isinstance(mapped(dataset(), lambda h, _: 2 * h).h, np.ndarray)


def test_what_was_done_is_kept_in_order() -> None:
    done = noted(noted(dataset(), "a", "first", figure=1.5), "b", "second")
    assert done.meta.provenance["signal"] == [
        {"step": "a", "said": "first", "figure": 1.5},
        {"step": "b", "said": "second"},
    ]
    assert dataset().meta.provenance == {}


def test_blocks_are_smaller_than_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chanvae.signal.lazy._BLOCK", 3 * 8 * 8)
    sizes: list[int] = []

    def step(h: np.ndarray, _: np.ndarray) -> np.ndarray:
        sizes.append(len(h))
        return h

    data = dataset()
    np.testing.assert_array_equal(mapped(data, step).h, data.h)
    assert sizes == [3] * 6 + [2]
