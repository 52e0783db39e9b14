"""Links of TR 38.901's scenarios: cells, offices and factories."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from chanvae.io.scenarios import CELLS, FACTORIES
from chanvae.io.simulation.drawn import Draw, Drawn
from chanvae.io.simulation.panels import DEVICE, panel, responder
from chanvae.io.simulation.setup import Simulation

if TYPE_CHECKING:
    from torch import Tensor

_OPEN = 8.0
"""Height of both ends in InF-HH [m], above any clutter; the standard leaves it open."""


def system(setup: Simulation, size: int) -> Draw:
    """A function from a block's number and seed to ``size`` links and what they were drawn from.

    In a cell the user is dropped in a sector; in an office or factory anywhere on the floor, and
    served by the nearest base station (in an office by its sector that looks at the user).

    References:
        3GPP TR 38.901 V19.2, clauses 7.2, 7.5 and 7.8; Sionna 2.2.
    """
    import sionna.phy
    import torch
    from sionna.phy.channel import tr38901

    name = setup.scenario
    pattern = "omni" if name in FACTORIES else "38.901"
    base, base_order = panel(setup.base_array, pattern, setup.carrier)
    user, user_order = panel(setup.user_array, "omni", setup.carrier)
    kind, _, variant = name.partition("-")
    own: dict[str, Any] = {
        "UMi": {"o2i_model": "low"},
        "UMa": {"o2i_model": "low"},
        "RMa": {},
        "InH": {"indoor_scenario": variant or "open"},
        "InF": {"factory_scenario": variant},
    }[kind]
    model = getattr(tr38901, kind)(
        carrier_frequency=setup.carrier,
        ut_array=user,
        bs_array=base,
        direction=setup.direction,
        enable_pathloss=not setup.unit_power,
        enable_shadow_fading=not setup.unit_power,
        device=DEVICE,
        **own,
    )
    ends = (base_order, user_order) if setup.uplink else (user_order, base_order)
    respond = responder(setup, *ends)
    drop = _cell(setup, size) if name in CELLS else _floor(setup, size)

    def draw(k: int, seed: int) -> Drawn:
        sionna.phy.config.seed = seed
        topology = drop()
        model.reset_topology()  # or houses would be as deep as in whatever block came before
        outdoors = k > 0 and name in CELLS and not setup.indoor
        given = {"distance_2d_in": torch.zeros(size, 1)} if outdoors else {}  # as 0.1.0 drew them
        model.set_topology(*topology, **given)
        labels = _truth(model, setup)
        if setup.indoor:
            labels["indoor"] = _numbers(topology[5]).astype(np.int64)
        if setup.speed[1]:
            labels["speed"] = np.linalg.norm(_numbers(topology[4]), axis=-1)
        return Drawn(respond(*model(setup.time_steps, 1 / setup.time_spacing)), labels)

    return draw


def _truth(model: Any, setup: Simulation) -> dict[str, np.ndarray]:
    """What the model drew for its links; Sionna has no public name for it, and says degrees."""
    drawn = model._lsp
    los = _numbers(model._scenario.los).astype(np.int64)
    arriving, leaving = ("d", "a") if setup.uplink else ("a", "d")  # Sionna thinks downlink
    degrees = {
        f"simulated_{plane}s{end}": _numbers(getattr(drawn, f"{plane}s{theirs}"))
        for plane in "az"
        for end, theirs in (("a", arriving), ("d", leaving))
    }
    return {
        "los": los,
        "simulated_delay_spread": _numbers(drawn.ds),
        **{name: np.deg2rad(value) for name, value in degrees.items()},
        "simulated_k_factor": np.where(los == 1, _numbers(drawn.k_factor), 0.0),
    }


def _cell(setup: Simulation, size: int) -> Callable[[], tuple[Tensor, ...]]:
    """Users of one sector each."""
    from sionna.phy.channel import gen_single_sector_topology

    low, high = setup.speed
    return lambda: gen_single_sector_topology(
        size,
        1,
        setup.scenario.lower(),
        indoor_probability=setup.indoor,
        min_ut_velocity=low,
        max_ut_velocity=high,
        device=DEVICE,
    )


def _floor(setup: Simulation, size: int) -> Callable[[], tuple[Tensor, ...]]:
    """Users anywhere on one floor, each alone with the base station that serves it."""
    import sionna.phy
    import torch
    from sionna.sys import gen_tr38901_indoor_factory_topology as factory
    from sionna.sys import gen_tr38901_indoor_office_topology as office

    kind, _, variant = setup.scenario.partition("-")

    def drop() -> tuple[Tensor, ...]:
        if kind == "InH":
            found = office(1, math.ceil(size / 36), device=DEVICE)
        elif variant == "HH":
            found = factory("SH", 1, size, bs_height=_OPEN, ut_height=_OPEN, device=DEVICE)
        else:
            found = factory(variant, 1, size, device=DEVICE)
        users, bases, turned, looks, moving, inside = (part[0] for part in found[:6])
        users, turned, moving, inside = (part[:size] for part in (users, turned, moving, inside))
        serving = _serving(users, bases, looks)
        draws = torch.rand((2, size), generator=sionna.phy.config.torch_rng(DEVICE))
        low, high = setup.speed
        pace, heading = low + (high - low) * draws[0], 2 * math.pi * draws[1]
        moving = torch.stack(
            (pace * heading.cos(), pace * heading.sin(), torch.zeros_like(pace)), -1
        )
        each = (users, bases[serving], turned, looks[serving], moving, inside)
        return tuple(part[:, None] for part in each)

    return drop


def _serving(users: Tensor, bases: Tensor, looks: Tensor) -> Tensor:
    """The nearest base station of each user, of its sectors the one that looks at the user."""
    import torch

    way = users[:, None, :2] - bases[:, :2]
    off = torch.atan2(way[..., 1], way[..., 0]) - looks[:, 0]
    distance = way.norm(dim=-1) - 1e-3 * off.cos()
    return distance.argmin(dim=1)


def _numbers(values: Tensor) -> np.ndarray:
    """One number a link, float64; vectors keep their last axis."""
    found = values.detach().cpu().numpy().astype(np.float64)
    return (
        found.reshape(len(found), -1)
        if found.ndim == 3 and found.shape[-1] == 3
        else (found.reshape(len(found)))
    )
