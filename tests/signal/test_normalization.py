"""Normalisation: what it says it does, and undone to the power that was measured."""

import numpy as np
import pytest

from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.io.convert import save
from chanvae.io.hdf5 import read, write
from chanvae.io.read import load
from chanvae.signal.noise import with_noise_floor
from chanvae.signal.normalization import (
    EACH,
    GAIN,
    KINDS,
    MEAN,
    denormalise,
    gains,
    noise_power,
    normalise,
)


def dataset(n: int = 50) -> ChannelDataset:
    rng = np.random.default_rng(0)
    h = rng.normal(size=(n, 2, 1, 1, 20, 2)).view(complex)[..., 0]
    h *= 10 ** rng.normal(-3, 0.5, (n, 1, 1, 1, 1))
    from chanvae.arrays import ArrayGeometry

    return ChannelDataset(h.astype(np.complex64), np.arange(20.0), rx_array=ArrayGeometry.line(2))


def test_unit_mean_power() -> None:
    out = normalise(dataset(), MEAN)
    assert gains(out).mean() == pytest.approx(1, rel=1e-6)
    assert gains(out).std() > 0.1
    assert out.meta.normalization == MEAN
    assert out.meta.normalization_power == pytest.approx(gains(dataset()).mean())


def test_unit_power_per_realisation() -> None:
    out = normalise(dataset(), EACH)
    np.testing.assert_allclose(gains(out), 1, rtol=1e-6)
    np.testing.assert_allclose(out.conditions[GAIN], gains(dataset()), rtol=1e-6)
    assert out.condition_units[GAIN] == "1"


@pytest.mark.parametrize("kind", KINDS)
def test_undone_after_a_file(kind: str, tmp_path) -> None:
    """Normalised, written, read and undone: the channels as measured, to float32's rounding."""
    data = dataset()
    write(normalise(data, kind), tmp_path / "a.h5")
    back = read(tmp_path / "a.h5")
    assert back.meta.normalization == kind
    plain = denormalise(back)
    np.testing.assert_allclose(plain.h[:], data.h, rtol=1e-6, atol=1e-12)
    assert plain.meta.normalization == "none" and GAIN not in plain.conditions
    for other in KINDS:
        again = normalise(back, other)
        np.testing.assert_allclose(again.h[:], normalise(data, other).h, rtol=1e-5, atol=1e-9)
        assert again.meta.normalization == other


@pytest.mark.parametrize("name", ["a.h5", "a.mat", "a.npz"])
def test_powers_survive_every_format(name: str, tmp_path) -> None:
    data = normalise(with_noise_floor(dataset(), -20.0), MEAN)
    save(data, tmp_path / name)
    back = load(tmp_path / name)
    assert back.meta.noise_floor == pytest.approx(data.meta.noise_floor, rel=1e-12)
    assert back.meta.normalization_power == pytest.approx(data.meta.normalization_power)
    np.testing.assert_allclose(denormalise(back).h[:], dataset().h, rtol=1e-5, atol=1e-9)


def test_the_noise_floor_follows_the_channel() -> None:
    data = with_noise_floor(dataset(), -20.0)
    floor = data.meta.noise_floor
    np.testing.assert_allclose(noise_power(data), floor)
    each = normalise(data, EACH)
    assert each.meta.noise_floor == floor
    np.testing.assert_allclose(noise_power(each), floor / gains(data), rtol=1e-6)
    np.testing.assert_allclose(noise_power(normalise(data, MEAN)), 0.01, rtol=1e-6)
    np.testing.assert_array_equal(noise_power(dataset()), 0)


def test_what_cannot_be_undone_is_left_or_refused() -> None:
    from dataclasses import replace

    lost = replace(dataset(), meta=Meta(normalization=EACH))
    assert denormalise(lost) is lost and normalise(lost, EACH) is lost
    with pytest.raises(DataError, match="does not say what it was divided by"):
        normalise(lost, MEAN)
    with pytest.raises(DataError, match="say none, unit_mean_power"):
        normalise(dataset(), "unit")
    empty = dataset()
    empty.h[3] = 0
    with pytest.raises(DataError, match="1 realisations have no power"):
        normalise(empty, EACH)
