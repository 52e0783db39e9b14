"""An array in a file is indexed as numpy indexes one in memory."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io import filearray
from chanvae.io.hdf5 import read, write


def channels(*shape: int) -> np.ndarray:
    values = np.random.default_rng(0).standard_normal((*shape, 2), np.float32)
    return values.view(np.complex64)[..., 0]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, filearray.FileArray]:
    h = channels(50, 2, 1, 1, 3)
    path = tmp_path_factory.mktemp("filearray") / "a.h5"
    write(ChannelDataset(h, np.arange(3.0), rx_array=ArrayGeometry.line(2)), path)
    return h, read(path).h


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.slices(50),
        st.lists(st.integers(-50, 49), max_size=60).map(lambda k: np.array(k, np.int64)),
        st.lists(st.booleans(), min_size=50, max_size=50).map(np.array),
        st.integers(-50, 49),
        st.tuples(st.slices(50), st.integers(0, 1)),
        st.tuples(st.integers(-50, 49), st.slices(2), st.just(0)),
        st.just(...),
    ),
    st.integers(0, 200),
    st.integers(24, 2000),
)
def test_as_numpy(pair, index, bridge: int, block: int) -> None:
    h, lazy = pair
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filearray, "_BRIDGE", bridge)
        patch.setattr(filearray, "_BLOCK", block)
        got = lazy[index]
    np.testing.assert_array_equal(got, h[index], strict=True)


@pytest.mark.parametrize("index", [50, -51, np.array([50]), np.ones(49, bool), np.array([0.5])])
def test_index_errors(pair, index) -> None:
    with pytest.raises(IndexError):
        pair[1][index]


def test_taken_rows(pair) -> None:
    h, lazy = pair
    keep = np.array([1, 4, 9, 30])
    taken = lazy.take(keep)
    np.testing.assert_array_equal(taken[::-1], h[keep][::-1])
    np.testing.assert_array_equal(taken.take(np.array([1, 3]))[:], h[[4, 30]])
    assert (taken.shape, len(taken), taken.ndim, taken.nbytes) == ((4, 2, 1, 1, 3), 4, 5, 192)


def test_pickle_and_array(pair) -> None:
    h, lazy = pair
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(lazy))[3:5], h[3:5])
    np.testing.assert_array_equal(np.asarray(lazy), h)


def test_file_that_goes_away(tmp_path: Path) -> None:
    write(ChannelDataset(channels(5, 1, 1, 1, 3), np.arange(3.0)), tmp_path / "a.h5")
    lazy = read(tmp_path / "a.h5").h
    (tmp_path / "a.h5").unlink()
    with pytest.raises(DataError, match=r"a\.h5: no such file"):
        lazy[:]
