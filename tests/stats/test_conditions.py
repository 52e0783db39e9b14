import numpy as np
import pytest
import torch

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset, Meta
from chanvae.stats.angle import ANGULAR_SPREAD_DEFINITION, angular_spread
from chanvae.stats.conditions import channel_conditions, with_channel_conditions
from chanvae.stats.delay import DELAY_SPREAD_DEFINITION, delay_spread


def dataset(rx=4, tx=2, freq=8, n=11, **keywords):
    rng = np.random.default_rng(0)
    h = rng.normal(size=(n, rx, tx, 1, freq, 2)).astype(np.float32).view(np.complex64)[..., 0]
    return ChannelDataset(
        h=h,
        freq=(np.arange(freq) - freq // 2) * 1e6,
        rx_array=ArrayGeometry.line(rx),
        tx_array=ArrayGeometry.line(tx),
        **keywords,
    )


def test_conditions_come_with_units_and_definitions():
    data = with_channel_conditions(dataset())
    assert dict(data.condition_units) == {"delay_spread": "s", "angular_spread": "rad"}
    assert data.meta.delay_spread_definition == DELAY_SPREAD_DEFINITION
    assert data.meta.angular_spread_definition == ANGULAR_SPREAD_DEFINITION
    h, freq = data.tensor(), torch.as_tensor(data.freq)
    np.testing.assert_array_equal(data.conditions["delay_spread"], delay_spread(h, freq))
    np.testing.assert_array_equal(
        data.conditions["angular_spread"], angular_spread(h, data.rx_array)
    )


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_chunks_do_not_change_the_conditions(batch):
    whole, parts = with_channel_conditions(dataset()), with_channel_conditions(dataset(), batch)
    for name in ("delay_spread", "angular_spread"):
        # The order of summation may differ with the batch, nothing else.
        np.testing.assert_allclose(parts.conditions[name], whole.conditions[name], rtol=1e-6)


def test_other_conditions_stay_and_foreign_spreads_are_computed_anew():
    foreign = {"delay_spread": np.full(11, 7.0), "simulated_delay_spread": np.arange(11.0)}
    units = {"delay_spread": "ns", "simulated_delay_spread": "s"}
    meta = Meta(carrier_frequency=3.5e9, delay_spread_definition="theirs")
    before = dataset(conditions=foreign, condition_units=units, meta=meta)
    after = with_channel_conditions(before)
    assert after.condition_units["delay_spread"] == "s"
    assert (after.conditions["delay_spread"] < 1e-6).all()
    assert after.meta.delay_spread_definition == DELAY_SPREAD_DEFINITION
    assert after.meta.carrier_frequency == 3.5e9
    np.testing.assert_array_equal(after.conditions["simulated_delay_spread"], np.arange(11.0))
    assert before.conditions["delay_spread"][0] == 7.0, "the argument is not changed"


@pytest.mark.parametrize(
    ("rx", "tx", "freq", "names"),
    [
        (4, 1, 8, {"delay_spread", "angular_spread"}),
        (1, 4, 8, {"delay_spread", "angular_spread"}),
        (1, 1, 8, {"delay_spread"}),
        (4, 1, 1, {"angular_spread"}),
        (1, 1, 1, set()),
    ],
)
def test_only_what_the_channels_have(rx, tx, freq, names):
    data = dataset(rx, tx, freq)
    assert set(with_channel_conditions(data).conditions) == names


def test_the_receive_end_comes_first_then_the_transmit_end():
    h, freq = dataset(4, 4).tensor(), torch.arange(8.0)
    line, single = ArrayGeometry.line(4), ArrayGeometry()
    both = channel_conditions(h, freq, line, line)["angular_spread"]
    torch.testing.assert_close(both, angular_spread(h, line, "rx"))
    only_tx = channel_conditions(h[:, :1], freq, single, line)["angular_spread"]
    torch.testing.assert_close(only_tx, angular_spread(h[:, :1], line, "tx"))


def test_an_empty_set_has_no_conditions():
    assert dict(with_channel_conditions(dataset(n=0)).conditions) == {}
