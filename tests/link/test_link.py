"""The link over several kinds of channels: known error rates, gaps, repeatability, mistakes."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.hdf5 import write
from chanvae.link import curves
from chanvae.link.comparison import compare_links
from chanvae.link.curves import Curve, gap
from chanvae.link.settings import LinkConfig
from chanvae.link.transceiver import Shape, Transceiver, covariance, resource_grid, sent
from chanvae.presets import read
from tests.cli.test_main import call
from tests.conftest import paths

SMALL = LinkConfig(blocks=128, errors=30, step_db=2.0, draws=200, rivals=(), batch=32)


@pytest.fixture
def seeded():
    """Sionna imported and seeded, without a trace."""
    with torch.random.fork_rng(devices=[]):
        from sionna.phy import config

        before, config.seed = config.seed, 0
        yield
        config.seed = before


def curve(shift=0.0, blocks=4000, seed=0):
    """A waterfall that falls from 1 to 0 with one decade a decibel, moved by ``shift`` dB."""
    snr = np.arange(-4, 8, 0.5)
    rate = np.minimum(0.9, 10 ** -(snr - shift))
    errors = np.random.default_rng(seed).binomial(blocks, rate)
    return Curve(snr, errors, np.full(len(snr), blocks), 2.0)


def test_gaps_are_those_that_were_put_in():
    """400 and 40 errors at the targets: standard errors of 0.02 and 0.07 dB a curve."""
    for target, error in ((0.1, 0.1), (0.01, 0.35)):
        found = gap(curve(0.7, seed=1), curve(0.0, seed=2), target)
        assert abs(found.db - 0.7) < error
        assert found.low < found.db < found.high
        assert 0.03 < found.high - found.low < 2 * error
    same = gap(curve(seed=3), curve(seed=4), 0.1)
    assert same.low < 0 < same.high
    assert np.isnan(gap(curve(), curve(), 1e-9).db)


def test_intervals_are_wilsons():
    found = curve()
    low, high = found.interval()[10]
    want = binomtest(int(found.errors[10]), 4000).proportion_ci(method="wilson")
    assert (low, high) == (want.low, want.high)
    assert found.throughput[-1] == pytest.approx(2.0, rel=1e-2)


def flat(n):
    """One antenna each, one path: additive noise alone."""
    return torch.ones(n, 1, 1, 1, 1, 7, 64, dtype=torch.complex64)


def test_over_a_flat_channel_the_code_has_its_threshold(seeded):
    """16-QAM at half rate: capacity 2 bit/s/Hz at 4.8 dB; a short code needs 1 to 3 dB more."""
    config = LinkConfig(blocks=128, errors=40, step_db=1.0)
    grid = resource_grid(config, Shape(1, 1, 64, 1e6))
    cov = covariance(sent(flat(2), 1))
    link = Transceiver(config, grid, flat, cov)
    found = curves.simulate(link, config, 0, print)
    assert 5.5 < found.crossing(0.1) < 8.3
    assert link.efficiency == pytest.approx(2 * 6 / 7, rel=0.01)
    worse = curves.simulate(Transceiver(config, grid, flat), config, 0, print)
    assert worse.crossing(0.1) > found.crossing(0.1) + 0.5, "least squares does not smooth"


def test_several_streams_are_told_apart(seeded):
    def mimo(n):
        parts = torch.randn(2, n, 1, 4, 1, 2, 1, 16, generator=torch.Generator().manual_seed(n))
        return torch.complex(*parts).expand(-1, -1, -1, -1, -1, 7, -1)

    config = LinkConfig(estimators=("ls",))
    grid = resource_grid(config, Shape(4, 2, 16, 1e6))
    sent_, decided = Transceiver(config, grid, mimo)(20, torch.tensor(60.0))
    assert sent_.shape[2] == 2
    # Least squares interpolates between combed pilots of channels without any correlation.
    link = Transceiver(config, grid, lambda n: mimo(n)[..., :1].expand(-1, -1, -1, -1, -1, -1, 16))
    sent_, decided = link(20, torch.tensor(30.0))
    assert torch.equal(sent_, decided)


def test_a_run_against_its_data(run, measured):
    """The same link twice counts the same errors; measured against itself has no gap."""
    small = SMALL.model_copy(update={"estimators": ("lmmse",)})
    first, second = (compare_links(measured, run, small, seed=1) for _ in range(2))
    assert [c.name for c in first] == ["measured", "generated"]
    for a, b in zip(first, second):
        assert np.array_equal(a.curves["lmmse"].errors, b.curves["lmmse"].errors)
        assert np.all(np.diff(a.capacity.ergodic) > 0)
        assert (a.capacity.outage[0.01] <= a.capacity.outage[0.1]).all()
    itself = compare_links(measured, measured, small, seed=2)[1].gaps["lmmse"][0]
    assert itself.low - 0.5 < 0 < itself.high + 0.5


def test_a_batch_too_large_is_halved_and_said_once(seeded):
    said, sizes = [], []

    class Link:
        efficiency = 1.0

        def __call__(self, batch_size, ebno_db):
            sizes.append(batch_size)
            if batch_size > 8:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            bits = torch.zeros(batch_size, 1, 1, 1, 20)
            bad = torch.rand(batch_size, generator=torch.Generator().manual_seed(0))
            return bits, bits + (bad[:, None, None, None, None] < 10 ** (-ebno_db / 10))

    found = curves.simulate(Link(), LinkConfig(batch=32, blocks=64), 0, said.append)
    assert said == ["a batch of 32 slots is too large for the memory; halved"]
    assert set(sizes) == {32, 16, 8} and found.blocks.max() >= 64


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"streams": 2}, "4 receive and 1 transmit .* at most 1 can be told apart"),
        ({"subcarriers": 64}, r"64 MHz wide and the channels 16 MHz; take at most 16"),
        ({"subcarrier_spacing": 2e6}, "a spacing of at most 1000 kHz"),
        ({"pilots": (9,)}, "name some, but not all, of the symbols 0 to 6"),
        ({"subcarriers": 1, "symbols": 2, "pilots": (1,)}, "an NR code word has at least 12"),
        ({"speed": 3.0}, "where the data do not say it, carrier_frequency"),
    ],
)
def test_links_that_the_channels_cannot_carry(run, measured, changes, says):
    with pytest.raises(DataError, match=says):
        compare_links(measured, run, SMALL.model_copy(update=changes))


def test_other_arrays_are_refused(run):
    with pytest.raises(DataError, match="have 4x1 antennas .* and the measured 2x1"):
        compare_links(paths(50, rx=2), run, SMALL)


def test_more_antennas_at_the_transmitter_receive_instead():
    h = flat(3)[..., :16].repeat(1, 1, 1, 1, 4, 1, 1)
    assert sent(h, 1).shape == (3, 1, 4, 1, 1, 7, 16)
    assert sent(h, 1).abs().square().mean().item() == pytest.approx(1, rel=1e-5)


def test_presets():
    assert read(LinkConfig, "link", "default") == LinkConfig()
    assert read(LinkConfig, "link", "quick", ["streams=1"]).blocks < LinkConfig().blocks
    assert read(LinkConfig, "link", "nr30").subcarriers == 288
    with pytest.raises(DataError, match="presets are default, nr30, quick"):
        read(LinkConfig, "link", "none")


def test_on_the_command_line(monkeypatch, capsys, run, measured, tmp_path):
    data = replace(measured, rx_array=ArrayGeometry(columns=4))
    write(data[:200], tmp_path / "m.h5")
    settings = ["blocks=64", "errors=20", "step_db=4", "draws=150", "batch=32", "estimators=[ls]"]
    words = ["link", str(tmp_path / "m.h5"), str(run.directory), "-o", str(tmp_path / "out")]
    words += [w for s in settings for w in ("--set", s)]
    code, text, err = call(monkeypatch, capsys, *words, "--json")
    assert (code, err) == (0, "")
    told = json.loads(text)
    assert [c["name"] for c in told["contenders"]] == [
        "measured", "generated", "tdl", "cdl", "rayleigh"
    ]  # fmt: skip
    assert told == json.loads((tmp_path / "out" / "link.json").read_text())
    assert (tmp_path / "out" / "link.png").read_bytes().startswith(b"\x89PNG")
    assert set(told["contenders"][1]["gap_db"]["ls"]) == {"0.1", "0.01"}
    code, _, err = call(monkeypatch, capsys, *words, "--set", "streams=2")
    assert code == 1 and err.count("\n") == 1 and "fewer streams" in err


def test_one_frequency_is_a_link_too(tmp_path):
    h = paths(100).h[..., :1]
    narrow = ChannelDataset(h, np.zeros(1), rx_array=ArrayGeometry(columns=4))
    config = SMALL.model_copy(update={"subcarriers": 12, "subcarrier_spacing": 15e3})
    found = compare_links(narrow, narrow, config.model_copy(update={"rivals": ("tdl",)}))
    assert len(found) == 3
