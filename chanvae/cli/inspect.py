"""``chanvae inspect``: what is in a file, how it was read, and its statistics."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

import click

from chanvae.cli.reading import load_options, reading_options

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset
    from chanvae.io.layouts import Reading

_AXES = ("rx", "tx", "time", "freq")
_QUANTILES = ("median", "p10", "p90")


@click.command("inspect")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, in SI units.")
def command(files: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """What is in FILE, how it is read and what is assumed, and its statistics.

    Several files, or a pattern such as 'day*.h5', are one set.
    """
    from chanvae.io.describe import describe, statistics
    from chanvae.io.read import load, reading

    options = load_options(given)
    file = ", ".join(files)
    how = reading(files, **{k: v for k, v in options.items() if k != "drop_invalid"})
    dataset = load(files, **options)
    described = describe(file, how, dataset, statistics(dataset, _progress))
    if as_json:
        click.echo(json.dumps(described, indent=2, allow_nan=False))
    else:
        click.echo("\n".join(_lines(file, how, dataset, described)))


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty() and of > 4:
        click.echo(f"\rstatistics {100 * done // of:3d} %", err=True, nl=False)
        click.echo("\r\x1b[K" * (done == of - 1), err=True, nl=False)


def _lines(
    file: str, how: Reading, dataset: ChannelDataset, described: dict[str, Any]
) -> list[str]:
    """The same for people."""
    from chanvae.signal.pipeline import signal_lines

    n, *rest = dataset.shape
    lengths = " x ".join(f"{k} {name}" for k, name in zip(rest, _AXES, strict=True))
    rows = [
        ("read as", how.layout),
        ("array", f"{how.array} {how.file_shape} = {', '.join(how.axes)}"),
        ("numbers", how.numbers),
        *([("files", ", ".join(how.files))] if how.files else []),
        *_grid(how, dataset),
        ("carrier", _known(dataset.meta.carrier_frequency, "Hz")),
        ("rx array", str(dataset.rx_array)),
        ("tx array", str(dataset.tx_array)),
        ("groups", ", ".join(f"{k} ({v} values)" for k, v in described["groups"].items())),
        ("conditions", ", ".join(f"{k} [{v}]" for k, v in described["conditions"].items())),
        ("other labels", ", ".join(f"{la.name} ({la.dtype})" for la in how.labels if not la.role)),
        ("normalisation", dataset.meta.normalization),
        *_origin(dataset.meta.provenance),
    ]
    lines = [f"{file}: {n:,} realisations of {lengths}"]
    lines += [f"  {name:<14}{value or 'none'}" for name, value in rows]
    if done := signal_lines(dataset):
        lines += ["", "done to the channels", *(f"  - {line}" for line in done)]
    if described["hints"]:
        lines += ["", "hints", *(f"  - {line}" for line in described["hints"])]
    if how.assumptions:
        lines += ["", "assumed", *(f"  - {sentence}" for sentence in how.assumptions)]
    if how.options:
        lines += ["", "the same with all of it said", "  " + " ".join(how.options)]
    of = described["statistics_realisations"]
    title = "statistics" if of == n else f"statistics of {of:,} realisations, evenly spaced"
    lines += ["", f"{title:<22}{'median':>12}{'10 %':>12}{'90 %':>12}"]
    for name, summary in described["statistics"].items():
        values = [_shown(summary[k], summary["unit"]) for k in _QUANTILES]
        lines.append(f"  {name.replace('_', ' '):<20}" + "".join(f"{v:>12}" for v in values))
    return lines


def _grid(how: Reading, dataset: ChannelDataset) -> list[tuple[str, str]]:
    """Taps or subcarriers, and the band they span."""
    from chanvae.units import show

    count = len(how.freq)
    if count == 1:
        return [("grid", "a single frequency")]
    if how.domain == "delay":
        rows = [("grid", f"{count} taps, {show(how.spacing, 's', 5)} apart, read into frequency")]
    else:
        rows = [("grid", f"{count} subcarriers, {show(how.spacing, 'Hz', 5)} apart")]
        spacing = float(how.freq[-1] - how.freq[0]) / (count - 1)
        if not math.isclose(spacing, how.spacing, rel_tol=1e-6):
            mean = show(spacing, "Hz", 5)
            rows = [
                ("grid", f"{count} subcarriers at their true frequencies, {mean} apart on average")
            ]
    band = show(dataset.bandwidth, "Hz")
    if math.isfinite(how.stated_bandwidth):
        band += f"; stated: {show(how.stated_bandwidth, 'Hz')}"
    return [*rows, ("bandwidth", band)]


def _origin(provenance: Any) -> list[tuple[str, str]]:
    known = ("source", "licence", "attribution", "command", "sha256", "dropped_realisations")
    rows = [(k.replace("_realisations", ""), provenance[k]) for k in known if k in provenance]
    return [(name, _said(value)) for name, value in rows]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} with {fault}" for fault, count in value.items())
    return str(value)


def _known(value: float, unit: str) -> str:
    from chanvae.units import show

    return show(value, unit, 5) if math.isfinite(value) else "unknown"


def _shown(value: float | None, unit: str) -> str:
    """A statistic as people write it; linear power in decibels."""
    from chanvae.units import show

    if value is None:
        return "undefined"
    if unit != "1":
        return show(value, unit)
    return f"{10 * math.log10(value):.1f} dB" if value > 0 else "-inf dB"
