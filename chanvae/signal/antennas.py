"""Antennas whose mutual phase means nothing: each becomes a realisation of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.signal.lazy import mapped, noted

PARENT = "realisation"
"""The group that keeps antennas of one realisation together."""


@dataclass(frozen=True)
class _Apart:
    """Makes the antennas of one or both ends realisations."""

    rx: bool
    tx: bool

    def __call__(self, h: np.ndarray, _: np.ndarray) -> np.ndarray:
        n, rx, tx, time, freq = h.shape
        if self.tx and not self.rx:
            h = h.swapaxes(1, 2).reshape(n * tx, 1, rx, time, freq).swapaxes(1, 2)
            return h.astype(np.complex64, copy=False)
        return h.reshape(n * rx * (tx if self.tx else 1), 1, -1, time, freq)


def independent_antennas(
    dataset: ChannelDataset, which: Literal["rx", "tx", "both"]
) -> ChannelDataset:
    """The set with every antenna of one end, or every pair of antennas, as a realisation.

    Conditions and groups are repeated; the group ``realisation`` says which one each came from,
    so that a split keeps them together. What the file said of angles no longer holds.

    Raises:
        DataError: There is one antenna there already.
    """
    if which not in ("rx", "tx", "both"):
        raise DataError(f"--independent-antennas {which}: say rx, tx or both")
    n, rx, tx, time, freq = dataset.shape
    apart = _Apart(which in ("rx", "both"), which in ("tx", "both"))
    parts = (rx if apart.rx else 1) * (tx if apart.tx else 1)
    if parts == 1:
        raise DataError(
            f"--independent-antennas {which}: there is one antenna there; leave it out"
        )
    one = ArrayGeometry()
    conditions = {k: np.repeat(v, parts) for k, v in dataset.conditions.items()}
    conditions.pop("angular_spread", None)
    groups = {k: np.repeat(v, parts) for k, v in dataset.groups.items()}
    out = mapped(
        dataset,
        apart,
        shape=(1 if apart.rx else rx, 1 if apart.tx else tx, time, freq),
        parts=parts,
        conditions=conditions,
        groups={**groups, PARENT: np.repeat(np.arange(n), parts)},
        rx_array=one if apart.rx else dataset.rx_array,
        tx_array=one if apart.tx else dataset.tx_array,
    )
    ends = {"rx": "receive antenna", "tx": "transmit antenna", "both": "pair of antennas"}[which]
    said = f"every {ends} is a realisation: {n:,} became {len(out):,}"
    return noted(out, "independent_antennas", said, which=which, parts=parts)
