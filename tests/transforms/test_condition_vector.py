"""Conditions become standardised numbers, and their range is known."""

import numpy as np
import pytest

from chanvae.errors import DataError
from chanvae.transforms.condition_vector import ConditionVector

RNG = np.random.default_rng(0)
KNOWN = {
    "delay_spread": np.concatenate([[0.0], 10 ** RNG.normal(-7, 0.5, 999)]),
    "los": RNG.integers(0, 2, 1000),
    "room": RNG.choice(["hall", "office"], 1000),
    "height": RNG.uniform(1, 30, 1000),
}
UNITS = {"delay_spread": "s", "height": "m"}
VECTOR = ConditionVector.fit(KNOWN, UNITS, tuple(KNOWN))


def test_numbers_are_standardised_and_labels_are_one_hot():
    c = VECTOR.encode(KNOWN, 1000).numpy()
    assert c.shape == (1000, VECTOR.width) == (1000, 6)
    np.testing.assert_allclose(c[:, [0, 5]].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(c[:, [0, 5]].std(0), 1, atol=1e-5)
    assert np.isfinite(c).all()  # a delay spread of zero has no logarithm
    assert set(np.unique(c[:, 1:5])) == {0.0, 1.0}
    np.testing.assert_array_equal(c[:, 1:3].argmax(1), KNOWN["los"])


def test_a_value_outside_the_range_is_refused_with_the_range():
    column = VECTOR.column("delay_spread")
    with pytest.raises(DataError, match=r"delay_spread: 1 ms is outside .* --extrapolate"):
        column.check(np.array([50e-9, 1e-3]), extrapolate=False)
    column.check(np.array([1e-3]), extrapolate=True)
    column.check(KNOWN["delay_spread"], extrapolate=False)


def test_an_unknown_label_is_refused_with_the_labels():
    with pytest.raises(DataError, match=r"room: 'cellar' .* 'hall', 'office'"):
        VECTOR.column("room").check(np.array(["cellar"]), extrapolate=True)
    with pytest.raises(DataError, match="'speed' is not a condition"):
        VECTOR.column("speed")


def test_not_a_number_is_refused():
    with pytest.raises(DataError, match="realisation 3"):
        ConditionVector.fit({"height": np.array([1, 2, 3, np.nan])}, {}, ("height",))
    with pytest.raises(DataError, match="not a finite"):
        VECTOR.column("height").check(np.array([np.inf]), extrapolate=True)


def test_a_model_without_conditions_has_an_empty_vector():
    assert ConditionVector(()).encode({}, 7).shape == (7, 0)
