"""Baselines: what each keeps of its training set, and that a model that is no better is told."""

import dataclasses

import numpy as np
import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.evaluate.baselines.gaussian import covariance, mixture
from chanvae.evaluate.baselines.make import BASELINES, baselines
from chanvae.evaluate.baselines.resample import interpolated, nearest, nearest_to, resampled
from chanvae.evaluate.baselines.tr38901 import tr38901
from chanvae.evaluate.compare import compare
from chanvae.evaluate.looks import compute

RNG = 7


def rng():
    return np.random.default_rng(RNG)


def gaussian(n, seed, antennas=4, freqs=6):
    """Correlated complex Gaussian channels: exactly what the covariance baseline draws."""
    draw = np.random.default_rng(seed)
    size = antennas * freqs
    mix = np.random.default_rng(99).normal(size=(size, size, 2)).view(complex)[..., 0]
    white = draw.normal(size=(n, size, 2)).view(complex)[..., 0] / 2**0.5
    h = (white @ mix.T).reshape(n, antennas, 1, 1, freqs).astype(np.complex64)
    return ChannelDataset(h, np.arange(freqs) * 1e6, rx_array=ArrayGeometry.line(antennas))


def test_every_baseline_makes_channels_of_the_kind(make):
    training = make(300, 1)
    names = []
    for name, make_one in baselines(training, 120).items():
        made = make_one()
        assert made is not None and made.shape == (120, *training.shape[1:])
        assert made.h.dtype == np.complex64 and np.isfinite(made.h[:]).all()
        assert made.rx_array == training.rx_array and not made.conditions
        power, known = (np.abs(d.h[:]) ** 2 for d in (made, training))
        # 3 dB of shadowing over 120 and 300 channels: 10 % standard error.
        assert power.mean() == pytest.approx(known.mean(), rel=0.4), name
        names.append(name)
    assert names == list(BASELINES)


def test_same_seed_same_channels(make):
    training = make(120, 1)
    first, again = (baselines(training, 30, seed=3) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name]().h[:], again[name]().h[:])


def test_copies_are_training_channels(make):
    training = make(80, 1)
    known = training.h[:].reshape(80, -1)
    drawn = resampled(training, 40, rng()).h[:].reshape(40, -1)
    assert (np.abs(drawn[:, None] - known).max(-1).min(1) == 0).all()
    turned = nearest(training, 200, rng()).h[:].reshape(200, -1)
    overlap = np.abs(turned.conj() @ known.T) / np.outer(
        *(np.linalg.norm(x, axis=1) for x in (turned, known))
    )
    assert overlap.max(1) == pytest.approx(1, abs=1e-5)


def test_nearest_to_itself(make):
    training = make(60, 1)
    np.testing.assert_array_equal(nearest_to(training, training[10:20]).h[:], training.h[10:20])


def test_interpolation_keeps_the_conditions(make):
    """Between two channels of like delay spread it is nearer to theirs than to the mean."""
    training = make(2000, 1)
    made = compute(interpolated(training, 500, rng()))["delay_spread"]
    known = compute(training)["delay_spread"]
    assert np.median(made) == pytest.approx(np.median(known), rel=0.35)
    new = interpolated(training, 50, rng()).h[:].reshape(50, -1)
    overlap = np.abs(new.conj() @ training.h[:].reshape(2000, -1).T)
    overlap /= np.outer(
        np.linalg.norm(new, axis=1), np.linalg.norm(training.h[:].reshape(2000, -1), axis=1)
    )
    # Where two neighbours lie on one side of what is asked, the nearer one is all of it.
    assert (overlap.max(1) < 0.999).mean() > 0.6


def test_covariance_is_that_of_the_training_set():
    training = gaussian(4000, 1)
    x = covariance(training, 4000, rng()).h[:].reshape(4000, -1)
    known = training.h[:].reshape(4000, -1)
    one, other = (v.T @ v.conj() / 4000 for v in (x, known))
    # Entries of two sample covariances differ by sqrt(2/4000) of the power each.
    assert np.linalg.norm(one - other) < 0.2 * np.linalg.norm(other)


def test_covariance_of_channels_that_are_all_of_few_paths():
    """Of rank two; rounded, its least eigenvalues are below zero by more than they are lifted."""
    rng = np.random.default_rng(3)
    freqs = np.linspace(-10e6, 10e6, 64)
    ways = np.exp(-2j * np.pi * np.array([[50e-9], [300e-9]]) * freqs)
    gains = rng.normal(size=(2000, 2)) * np.array([1e3, 1e2])
    h = (gains @ ways)[:, None, None, None].astype(np.complex64)
    training = ChannelDataset(h, freqs)
    made = covariance(training, 2000, rng)
    expected, found = (np.square(np.abs(d.h)).mean() for d in (training, made))
    assert found == pytest.approx(expected, rel=0.15)


def test_mixture_finds_its_clusters():
    """Two clusters, one on each antenna: one covariance mixes them, a mixture does not."""
    draw = np.random.default_rng(0)
    h = draw.normal(size=(600, 2, 1, 1, 1, 2)).view(complex)[..., 0]
    h[:300, 0], h[300:, 1] = 0.01 * h[:300, 0], 0.01 * h[300:, 1]
    training = ChannelDataset(h.astype(np.complex64), np.zeros(1), rx_array=ArrayGeometry.line(2))
    share = lambda d: np.abs(d.h[:, 0]) ** 2 / (np.abs(d.h[:]) ** 2).sum(1)  # noqa: E731
    middle = lambda d: float(((share(d) > 0.1) & (share(d) < 0.9)).mean())  # noqa: E731
    assert middle(training) < 0.02
    assert middle(mixture(training, 600, rng())) < 0.05
    assert middle(covariance(training, 600, rng())) > 0.5


def test_refitted_spreads_are_those_of_the_training_set(make):
    """Log-normal delay spread and gain: mean and standard deviation of the logarithms."""
    training = make(1500, 1, antennas=8, freqs=32)
    made, known = compute(tr38901(training, 1500, rng())), compute(training)
    for name, tolerance in (("delay_spread", 0.15), ("angular_spread_rx", 0.15)):
        one, other = (np.log10(v[name]) for v in (made, known))
        assert one.mean() == pytest.approx(other.mean(), abs=tolerance), name
    for part in (np.mean, np.std):
        assert part(made["gain_db"]) == pytest.approx(part(known["gain_db"]), abs=0.4)


@pytest.mark.parametrize(
    ("rx", "tx"),
    [(ArrayGeometry(2, 2), ArrayGeometry()), (ArrayGeometry(), ArrayGeometry(1, 2, 2))],
)
def test_any_array_and_time(rx, tx):
    draw = np.random.default_rng(0)
    shape = (120, rx.size, tx.size, 3, 4, 2)
    h = draw.normal(size=shape).view(complex)[..., 0].astype(np.complex64)
    training = ChannelDataset(h, np.arange(4) * 1e6, np.arange(3) * 1e-3, rx_array=rx, tx_array=tx)
    for name, make_one in baselines(training, 40).items():
        made = make_one()
        assert made is not None and made.shape == (40, *training.shape[1:]), name


def test_a_model_that_is_not_needed_is_told():
    """Gaussian channels: the covariance baseline is the truth, and the report says so."""
    report = compare(gaussian(800, 1), gaussian(800, 2), training=gaussian(1600, 3), quick=True)
    found = {b.name: b for b in report.baselines}
    assert found["covariance"].as_good and found["resampled"].as_good
    assert not found["tr38901"].as_good
    assert "the model is not needed" in report.sentences[2]
    assert report.sentences[2].count("not needed") == 1


def test_a_model_that_is_needed_is_told(make):
    """Paths: no Gaussian has them, while the generated set is of the same kind."""
    report = compare(make(800, 1), make(800, 2), training=make(1600, 3), quick=True)
    found = {b.name: b for b in report.baselines}
    assert found["resampled"].as_good and not found["covariance"].as_good
    assert "none of the simpler ways" in report.sentences[2].lower()


def test_without_the_extra(make, monkeypatch):
    def missing(*_):
        raise ModuleNotFoundError("cplx_gmm")

    kept = dict(BASELINES)
    kept["mixture"] = dataclasses.replace(kept["mixture"], make=missing)
    monkeypatch.setattr("chanvae.evaluate.baselines.make.BASELINES", kept)
    report = compare(make(60, 1), make(60, 2), training=make(60, 3), quick=True)
    (told,) = (b for b in report.baselines if not b.n)
    assert "chanvae[benchmark]" in told.sentence
    assert "mixture" not in report.statistics[0].baselines
