"""A link comparison as JSON, as a figure, and as sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import chanvae
from chanvae.evaluate.figures import GENERATED, MEASURED, STYLE
from chanvae.files import whole
from chanvae.link.comparison import SNR_DB, TARGETS, Contender
from chanvae.link.settings import LinkConfig

_COLOURS = {
    "measured": MEASURED,
    "generated": GENERATED,
    "tdl": "#009e73",
    "cdl": "#cc79a7",
    "rayleigh": "#7f7f7f",
}
"""Colours of Okabe and Ito, and grey."""


def to_dict(contenders: Sequence[Contender], config: LinkConfig, seed: int) -> dict[str, Any]:
    """All figures, in what JSON has: numbers that are not finite become None."""
    found = {
        "schema_version": 1,
        "chanvae_version": chanvae.__version__,
        "seed": seed,
        "link": config.model_dump(mode="json"),
        "capacity_snr_db": list(SNR_DB),
        "contenders": [_contender(c) for c in contenders],
    }
    return _finite(found)


def _contender(contender: Contender) -> dict[str, Any]:
    capacity = contender.capacity
    return {
        "name": contender.name,
        "label": contender.label,
        "curves": {
            e: {
                "snr_db": c.snr_db.tolist(),
                "errors": c.errors.tolist(),
                "blocks": c.blocks.tolist(),
                "bler": c.bler.tolist(),
                "bler_interval": c.interval().tolist(),
                "throughput": c.throughput.tolist(),
                "snr_at_bler": {f"{t:g}": c.crossing(t) for t in TARGETS},
            }
            for e, c in contender.curves.items()
        },
        "gap_db": {
            e: {f"{g.target:g}": {"value": g.db, "low": g.low, "high": g.high} for g in gaps}
            for e, gaps in contender.gaps.items()
        },
        "capacity": {
            "ergodic": capacity.ergodic.tolist(),
            "standard_error": capacity.error.tolist(),
            "outage": {f"{k:g}": v.tolist() for k, v in capacity.outage.items()},
        },
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def save(
    contenders: Sequence[Contender], config: LinkConfig, seed: int, directory: str | Path
) -> tuple[Path, ...]:
    """Write ``link.json`` and ``link.png`` into a folder; what is there is replaced."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_dict(contenders, config, seed), indent=1, allow_nan=False) + "\n"
    with whole(folder / "link.json", overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
    with whole(folder / "link.png", overwrite=True) as temporary, mpl.rc_context(STYLE):
        _drawn(contenders, config).savefig(temporary, format="png", dpi=140)
    return folder / "link.json", folder / "link.png"


def _drawn(contenders: Sequence[Contender], config: LinkConfig) -> Figure:
    names = config.estimators
    figure = Figure(figsize=(3.4 * (len(names) + 1), 3.0), layout="constrained")
    axes = figure.subplots(1, len(names) + 1, squeeze=False)[0]
    for ax, estimator in zip(axes, names):
        errors(ax, contenders, estimator)
    capacities(axes[-1], contenders)
    axes[0].legend(fontsize=7, loc="lower left")
    return figure


def errors(axes: Axes, contenders: Sequence[Contender], estimator: str) -> Axes:
    """Block error rates against SNR with Wilson intervals."""
    for contender in contenders:
        curve = contender.curves[estimator]
        low, high = curve.interval().T
        colour = _COLOURS[contender.name]
        line = "-" if contender.name == "measured" else "--"
        seen = curve.errors > 0
        axes.semilogy(curve.snr_db[seen], curve.bler[seen], line, color=colour, marker=".",
                      markersize=4, linewidth=1.4, label=contender.label)  # fmt: skip
        axes.fill_between(curve.snr_db, np.maximum(low, 1e-4), high, color=colour, alpha=0.15,
                          linewidth=0)  # fmt: skip
    for target in TARGETS:
        axes.axhline(target, color="0.6", linewidth=0.6)
    axes.set_ylim(2e-3, 1.1)
    axes.set_xlabel("SNR per receive antenna [dB]")
    axes.set_ylabel("block error rate")
    axes.set_title(f"{estimator.upper()} estimation", fontsize=9)
    return axes


def capacities(axes: Axes, contenders: Sequence[Contender]) -> Axes:
    """Distribution of what a realisation could carry at 10 dB."""
    for contender in contenders:
        values = contender.capacity.at_10_db
        line = "-" if contender.name == "measured" else "--"
        share = (np.arange(len(values)) + 0.5) / len(values)
        axes.plot(values, share, line, color=_COLOURS[contender.name], linewidth=1.4)
    axes.set_xlabel("capacity at 10 dB [bit/s/Hz]")
    axes.set_ylabel("CDF")
    axes.set_ylim(0, 1)
    axes.set_title("outage", fontsize=9)
    return axes
