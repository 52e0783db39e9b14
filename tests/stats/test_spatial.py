import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.arrays import ArrayGeometry
from chanvae.errors import DataError
from chanvae.stats.spatial import (
    along_array,
    correlation_matrix,
    correlation_matrix_distance,
    effective_rank,
    singular_values,
    spatial_correlation,
)


def gaussian(*shape, seed=0, dtype=torch.complex64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def test_antennas_are_numbered_polarisation_row_column():
    array = ArrayGeometry(rows=3, columns=4, polarizations=2)
    number = torch.arange(24) + 0j
    columns = along_array(number.reshape(1, 24, 1, 1, 1), array)[0].real
    assert columns.T.tolist() == [[float(4 * i + k) for k in range(4)] for i in range(6)]
    tall = ArrayGeometry(rows=3, polarizations=2)
    rows = along_array(number[:6].reshape(1, 1, 6, 1, 1), tall, "tx")[0].real
    assert rows.T.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_the_wrong_array_is_refused():
    with pytest.raises(DataError, match="h has 3 tx antennas"):
        spatial_correlation(gaussian(2, 4, 3, 1, 5), ArrayGeometry.line(4), "tx")


def test_spatial_correlation_of_plane_waves():
    array, place = ArrayGeometry.line(8), torch.arange(8, dtype=torch.float64)
    one = torch.exp(1j * place * 0.7).reshape(1, 8, 1, 1, 1)
    assert spatial_correlation(one, array).item() == pytest.approx(1, abs=1e-12)
    # Two waves on different subcarriers: |1 + exp(j 1.2 lag)| / 2 = |cos(0.6 lag)|.
    two = torch.stack([torch.exp(1j * place * w) for w in (0.7, -0.5)], -1)[None, :, None, None]
    for lag in (0, 1, 5):
        found = spatial_correlation(two, array, lag=lag).item()
        assert found == pytest.approx(abs(math.cos(0.6 * lag)), abs=1e-12)
    assert spatial_correlation(two, array, lag=8).isnan().all()
    assert spatial_correlation(two * 0, array).isnan().all()


def test_spatial_correlation_equal_near_far():
    """Antennas that are equal, nearly so, and independent."""
    array, common = ArrayGeometry.line(4), gaussian(3, 1, 1, 1, 4000)
    noise = gaussian(3, 4, 1, 1, 4000, seed=1)
    equal = spatial_correlation(common.expand(3, 4, 1, 1, 4000), array)
    near = spatial_correlation(common + 0.5 * noise, array)
    far = spatial_correlation(noise, array)
    assert (equal > 1 - 1e-6).all()
    # 12,000 pairs: standard error 0.009, so 0.05 is beyond five of them.
    torch.testing.assert_close(near, torch.full_like(near, 0.8), rtol=0, atol=0.05)
    assert (far < 0.05).all()


@settings(deadline=None, max_examples=40)
@given(
    rx=st.integers(1, 5),
    freq=st.integers(1, 5),
    lag=st.integers(0, 6),
    seed=st.integers(0, 99),
    scale=st.sampled_from([1e-8, 1.0, 1e6]),
)
def test_spatial_correlation_lies_between_0_and_1(rx, freq, lag, seed, scale):
    h = gaussian(3, rx, 2, 1, freq, seed=seed)
    value = spatial_correlation(h, ArrayGeometry.line(rx), lag=lag)
    if lag >= rx:
        assert value.isnan().all()
    else:
        assert ((value >= 0) & (value <= 1)).all()
        scaled = spatial_correlation(h * scale * 1j, ArrayGeometry.line(rx), lag=lag)
        torch.testing.assert_close(scaled, value, rtol=1e-4, atol=1e-6)


def test_correlation_matrix_is_the_covariance():
    h = gaussian(7, 4, 3, 2, 5)
    expected = torch.einsum("nrsft,nqsft->rq", *(h.to(torch.complex128), h.conj().cdouble()))
    torch.testing.assert_close(correlation_matrix(h), expected / (7 * 3 * 2 * 5))
    assert correlation_matrix(h, "tx").shape == (3, 3)
    torch.testing.assert_close(correlation_matrix(h), correlation_matrix(h).mH)


def test_correlation_matrix_distance_equal_near_far():
    one = torch.diag(torch.tensor([1.0, 0, 0])).cdouble()
    other = torch.diag(torch.tensor([0, 1.0, 0])).cdouble()
    near = one + 0.1 * other
    a = torch.stack([one, one, one])
    b = torch.stack([5 * one, near, other])
    distance = correlation_matrix_distance(a, b)
    assert distance[0] == 0
    assert distance[1].item() == pytest.approx(1 - 1 / math.sqrt(1.01), rel=1e-12)
    assert distance[2].item() == pytest.approx(1)
    r, s = (correlation_matrix(gaussian(9, 4, 1, 1, 2, seed=k)) for k in (1, 2))
    herdin = 1 - torch.trace(r @ s).real / (r.norm() * s.norm())
    torch.testing.assert_close(correlation_matrix_distance(r, s), herdin)


@pytest.mark.parametrize(("rx", "freq"), [(6, 6), (3, 8), (8, 3)])
def test_effective_rank_of_known_matrices(rx, freq):
    smaller = min(rx, freq)
    identity = torch.eye(rx, freq, dtype=torch.complex64)[None, :, None, None]
    assert effective_rank(singular_values(identity)).item() == pytest.approx(smaller, rel=1e-6)
    outer = gaussian(1, rx, 1, 1, 1) * gaussian(1, 1, 1, 1, freq, seed=1)
    # Rounding h to complex64 leaves singular values of about 1e-7 of the first.
    assert effective_rank(singular_values(outer)).item() == pytest.approx(1, abs=1e-4)
    two = torch.zeros(1, rx, 1, 1, freq, dtype=torch.complex64)
    two[0, 0, 0, 0, 1], two[0, 1, 0, 0, 0] = 3, 1j
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(singular_values(two)).item() == pytest.approx(
        math.exp(entropy), rel=1e-6
    )


def test_effective_rank_is_of_antenna_pairs_by_time_frequency():
    h = gaussian(5, 2, 3, 4, 7)
    sigma = torch.linalg.svdvals(h.reshape(5, 6, 28).to(torch.complex128))
    share = sigma / sigma.sum(-1, keepdim=True)
    expected = (-(share * share.log()).sum(-1)).exp()
    torch.testing.assert_close(effective_rank(singular_values(h)), expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(
        effective_rank(singular_values(h * 1e-7j)), expected, rtol=1e-6, atol=0
    )


def test_effective_rank_survives_a_bad_realisation():
    h = gaussian(4, 3, 1, 1, 5)
    good = effective_rank(singular_values(h))
    h[1], h[2, 0, 0, 0, 0] = 0, torch.nan
    found = effective_rank(singular_values(h))
    assert found.isnan().tolist() == [False, True, True, False]
    torch.testing.assert_close(found[[0, 3]], good[[0, 3]])
