import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chanvae.stats.delay import (
    coherence_bandwidth,
    delay_axis,
    delay_response,
    delay_spread,
    frequency_correlation,
    phase_step,
    power_delay_profile,
    rms_delay_spread,
)

SPACING = 1e6


def baseband(n, spacing=SPACING):
    return (torch.arange(n, dtype=torch.float64) - n // 2) * spacing


def paths(freq, delays, amplitudes, dtype=torch.complex64):
    """[1, 1, 1, 1, freq]: the sum of paths with these delays [s]."""
    delays = torch.as_tensor(delays, dtype=torch.float64)[:, None]
    amplitudes = torch.as_tensor(amplitudes, dtype=torch.complex128)[:, None]
    h = (amplitudes * torch.exp(-2j * math.pi * freq * delays)).sum(0)
    return h.reshape(1, 1, 1, 1, -1).to(dtype)


def fading(n=64, batch=5, seed=0):
    """Random channels with an exponential profile, 3 antennas, 2 times."""
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(batch, 3, 1, 2, n, dtype=torch.complex64, generator=generator)
    a = a * torch.exp(-torch.arange(n) / 8)
    return torch.fft.fftshift(torch.fft.fft(a, norm="ortho"), -1)


def test_delay_axis_ends_one_bin_before_the_period():
    delay = delay_axis(baseband(64))
    expected = torch.arange(64, dtype=torch.float64) / 64e6
    torch.testing.assert_close(delay, expected, rtol=1e-14, atol=0)
    assert delay_axis(torch.zeros(1)).isnan().all()


@settings(deadline=None, max_examples=40)
@given(
    shape=st.lists(st.integers(1, 5), min_size=4, max_size=5),
    n=st.integers(1, 33),
    dtype=st.sampled_from([torch.complex64, torch.complex128]),
)
def test_delay_response_is_unitary(shape, n, dtype):
    h = torch.randn(*shape, n, dtype=dtype, generator=torch.Generator().manual_seed(n))
    energy = delay_response(h).abs().square().sum()
    # Rounding of a float32 FFT is below 1e-6 of the energy at these lengths.
    torch.testing.assert_close(energy, h.abs().square().sum(), rtol=1e-5, atol=0)
    profile = power_delay_profile(h)
    assert profile.shape == (*shape[:-3], n)
    assert profile.dtype == torch.float64


@pytest.mark.parametrize("n", [16, 17])
def test_a_path_on_the_grid_stands_in_its_bin_with_its_phase(n):
    freq = baseband(n)
    h = paths(freq, [5 / (n * SPACING)], [1j], torch.complex128)
    expected = torch.zeros(n, dtype=torch.complex128)
    expected[5] = 1j * math.sqrt(n)
    torch.testing.assert_close(delay_response(h).flatten(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("weak", "share"), [(1.0, 0.5), (0.5, 1 / 3), (0.1, 1 / 11)])
def test_two_taps_have_the_spread_on_paper(weak, share):
    power = torch.zeros(2, 50)
    power[0, 10], power[0, 30] = 1.0, weak
    spread = rms_delay_spread(power, torch.arange(50) * 1e-8)
    expected = math.sqrt(share * (1 - share)) * 20e-8
    assert spread[0].item() == pytest.approx(expected, rel=1e-6)  # delays given in float32
    assert spread[1].isnan()


def test_a_late_first_arrival_costs_no_digits():
    delay = torch.arange(4, dtype=torch.float64) * 5e-9 + 20e-6
    power = torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert rms_delay_spread(power, delay).item() == pytest.approx(5e-9, rel=1e-9)


def test_a_late_first_arrival_costs_no_digits_from_float32_channels():
    freq = baseband(4096, 20e3)
    bin_width = 1 / (4096 * 20e3)
    late = paths(freq, torch.tensor([1638, 1641]) * bin_width, [1.0, 1.0])  # 20 µs
    # Float32 rounding of h lies 140 dB down; the threshold takes it away altogether.
    assert delay_spread(late, freq).item() == pytest.approx(1.5 * bin_width, rel=1e-6)


def test_delay_spread_does_not_depend_on_phase_gain_or_delay():
    h, freq = fading(), baseband(64)
    spread = delay_spread(h, freq)
    assert spread.dtype == torch.float64
    assert spread.shape == (5,)
    assert (spread > 0).all()
    ramp = torch.exp(-2j * math.pi * freq * 23 / 64e6).to(torch.complex64)
    for changed in (h * 1j, h * 1e-7, h * 1e5, h * ramp):
        torch.testing.assert_close(delay_spread(changed, freq), spread, rtol=1e-4, atol=0)


def test_a_path_at_delay_zero_does_not_leak_to_the_end_of_the_axis():
    freq = baseband(64)
    early = delay_spread(paths(freq, [0.3 / 64e6], [1.0]), freq)
    midway = delay_spread(paths(freq, [32.3 / 64e6], [1.0]), freq)
    torch.testing.assert_close(early, midway, rtol=1e-4, atol=0)
    assert early.item() < 3 / 64e6, "a few bins of leakage, not half the period"


@pytest.mark.parametrize(("level_db", "counts"), [(-29.0, True), (-31.0, False)])
def test_delay_spread_stops_at_the_threshold(level_db, counts):
    freq = baseband(64)
    h = paths(freq, [0, 20 / 64e6], [1.0, 10 ** (level_db / 20)])
    spread = delay_spread(h, freq).item()
    assert (spread > 1e-9) == counts
    assert delay_spread(h, freq, threshold_db=40.0).item() > 1e-9


def test_no_power_is_nan_and_leaves_the_others_alone():
    h, freq = fading(), baseband(64)
    dead = h.clone()
    dead[2] = 0
    for statistic in (
        lambda h: delay_spread(h, freq),
        lambda h: frequency_correlation(h, 1),
        lambda h: coherence_bandwidth(h, freq),
    ):
        before, after = statistic(h), statistic(dead)
        assert after[2].isnan()
        torch.testing.assert_close(after[[0, 1, 3, 4]], before[[0, 1, 3, 4]])


def test_a_single_frequency_has_no_delay_statistics():
    h, freq = fading()[..., :1], torch.zeros(1)
    assert delay_spread(h, freq).isnan().all()
    assert frequency_correlation(h, 1).isnan().all()
    assert coherence_bandwidth(h, freq).isnan().all()


def two_paths_apart(n, delay):
    """Two equal paths, each on its own antenna: no cross terms, so |cos(pi tau f)| exactly."""
    freq = baseband(n)
    h = torch.cat([paths(freq, [t], [1.0], torch.complex128) for t in (0, delay)], 1)
    return h, freq


@pytest.mark.parametrize("lag", [0, 1, 7, 63])
def test_frequency_correlation_of_two_paths(lag):
    h, _ = two_paths_apart(64, 0.1 / SPACING)
    expected = abs(math.cos(math.pi * 0.1 * lag))
    assert frequency_correlation(h, lag).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("cycles", [0.0, 0.3, 0.7])
def test_the_phase_step_is_the_delay_of_a_path(cycles):
    h = paths(baseband(16), [cycles / SPACING], [3j])
    expected = math.remainder(-2 * math.pi * cycles, 2 * math.pi)
    assert phase_step(h).item() == pytest.approx(expected, abs=1e-6)
    assert phase_step(0 * h).isnan().all()


def test_the_phase_step_of_two_paths_is_that_of_the_stronger():
    h = paths(baseband(64), [0.1 / SPACING, 0.4 / SPACING], [1.0, 0.1])
    assert phase_step(h).item() == pytest.approx(-0.2 * math.pi, abs=0.02)


def test_frequency_correlation_has_no_lag_beyond_the_band():
    h = fading()
    assert frequency_correlation(h, 64).isnan().all()
    assert frequency_correlation(h, 100).isnan().all()


def test_coherence_bandwidth_of_two_paths():
    h, freq = two_paths_apart(256, 1 / (120 * SPACING))
    # |cos| falls to 1/2 at f = 1 / (3 tau) = 40 subcarriers; chords of it err by 1e-3 of one.
    assert coherence_bandwidth(h, freq).item() == pytest.approx(40 * SPACING, rel=1e-4)
    assert coherence_bandwidth(h, freq, level=0.9).item() == pytest.approx(
        math.acos(0.9) / math.pi * 120 * SPACING, rel=1e-3
    )


def test_coherence_bandwidth_agrees_with_the_correlation_lag_by_lag():
    h, freq = fading(), baseband(64)
    width = coherence_bandwidth(h, freq) / SPACING
    correlation = torch.stack([frequency_correlation(h, lag) for lag in range(64)], -1)
    first = (correlation < 0.5).to(torch.int).argmax(-1)
    assert ((first - 1 <= width) & (width <= first)).all()


def test_a_flat_channel_is_coherent_over_the_whole_band():
    assert coherence_bandwidth(torch.ones(1, 2, 1, 1, 32) + 0j, baseband(32)).item() == 32e6
