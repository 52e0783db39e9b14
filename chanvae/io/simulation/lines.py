"""Delay lines: the CDL of TR 38.901, and its TDL and those of TS 38.101-4."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chanvae.io.scenarios import FIXED
from chanvae.io.simulation.drawn import Draw, Drawn, spread
from chanvae.io.simulation.panels import DEVICE, panel, responder
from chanvae.io.simulation.setup import Simulation

NOMINAL = 100e-9
"""Delay spread where none was asked for [s]: "nominal" in TR 38.901, table 7.7.3-1."""


def lines(setup: Simulation, size: int) -> Draw:
    """A function from a block's number and seed to ``size`` realisations of a delay line.

    Delays are those of the profile times the delay spread, so a range of delay spreads is drawn
    by one model whose delays are stretched.

    References:
        3GPP TR 38.901 V19.2, clauses 7.7.1 and 7.7.2; TS 38.101-4 V19.2, Annex B.2; Sionna 2.2.
    """
    import sionna.phy
    import torch

    clustered = setup.scenario.startswith("CDL")
    respond, build = _clustered(setup) if clustered else _tapped(setup)
    low, high = setup.delay_spread or (NOMINAL, NOMINAL)

    def draw(k: int, seed: int) -> Drawn:
        sionna.phy.config.seed = seed
        rng = np.random.default_rng(seed)
        wanted = low * (high / low) ** rng.random(size)
        pace = rng.uniform(*setup.speed, size)
        model = build(pace, rng)
        a, tau = model(size, setup.time_steps, 1 / setup.time_spacing)
        if setup.scenario in FIXED:
            wanted = np.full(size, _number(model.delay_spread))
        else:
            tau = tau * torch.as_tensor(wanted / NOMINAL, dtype=tau.dtype)[:, None, None, None]
        labels = _truth(model, clustered, size) | {"simulated_delay_spread": wanted}
        if setup.speed[1]:
            labels["speed"] = pace
        return Drawn(respond(a, tau), labels)

    return draw


def _tapped(setup: Simulation):
    """What answers a TDL's paths, and what makes one; its antennas are independent."""
    from sionna.phy.channel.tr38901 import TDL

    name = setup.scenario.removeprefix("TDL").removeprefix("-")
    model = TDL(
        name,
        None if setup.scenario in FIXED else NOMINAL,
        setup.carrier,
        min_speed=setup.speed[0],
        num_rx_ant=setup.rx_array.size,
        num_tx_ant=setup.tx_array.size,
        device=DEVICE,
    )
    ends = (np.arange(array.size) for array in (setup.rx_array, setup.tx_array))
    return responder(setup, *ends), lambda pace, rng: model


def _clustered(setup: Simulation):
    """What answers a CDL's paths, and what makes one whose users move at the speeds given."""
    import torch
    from sionna.phy.channel.tr38901 import CDL

    base, base_order = panel(setup.base_array, "38.901", setup.carrier)
    user, user_order = panel(setup.user_array, "omni", setup.carrier)
    ends = (base_order, user_order) if setup.uplink else (user_order, base_order)

    def build(pace: np.ndarray, rng: np.random.Generator) -> CDL:
        heading = 2 * math.pi * rng.random(len(pace))
        way = np.stack((np.cos(heading), np.sin(heading), np.zeros_like(heading)), -1)
        return CDL(
            setup.scenario.removeprefix("CDL-"),
            NOMINAL,
            setup.carrier,
            ut_array=user,
            bs_array=base,
            direction=setup.direction,
            ut_velocity=torch.as_tensor(pace[:, None] * way, dtype=torch.float32),
            device=DEVICE,
        )

    return responder(setup, *ends), build


def _truth(model: Any, clustered: bool, size: int) -> dict[str, np.ndarray]:
    """The profile's K-factor and angular spreads, the same for each realisation."""
    if not clustered:
        found = {"los": int(model.los), "simulated_k_factor": _ricean(model) if model.los else 0}
        return {name: np.full(size, value) for name, value in found.items()}
    k = _number(model._k_factor)  # Sionna has no public name for the profile
    rays = model._aoa.shape[-1]
    power = np.repeat(model._powers.cpu().numpy().astype(np.float64) / rays, rays)[None]
    found = {"los": int(model._has_los), "simulated_k_factor": k}
    for name in ("aoa", "aod", "zoa", "zod"):
        angle = getattr(model, f"_{name}").cpu().numpy().reshape(1, -1)
        weight = power
        if model._has_los:
            angle = np.append(angle, [[float(getattr(model, f"_los_{name}"))]], 1)
            weight = np.append(power, [[k]], 1)
        found[f"simulated_{name[0]}s{name[2]}"] = spread(weight, angle)[0]
    return {name: np.full(size, value) for name, value in found.items()}


def _number(value: Any) -> float:
    """One number of Sionna's, whose types promise less."""
    return float(value)


def _ricean(model: Any) -> float:
    """Power of the direct path over that of all others, as K is meant for a CDL and a scenario."""
    direct = float(model.mean_power_los)
    return direct / (float(model.mean_powers.sum()) - direct)
