"""The options that say how a file is read, the same for every command that reads one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])
_QUANTITIES = {
    "carrier": "Hz",
    "bandwidth": "Hz",
    "subcarrier_spacing": "Hz",
    "tap_spacing": "s",
    "time_spacing": "s",
}
_AS_TYPED = (
    "array", "axes", "real", "imag", "amplitude", "phase", "phase_unit", "scale", "offset",
    "reshape", "subcarrier_index", "subcarriers", "pilots", "rx_array", "tx_array", "meta",
    "layout", "drop_invalid", "trusted",
)  # fmt: skip
_STEPS = ("fftshift", "mask", "independent_antennas", "remove_timing", "regrid", "normalization")
_KINDS = ("none", "unit_mean_power", "unit_power_per_realisation")
_OPTIONS = (
    click.option("--array", metavar="NAME", help="The array to read, where there are several."),
    click.option(
        "--axes",
        metavar="A,B,...",
        help="Its axes in order: n rx tx time freq delay iq rx_angle tx_angle, 1 for length 1.",
    ),
    click.option("--real", metavar="NAME", help="Array of real parts, with --imag."),
    click.option("--imag", metavar="[FILE:]NAME", help="Array of imaginary parts."),
    click.option("--amplitude", metavar="NAME", help="Array of amplitudes, with --phase."),
    click.option("--phase", metavar="[FILE:]NAME", help="Array of phases."),
    click.option("--phase-unit", type=click.Choice(("deg", "rad")), help="Unit of the phases."),
    click.option(
        "--scale", metavar="/NAME|*NAME|X", help="Divide or multiply by an array or a number."
    ),
    click.option("--offset", type=float, metavar="X", help="Taken from real and imaginary parts."),
    click.option(
        "--reshape", metavar="A,B,...", help="Lengths of the axes after the first, if flattened."
    ),
    click.option("--carrier", metavar="HZ", help="Carrier, such as 3.5GHz."),
    click.option("--bandwidth", metavar="HZ", help="Bandwidth that taps or subcarriers fill."),
    click.option("--subcarrier-spacing", metavar="HZ", help="Spacing of freq, such as 15kHz."),
    click.option(
        "--subcarrier-index", metavar="I,J,...", help="Subcarriers, such as -28..-2/2,-1,1..28."
    ),
    click.option("--tap-spacing", metavar="S", help="Spacing of delay, such as 1ns."),
    click.option(
        "--subcarriers", type=click.IntRange(1), help="Subcarriers that paths are summed on."
    ),
    click.option("--pilots", metavar="FILE", help="Pilots sent, for a recording of pilots."),
    click.option("--time-spacing", metavar="S", help="Spacing of time, such as 1ms."),
    click.option("--rx-array", metavar="RxC", help="Receive array, rows x columns, such as 1x16."),
    click.option("--tx-array", metavar="RxC", help="Transmit array, rows x columns."),
    click.option("--meta", metavar="FILE", help="A second file that says what this does not."),
    click.option("--layout", metavar="YAML", help="A layout: all of this in a file, or its name."),
    click.option(
        "--group", multiple=True, metavar="NAME", help="Label that keeps near copies together."
    ),
    click.option("--condition", multiple=True, metavar="NAME", help="Label to condition on."),
    click.option("--drop-invalid", is_flag=True, help="Go on without unusable realisations."),
    click.option(
        "--trusted", is_flag=True, help="The file may refer to other files and to filter plugins."
    ),
    click.option("--fftshift", is_flag=True, help="The frequencies lie in FFT order."),
    click.option(
        "--mask", metavar="0-5,32|auto", help="Leave out null and guard subcarriers, from 0."
    ),
    click.option(
        "--independent-antennas",
        type=click.Choice(("rx", "tx", "both")),
        help="Each antenna becomes a realisation.",
    ),
    click.option("--remove-timing", is_flag=True, help="Take out each packet's delay and phase."),
    click.option(
        "--band", metavar="LO..HI|auto", help="Frequencies to keep, such as -100MHz..100MHz."
    ),
    click.option("--regrid", is_flag=True, help="Interpolate uneven frequencies to an even grid."),
    click.option(
        "--noise-floor", metavar="DB|auto", help="Noise relative to the mean power: -20dB."
    ),
    click.option("--normalization", type=click.Choice(_KINDS), help="Scale the channels."),
)


def reading_options(command: _Command) -> _Command:
    """Add the reading options to a click command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def load_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`chanvae.load` takes, from what was typed.

    Args:
        given: The keyword arguments of the command; those of other options are left out.

    Raises:
        DataError: A quantity without its unit, or an array that is not rows x columns.
    """
    from chanvae.units import parse

    options: dict[str, Any] = {name: given[name] for name in _AS_TYPED}
    for name, unit in _QUANTITIES.items():
        typed = given[name]
        option = "--" + name.replace("_", "-")
        options[name] = None if typed is None else parse(typed, unit, option)
    options |= {name: given[name] for name in _STEPS}
    options |= {"band": _band(given["band"]), "noise_floor": _level(given["noise_floor"])}
    return {**options, "groups": tuple(given["group"]), "conditions": tuple(given["condition"])}


def _band(typed: str | None) -> str | list[float] | None:
    """``auto``, or two frequencies [Hz]."""
    from chanvae.errors import DataError
    from chanvae.units import parse

    if typed is None or typed == "auto":
        return typed
    ends = typed.split("..")
    if len(ends) != 2:
        raise DataError(f"--band {typed}: write auto, or two frequencies: -100MHz..100MHz")
    return [parse(end, "Hz", "--band") for end in ends]


def _level(typed: str | None) -> str | float | None:
    """``auto``, or a level [dB]."""
    from chanvae.units import parse

    return typed if typed is None or typed == "auto" else parse(typed, "dB", "--noise-floor")
