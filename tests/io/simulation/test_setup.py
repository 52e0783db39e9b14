"""What can be asked for, and what is said when it cannot."""

import shlex

import pytest

from chanvae.arrays import ArrayGeometry
from chanvae.cli.simulate import _setup, command
from chanvae.errors import DataError
from chanvae.io.scenarios import ALL, CITIES, LINES, SYSTEMS
from chanvae.io.simulation.setup import Simulation, Tracing


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"scenario": "UMx"}, r"did you mean UMi\? choose from UMi, UMa, RMa, InH"),
        ({"bandwidth": 0.0}, "bandwidth must be positive"),
        ({"bandwidth": 3e9, "carrier": 60e9}, "--bandwidth 3000MHz: the models hold up to 2 GHz"),
        ({"carrier": 0.1e9}, "--carrier 0.1GHz: the models hold from 0.5GHz to 100GHz"),
        ({"direction": "sidelink"}, "choose uplink or downlink"),
        ({"time_spacing": float("nan")}, "time_spacing must be positive and finite"),
        ({"speed": (-1.0, 1.0)}, "--speed: .* not negative"),
        ({"indoor": 1.5}, "a share is between 0 and 1"),
        ({"scenario": "CDL-A", "indoor": 0.2}, "CDL-A has no houses; it is for UMi, UMa, RMa"),
        ({"delay_spread": (1e-7, 1e-7)}, "UMi draws its delay spread itself; it is for TDL-A to"),
        ({"scenario": "TDLA30", "delay_spread": (1e-7, 1e-7)}, "TDLA30 has fixed delays"),
        ({"scenario": "TDL-A", "delay_spread": (0.0, 1e-7)}, "positive"),
        ({"scenario": "TDL-A", "speed": (1.0, 2.0)}, "TDL-A takes one speed, not a range"),
        ({"tracing": Tracing(grid=1.0)}, "are for rt:etoile and other ray-traced scenes; UMi"),
    ],
)
def test_what_cannot_be_simulated_is_said(given, says):
    with pytest.raises(DataError, match=says):
        Simulation(**given)


def test_a_grid_is_finer_than_its_area():
    with pytest.raises(DataError, match="--grid 5m, --area 2m"):
        Tracing(grid=5.0, area=2.0)


def test_names_may_be_typed_in_small_letters():
    assert Simulation("inf-hh").scenario == "InF-HH"
    assert len(set(ALL)) == len(SYSTEMS) + len(LINES) + len(CITIES)


@pytest.mark.parametrize(
    "setup",
    [
        Simulation(),
        Simulation("UMa", 28e9, 400e6, 128, ArrayGeometry(4, 8, 2), ArrayGeometry(columns=2)),
        Simulation("RMa", direction="downlink", indoor=0.25, speed=(1.0, 30.0), unit_power=True),
        Simulation("CDL-B", time_steps=14, time_spacing=7e-5, delay_spread=(3e-8, 3e-7)),
        Simulation(
            "rt:munich", tracing=Tracing((1.5, -2.0, 30.0), (10.0, 20.0), 50.0, 1.0, 1.0, 5)
        ),
    ],
    ids=lambda s: s.scenario,
)
def test_the_command_in_a_file_asks_for_the_same(setup):
    words = shlex.split(setup.command(10, 3))[2:]
    context = command.make_context("simulate", [*words, "-o", "x.h5"])
    assert _setup(context.params) == setup


def test_blocks_shrink_where_arrays_grow():
    assert Simulation().block == 500
    large = Simulation(rx_array=ArrayGeometry(8, 8, 2), tx_array=ArrayGeometry(columns=4))
    assert 1 <= large.block < 100
    assert Simulation("rt:munich").block == 50
