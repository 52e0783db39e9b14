"""What a set says about itself beside its numbers, as a few numbers and texts by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

import chanvae
from chanvae.channels import ChannelDataset
from chanvae.io.schema import POWERS, SCHEMA_VERSION


def header(dataset: ChannelDataset) -> dict[str, int | float | str]:
    """The root attributes of the file format, version 1.

    Args:
        dataset: The set.

    Returns:
        Name -> a number or a text; arrays, provenance and units of conditions are JSON.
    """
    meta = dataset.meta
    versions = {**meta.provenance.get("versions", {}), "chanvae": chanvae.__version__}
    return {
        "schema_version": SCHEMA_VERSION,
        "carrier_frequency": float(meta.carrier_frequency),
        "rx_array": dataset.rx_array.to_json(),
        "tx_array": dataset.tx_array.to_json(),
        "normalization": meta.normalization,
        **{name: value for name in POWERS if not np.isnan(value := getattr(meta, name))},
        "delay_spread_definition": meta.delay_spread_definition,
        "angular_spread_definition": meta.angular_spread_definition,
        "provenance": json.dumps({**meta.provenance, "versions": versions}, default=_plain),
    }


def units(dataset: ChannelDataset) -> str:
    """The unit of every condition as JSON, for formats without attributes."""
    return json.dumps(
        {name: dataset.condition_units.get(name, "1") for name in dataset.conditions}
    )


def _plain(value: Any) -> Any:
    """What JSON can hold of a value it does not know."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
