"""A file of channels in one JSON object: what is in it, how it was read, its statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from chanvae.axes import AXES
from chanvae.channels import ChannelDataset
from chanvae.io.layouts import Reading
from chanvae.signal.lazy import sample
from chanvae.signal.normalization import noise_power
from chanvae.signal.pipeline import hints

MOST = 20_000
"""Statistics of a larger set are those of this many realisations, evenly spaced."""
_BATCH = 1 << 24
QUANTILES = {"median": 0.5, "p10": 0.1, "p90": 0.9}


def statistics(
    dataset: ChannelDataset, progress: Callable[[int, int], None] = lambda done, of: None
) -> dict[str, np.ndarray]:
    """Statistics of each realisation, as far as the set allows them.

    Args:
        dataset: The set, read a batch at a time.
        progress: Called with the number of batches done and in all.

    Returns:
        Name -> value of each of at most ``MOST`` realisations, in SI units, linear power.
    """
    import torch

    from chanvae.stats.angle import angular_spread
    from chanvae.stats.delay import delay_spread
    from chanvae.stats.fading import gain, k_factor

    freq = torch.as_tensor(dataset.freq, dtype=torch.float64)
    wanted: dict[str, Any] = {"gain": lambda h, _: gain(h)}
    if math.prod(dataset.shape[1:]) > 1:
        wanted["k_factor"] = lambda h, _: k_factor(h)
    if len(freq) > 1:
        wanted["delay_spread"] = lambda h, noise: delay_spread(h, freq, noise=noise)
    if dataset.rx_array.size > 1:
        wanted["angular_spread_rx"] = lambda h, _: angular_spread(h, dataset.rx_array, "rx")
    if dataset.tx_array.size > 1:
        wanted["angular_spread_tx"] = lambda h, _: angular_spread(h, dataset.tx_array, "tx")
    rows, noise = sample(dataset, MOST), torch.as_tensor(noise_power(dataset))
    parts = np.array_split(rows, math.ceil(len(rows) * 8 * math.prod(dataset.shape[1:]) / _BATCH))
    found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    for k, part in enumerate(parts):
        progress(k, len(parts))
        h = torch.as_tensor(dataset.h[part])
        for name, of in wanted.items():
            found[name].append(of(h, noise[part]).double().numpy())
    return {name: np.concatenate(values) for name, values in sorted(found.items())}


def describe(
    file: str, how: Reading, dataset: ChannelDataset, found: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """What is in a file, how it was read, and quantiles of its statistics.

    Args:
        file: Its name.
        how: How it was read.
        dataset: What was read.
        found: What :func:`statistics` found.

    Returns:
        What JSON can hold; quantities have their SI unit beside them, ``None`` is unknown.
    """

    def quantity(value: float, unit: str) -> dict[str, Any]:
        return {"value": value, "unit": unit}

    units = {"delay_spread": "s", "angular_spread_rx": "rad", "angular_spread_tx": "rad"}
    summaries = {
        name: {
            **{k: float(np.quantile(values, q, method="nearest")) for k, q in QUANTILES.items()},
            "unit": units.get(name, "1"),
        }
        for name, values in found.items()
    }
    return _finite(
        {
            "file": file,
            "realisations": len(dataset),
            "shape": dict(zip(AXES, dataset.shape, strict=True)),
            "reading": {
                "layout": how.layout,
                "array": how.array,
                "file_shape": how.file_shape,
                "axes": how.axes,
                "numbers": how.numbers,
                "files": how.files,
                "domain": how.domain,
                "spacing": quantity(how.spacing, "s" if how.domain == "delay" else "Hz"),
                "bandwidth": quantity(dataset.bandwidth, "Hz"),
                "stated_bandwidth": quantity(how.stated_bandwidth, "Hz"),
                "carrier": quantity(dataset.meta.carrier_frequency, "Hz"),
                "rx_array": asdict(dataset.rx_array),
                "tx_array": asdict(dataset.tx_array),
                "labels": [asdict(label) for label in how.labels],
                "assumptions": how.assumptions,
                "options": how.options,
            },
            "groups": {name: len(np.unique(values)) for name, values in dataset.groups.items()},
            "conditions": dict(dataset.condition_units),
            "normalization": dataset.meta.normalization,
            "noise_floor": quantity(dataset.meta.noise_floor, "1"),
            "provenance": dict(dataset.meta.provenance),
            "hints": hints(dataset),
            "statistics": summaries,
            "statistics_realisations": min(len(dataset), MOST),
        }
    )


def _finite(value: Any) -> Any:
    """The same with ``null`` for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
