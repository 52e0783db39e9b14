"""A run or a set inside Sionna: the same responses, times, conditions, devices and seeds."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.link import ChannelModel
from chanvae.stats.conditions import with_channel_conditions
from tests.conftest import paths


@pytest.fixture(scope="module")
def phy():
    """Sionna, imported without a trace in torch's global generator."""
    with torch.random.fork_rng(devices=[]):
        import sionna.phy
        import sionna.phy.channel
        import sionna.phy.ofdm
    return sionna.phy


def grid_for(phy, data, symbols=1, **changes):
    spacing = data.subcarrier_spacing if len(data.freq) > 1 else 1e6
    options = {"fft_size": len(data.freq), "subcarrier_spacing": spacing}
    return phy.ofdm.ResourceGrid(num_ofdm_symbols=symbols, **options | changes)


def one(data, row=0):
    """A set of a single realisation, so that every draw is that one."""
    return data[row : row + 1]


def apart(h, data):
    """Largest error relative to the RMS of the channel."""
    want = torch.as_tensor(data.h[:1])
    got = h[:, 0, :, 0].cpu()
    return float((got - want).abs().max() / want.abs().square().mean().sqrt())


@pytest.mark.parametrize("freq", [1, 15, 16, 64, 600])
def test_the_response_through_sionna_is_the_channel(phy, freq):
    data = one(paths(5, rx=3, freq=freq), 2)
    grid, model = grid_for(phy, data), ChannelModel(data, seed=0)
    frequencies = phy.channel.subcarrier_frequencies(freq, grid.subcarrier_spacing)
    a, tau = model(4, 1, 1.0)
    assert a.shape == (4, 1, 3, 1, 1, freq, 1) and tau.shape == (4, 1, 1, freq)
    for h in (
        phy.channel.cir_to_ofdm_channel(frequencies, a, tau),
        phy.channel.GenerateOFDMChannel(model, grid)(4),
        model.h_freq(4, grid),
    ):
        assert h.shape == (4, 1, 3, 1, 1, 1, freq)
        assert apart(h[:1], data) < 1e-4


def test_bands_off_the_carrier_are_taken_to_sionnas_zero(phy):
    data = one(paths(3))
    moved = replace(data, freq=data.freq + 40.25e6)
    h = phy.channel.GenerateOFDMChannel(ChannelModel(moved, seed=0), grid_for(phy, data))(1)
    assert apart(h, data) < 1e-4


def test_in_ofdm_and_time_channel(phy):
    """The time channel's taps are the data's where both have one bandwidth."""
    data = one(paths(3, rx=2))
    grid = grid_for(phy, data, symbols=3, cyclic_prefix_length=8)
    model = ChannelModel(data, seed=0)
    x = torch.ones(5, 1, 1, 3, 16, dtype=torch.complex64)
    y, h = phy.channel.OFDMChannel(model, grid, return_channel=True)(x)
    assert torch.allclose(y[:, 0], (h[:, 0, :, 0, 0] * x[:, :, 0]), rtol=1e-5)
    assert apart(h[:1, ..., :1, :], data) < 1e-4
    lags = {"l_min": -2, "l_max": 13}
    channel = phy.channel.TimeChannel(
        model, grid.bandwidth, grid.num_time_samples, **lags, return_channel=True
    )
    y, taps = channel(torch.zeros(5, 1, 1, grid.num_time_samples, dtype=torch.complex64))
    assert y.shape == (5, 1, 2, grid.num_time_samples + 15)
    back = phy.channel.time_to_ofdm_channel(taps, grid, -2)
    assert apart(back[:1, ..., :1, :], data) < 1e-4


def test_a_finer_grid_sees_the_paths_between_the_frequencies(phy):
    """A path at a delay bin has its response everywhere in the band."""
    frequency = (np.arange(32) - 16) * 1e6
    h = np.exp(-2j * np.pi * frequency * 5 / 32e6) + 0.3 * np.exp(
        2j * np.pi * frequency * 2 / 32e6
    )
    data = ChannelDataset(h[None, None, None, None].astype(np.complex64), frequency)
    model = ChannelModel(data, seed=0)
    grid = grid_for(phy, data, fft_size=96, subcarrier_spacing=250e3)
    fine = (np.arange(96) - 48) * 250e3
    want = np.exp(-2j * np.pi * fine * 5 / 32e6) + 0.3 * np.exp(2j * np.pi * fine * 2 / 32e6)
    for got in (model.h_freq(1, grid), phy.channel.GenerateOFDMChannel(model, grid)(1)):
        np.testing.assert_allclose(got.flatten().numpy(), want, atol=2e-5)


def test_a_fitted_model_is_a_channel_model(phy, run):
    model = ChannelModel(run, seed=3)
    h = phy.channel.GenerateOFDMChannel(model, grid_for(phy, run.template, symbols=2))(7)
    assert h.shape == (7, 1, 4, 1, 1, 2, 16)
    assert torch.equal(h[..., 0, :], h[..., 1, :]), "channels stand still by default"
    again = ChannelModel(str(run.directory), seed=3)
    first, second = again(7)[0], again(7)[0]
    torch.testing.assert_close(first, model.__class__(run, seed=3)(7)[0])
    assert not torch.equal(first, second)


def test_without_a_seed_sionnas_counts(phy, measured):
    model = ChannelModel(measured)
    seed = phy.config.seed
    with torch.random.fork_rng(devices=[]):
        drawn = []
        for s in (1, 1, 2):
            phy.config.seed = s
            drawn.append(model(9)[0])
        phy.config.seed = seed
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_draw_takes_each_realisation_once_while_there_are_enough(measured):
    a, _ = ChannelModel(measured, seed=0)(len(measured))
    assert len(np.unique(a[:, 0, 0, 0, 0, 0, 0].numpy())) == len(measured)
    assert ChannelModel(measured, seed=0)(len(measured) + 5)[0].shape[0] == len(measured) + 5


def test_moving_users_fade_as_clarke_says():
    """The mean correlation over time is J0(2π f_D Δt).

    4,000 channels of some ten paths each: its standard error is below 0.01, so that 0.04 is met
    but in one of 10,000 seeds.
    """
    data = replace(paths(4000), meta=Meta(carrier_frequency=3e9))
    power = np.sqrt((np.abs(data.h) ** 2).mean((1, 2, 3, 4), keepdims=True))
    data = replace(data, h=data.h / power)
    doppler = 10.0 * 3e9 / 299_792_458.0
    a, tau = ChannelModel(data, speed=10.0, seed=1)(4000, 12, 1000.0)
    inner = (a[..., :1].conj() * a).sum((1, 2, 3, 4, 5)).real.mean(0) / a[
        ..., 0
    ].abs().square().sum((1, 2, 3, 4, 5)).mean(0)
    want = scipy.special.j0(2 * np.pi * doppler * np.arange(12) / 1000.0)
    np.testing.assert_allclose(inner.numpy(), want, atol=0.04)
    assert tau.shape == (4000, 1, 1, 16)


def test_motion_keeps_power_in_angle_and_delay():
    shape = ArrayGeometry(rows=2, columns=4, polarizations=2)
    rng = np.random.default_rng(0)
    h = rng.normal(size=(3, 16, 2, 1, 8, 2)) @ np.array([1, 1j])
    data = ChannelDataset(
        h.astype(np.complex64),
        np.arange(8) * 1e6,
        rx_array=shape,
        tx_array=ArrayGeometry(columns=2),
        meta=Meta(carrier_frequency=1e9),
    )
    a, _ = ChannelModel(data, speed=30.0, seed=0)(3, 5, 1e3)
    still, _ = ChannelModel(data, seed=0)(3, 5, 1e3)
    torch.testing.assert_close(a[..., 0], still[..., 0], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(a[..., 4], still[..., 4], atol=0.1)
    unfolded = a.reshape(3, 2, 2, 4, 2, 8, 5)  # polarisation, rows, columns, tx, delay, time
    beams = torch.fft.fftn(unfolded, dim=(2, 3, 4)).abs()
    torch.testing.assert_close(beams[..., 4], beams[..., 0], rtol=1e-3, atol=1e-3)


def test_channels_with_a_time_axis_are_interpolated():
    time = np.arange(20) * 1e-3
    h = np.exp(2j * np.pi * 40 * time)[None, None, None, :, None] * np.ones((1, 1, 1, 1, 4))
    data = ChannelDataset(h.astype(np.complex64), np.arange(4) * 1e6, time)
    model = ChannelModel(data, seed=0)
    same, _ = model(1, 20, 1e3)
    np.testing.assert_allclose(same[0, 0, 0, 0, 0, 0], h[0, 0, 0, :, 0], atol=1e-6)
    finer, _ = model(1, 39, 2e3)
    want = np.exp(2j * np.pi * 40 * np.arange(39) / 2e3)
    np.testing.assert_allclose(finer[0, 0, 0, 0, 0, 0], want, atol=2e-3)
    with pytest.raises(DataError, match=r"19.5 ms .* asked for and 19 ms were measured"):
        model(1, 40, 2e3)
    with pytest.raises(DataError, match="time axis of their own; leave the speed out"):
        ChannelModel(data, speed=3.0)


def conditions_of(model, n, like):
    a, _ = model(n)
    h = np.fft.fftshift(np.fft.fft(a[:, 0, :, 0, :, :, 0].numpy()), -1)[:, :, :, None, :]
    return with_channel_conditions(replace(like, h=h, conditions={}, groups={})).conditions


def test_conditions_fixed_or_by_a_distribution(run, measured):
    rows = with_channel_conditions(measured)
    known = rows.conditions["delay_spread"]
    low, high = np.quantile(known, [0.2, 0.8])
    model = ChannelModel(rows, conditions={"delay_spread": low}, seed=0)
    met = conditions_of(model, 60, rows)["delay_spread"]
    assert np.abs(met - low).max() < 0.1 * known.std()
    for asked in (
        scipy.stats.uniform(low, high - low),
        torch.distributions.Uniform(low, high),
        lambda n, rng: rng.uniform(low, high, n),
        known[(known > low) & (known < high)],
    ):
        met = conditions_of(
            ChannelModel(rows, conditions={"delay_spread": asked}, seed=0), 99, rows
        )
        assert low * 0.97 < met["delay_spread"].min() and met["delay_spread"].max() < high * 1.03
        assert met["delay_spread"].std() > 0.2 * (high - low)
        assert ChannelModel(run, conditions={"delay_spread": asked, "los": 1}, seed=0)(5)
    wide = scipy.stats.lognorm(s=1.0, scale=np.median(known))
    assert ChannelModel(run, conditions={"delay_spread": wide}, seed=0)(300), "cut to the range"


def test_a_set_in_a_file(measured, tmp_path):
    write(measured[:40], tmp_path / "m.h5")
    a, _ = ChannelModel(tmp_path / "m.h5", seed=0)(6)
    b, _ = ChannelModel(measured[:40], seed=0)(6)
    assert torch.equal(a, b)


def test_double_precision(phy, measured):
    a, tau = ChannelModel(measured, precision="double", seed=0)(2)
    assert a.dtype == torch.complex128 and tau.dtype == torch.float64


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "cuda:7"}, r"device 'cuda:7' is not there; torch sees: cpu"),
        ({"precision": "half"}, "choose single or double"),
        ({"speed": 3.0}, "where the data do not say it, carrier_frequency"),
        ({"speed": -3.0, "carrier_frequency": 1e9}, "above 0"),
        ({"conditions": {"delay_spread": 1.0}}, "1 s is outside what the training data held"),
        ({"conditions": {"delay_spread": scipy.stats.uniform(1, 2)}}, "is outside what"),
        ({"conditions": {"delay_spread": lambda n, rng: np.ones(3)}}, "gave shape"),
        ({"conditions": {"speed": 1.0}}, "'speed' is not"),
        ({"conditions": {"los": 7}}, "7 is not in the training data"),
    ],
)
def test_mistakes_are_told_at_once(run, measured, options, says):
    for source in (run, measured):
        with pytest.raises(DataError, match=says):
            ChannelModel(source, seed=0, **options)


def test_grids_that_the_data_do_not_cover(phy, measured):
    model = ChannelModel(measured, seed=0)
    with pytest.raises(DataError, match=r"32 MHz wide and the channels 16 MHz; take at most 16"):
        model.h_freq(1, grid_for(phy, measured, fft_size=32))
    uneven = replace(measured, freq=measured.freq + np.arange(16) ** 2 * 1e4)
    with pytest.raises(DataError, match="--regrid"):
        ChannelModel(uneven)
    with pytest.raises(DataError, match="at least one realisation"):
        model(0, 1, 1.0)
