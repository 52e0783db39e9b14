"""The figures of the report; each takes an ``Axes`` and returns it."""

import io
import re
import zlib
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from chanvae.evaluate.distances import Estimate
from chanvae.evaluate.pictures import Pictures
from chanvae.evaluate.results import StatisticResult
from chanvae.evaluate.rows import Row

MEASURED, GENERATED, TEXT = "#0072b2", "#d55e00", "#010203"
"""Blue and vermilion of Okabe and Ito, and what stands for the colour of text."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "chanvae",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), TEXT
    ),
}

PEOPLE = {"s": (1e9, "ns"), "Hz": (1e-6, "MHz"), "rad": (180 / np.pi, "deg")}
"""SI unit -> factor and unit for an axis."""

RANGE_DB = 40.0
"""Range of the colours of angle-delay maps [dB]."""


def svg(plot: Callable[[Axes], Axes], width: float = 3.4, height: float = 2.4) -> str:
    """Draw a figure as inline SVG that follows the colours of the page.

    Args:
        plot: Draws on the axes it is given.
        width: Width [inch].
        height: Height [inch].
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        plot(figure.add_subplot())
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    for colour, name in ((MEASURED, "--measured"), (GENERATED, "--generated"), (TEXT, "--text")):
        text = text.replace(colour, f"var({name})")
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    # Images and clips are numbered anew in each figure, but a page has one space of names.
    mark = f"f{zlib.crc32(text.encode()):x}"
    text = re.sub(r'\bid="', f'id="{mark}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{mark}-", text)
    return re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="img"', text, count=1)


def cdf(axes: Axes, result: StatisticResult) -> Axes:
    """CDFs of one statistic of measured and generated over each other."""
    factor, unit = PEOPLE.get(result.unit, (1.0, result.unit))
    share = np.linspace(0, 1, len(result.measured.quantiles))
    for summary, colour, line, label in (
        (result.measured, MEASURED, "-", "measured"),
        (result.generated, GENERATED, "--", "generated"),
    ):
        values = factor * np.array(summary.quantiles)
        axes.plot(values, share, color=colour, linestyle=line, linewidth=1.6, label=label)
    both = np.array([result.measured.quantiles, result.generated.quantiles]) * factor
    low, high = both[:, 1].min(), both[:, -2].max()
    if high > low:
        axes.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))
    axes.set_xlabel(result.label + ("" if unit == "1" else f" [{unit}]"))
    axes.set_ylabel("CDF")
    axes.set_ylim(0, 1)
    axes.locator_params(axis="x", nbins=5)
    axes.legend(loc="lower right", fontsize=8)
    return axes


def profiles(axes: Axes, pictures: Pictures) -> Axes:
    """Mean power-delay profiles in dB relative to the strongest measured bin."""
    axes.set_xlabel("delay [ns]")
    return _levels(
        axes, 1e9 * pictures.delay, pictures.measured_profile, pictures.generated_profile, -60
    )


def spectra(axes: Axes, pictures: Pictures) -> Axes:
    """Mean angular power spectra at the receiver, in dB relative to the strongest measured bin."""
    axes.set_xlabel("angle at rx [deg]")
    seen = pictures.measured_spectrum > 0
    return _levels(
        axes,
        np.degrees(pictures.angle[seen]),
        pictures.measured_spectrum[seen],
        pictures.generated_spectrum[seen],
        -40,
    )


def _levels(
    axes: Axes, place: np.ndarray, measured: np.ndarray, generated: np.ndarray, least: float
) -> Axes:
    peak = measured.max()
    for power, colour, line, label in (
        (measured, MEASURED, "-", "measured"),
        (generated, GENERATED, "--", "generated"),
    ):
        level = _decibel(power / peak)
        axes.plot(place, level, color=colour, linestyle=line, linewidth=1.4, label=label)
    axes.set_ylabel("mean power [dB]")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], least))
    axes.legend(fontsize=8)
    return axes


def floors(axes: Axes, rows: list[Row]) -> Axes:
    """How many times the floor generated channels and baselines are apart from measured ones."""
    places = np.arange(len(rows))[::-1]
    axes.axvspan(1e-3, 1, color=TEXT, alpha=0.08, linewidth=0)
    own = [_times(row, row.distance) for row in rows]
    for label, mark, times in (
        ("training data", "|", [_times(row, row.baselines.get("resampled")) for row in rows]),
        ("best baseline", "x", [_times(row, row.best and row.best[1]) for row in rows]),
    ):
        axes.plot(times, places, mark, color=TEXT, alpha=0.7, markersize=5, label=label)
    axes.plot(own, places, "o", color=GENERATED, markersize=4, label="generated")
    axes.set_xscale("log")
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(0.1, 1.3 * max([2.0, *(t for t in own if np.isfinite(t))]))
    axes.set_yticks(places, [row.label for row in rows], fontsize=6)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("times the floor")
    axes.legend(
        fontsize=6,
        loc="lower center",
        bbox_to_anchor=(0.2, 1.0),
        ncols=3,
        columnspacing=0.6,
        handletextpad=0.1,
    )
    return axes


def _times(row: Row, distance: Estimate | None) -> float:
    if distance is None or row.floor is None:
        return float("nan")
    return max(distance.value / max(row.floor.high, 1e-12), 0.1)


def angle_delay(
    axes: Axes,
    power: np.ndarray,
    delay: np.ndarray,
    peak: float,
    color: str,
    scale: bool = True,
) -> Axes:
    """One angle-delay map in dB; a line over delay where there is one antenna.

    Args:
        axes: Where to draw.
        power: Linear power ``[angle, delay]``.
        delay: Delay bins [s].
        peak: Power that is 0 dB, the same for all maps.
        color: Colour of the line.
        scale: Draw the scale of the colours beside it.
    """
    level = _decibel(power / peak)
    axes.set_xlabel("delay [ns]")
    if len(power) == 1:
        axes.plot(1e9 * delay, level[0], color=color, linewidth=1)
        axes.set_ylim(-RANGE_DB, 2)
        axes.set_ylabel("power [dB]")
        return axes
    last = 1e9 * delay[-1] if len(delay) > 1 else 1.0
    image = axes.imshow(
        level,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(0, last, -0.5, len(power) - 0.5),
        vmin=-RANGE_DB,
        vmax=0,
        cmap="cividis",
    )
    if scale:
        axes.figure.colorbar(image, ax=axes, label="power [dB]")
    axes.set_ylabel("beam")
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    return axes


def _decibel(ratio: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(ratio, 1e-12))
