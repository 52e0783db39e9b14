"""Channels simulated by Sionna's 3GPP TR 38.901 models."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.io.scenarios import SCENARIOS


@dataclass(frozen=True)
class Simulation:
    """What to simulate: an uplink from one outdoor user to one sector, antennas at both ends.

    Args:
        scenario: One of :data:`SCENARIOS`, as 3GPP writes it.
        carrier: Carrier frequency [Hz].
        bandwidth: Bandwidth [Hz], cut into ``subcarriers``.
        subcarriers: Number of frequencies.
        rx_array: Array at the base station, elements of TR 38.901 clause 7.3.
        tx_array: Array of the user, omnidirectional elements.
        unit_power: Scale every realisation to mean power one, instead of keeping path loss and
            shadow fading.
    """

    scenario: str = "UMi"
    carrier: float = 3.5e9
    bandwidth: float = 100e6
    subcarriers: int = 64
    rx_array: ArrayGeometry = field(default_factory=lambda: ArrayGeometry(columns=16))
    tx_array: ArrayGeometry = field(default_factory=ArrayGeometry)
    unit_power: bool = False

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise DataError(f"scenario {self.scenario!r}: choose from {', '.join(SCENARIOS)}")
        for name in ("carrier", "bandwidth", "subcarriers"):
            if getattr(self, name) <= 0:
                raise DataError(f"{name} must be positive")

    @property
    def spacing(self) -> float:
        """Subcarrier spacing [Hz]."""
        return self.bandwidth / self.subcarriers

    def command(self, n: int, seed: int) -> str:
        """The command that simulates the same."""
        arrays = (f"{a.rows}x{a.columns}" for a in (self.rx_array, self.tx_array))
        words = (
            f"chanvae simulate {self.scenario} -n {n} --seed {seed} --carrier {self.carrier:g}Hz",
            f"--bandwidth {self.bandwidth:g}Hz --subcarriers {self.subcarriers}",
            "--rx-array {} --tx-array {}".format(*arrays),
        )
        return " ".join(words) + " --unit-power" * self.unit_power


def simulate(
    setup: Simulation, n: int, seed: int = 0, batch: int = 500
) -> Iterator[ChannelDataset]:
    """Draw channels from a Sionna scenario, a batch in memory at a time.

    Args:
        setup: Scenario, grid and arrays.
        n: Number of realisations.
        seed: Seed of Sionna's generators; batch ``k`` draws from ``(seed, k)``.
        batch: Realisations per step.

    Yields:
        Sets of at most ``batch`` realisations with the condition ``los``.

    References:
        3GPP TR 38.901 V19.2, clause 7.5; Sionna 2.2.
    """
    import torch

    draw = None
    for k, start in enumerate(range(0, n, batch)):
        # Importing and seeding Sionna seeds torch's global generator, which is not ours to change.
        with torch.random.fork_rng(devices=[]):
            draw = draw or _scenario(setup, batch)
            h, los = draw(int(np.random.SeedSequence((seed, k)).generate_state(1)[0]))
        size = min(batch, n - start)
        yield ChannelDataset(
            h=h[:size],
            freq=(np.arange(setup.subcarriers) - setup.subcarriers // 2) * setup.spacing,
            conditions={"los": los[:size]},
            condition_units={"los": "1"},
            rx_array=setup.rx_array,
            tx_array=setup.tx_array,
            meta=Meta(
                carrier_frequency=setup.carrier,
                normalization="unit_power_per_realisation" if setup.unit_power else "none",
                provenance={
                    "source": f"Sionna {version('sionna')} {setup.scenario}",
                    "command": setup.command(n, seed),
                    "seed": seed,
                },
            ),
        )


def _scenario(setup: Simulation, batch: int) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """A function from a seed to channels complex64 ``[batch, rx, tx, 1, freq]`` and LOS states."""
    import sionna.phy
    import torch
    from sionna.phy.channel import (
        cir_to_ofdm_channel,
        gen_single_sector_topology,
        subcarrier_frequencies,
    )
    from sionna.phy.channel.tr38901 import RMa, UMa, UMi

    rx, rx_order = _panel(setup.rx_array, "38.901", setup.carrier)
    tx, tx_order = _panel(setup.tx_array, "omni", setup.carrier)
    options = {} if setup.scenario == "RMa" else {"o2i_model": "low"}
    model = {"UMi": UMi, "UMa": UMa, "RMa": RMa}[setup.scenario](
        carrier_frequency=setup.carrier,
        ut_array=tx,
        bs_array=rx,
        direction="uplink",
        enable_pathloss=not setup.unit_power,
        enable_shadow_fading=not setup.unit_power,
        **options,
    )
    frequencies = subcarrier_frequencies(setup.subcarriers, setup.spacing)

    def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
        sionna.phy.config.seed = seed
        topology = gen_single_sector_topology(
            batch, 1, setup.scenario.lower(), indoor_probability=0.0
        )
        model.set_topology(*topology)
        a, tau = model(1, setup.bandwidth)
        h = cir_to_ofdm_channel(frequencies, a, tau)[:, 0, :, 0, :, :, :]
        h = h[:, rx_order][:, :, tx_order]
        if setup.unit_power:
            h = h / h.abs().square().mean(dim=(1, 2, 3, 4), keepdim=True).sqrt()
        los = model._scenario.los[:, 0, 0]  # Sionna has no public name for it
        return h.to(torch.complex64).cpu().numpy(), los.cpu().numpy().astype(np.int64)

    return draw


def _panel(array: ArrayGeometry, pattern: str, carrier: float):
    """A Sionna panel and the order that puts its antennas as ``ArrayGeometry`` numbers them."""
    from sionna.phy.channel.tr38901 import PanelArray

    dual = array.polarizations == 2
    panel = PanelArray(
        num_rows_per_panel=array.rows,
        num_cols_per_panel=array.columns,
        polarization="dual" if dual else "single",
        polarization_type="cross" if dual else "V",
        antenna_pattern=pattern,
        carrier_frequency=carrier,
        element_vertical_spacing=array.row_spacing,
        element_horizontal_spacing=array.column_spacing,
    )
    where = np.round(panel.ant_pos.cpu().numpy() / (3e8 / carrier), 4)
    slant = np.zeros(array.size)
    if dual:
        slant[panel.ant_ind_pol2.cpu().numpy()] = 1
    return panel, np.lexsort((where[:, 1], -where[:, 2], slant)).copy()
