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
_AS_TYPED = ("array", "axes", "rx_array", "tx_array", "drop_invalid")
_OPTIONS = (
    click.option("--array", metavar="NAME", help="The array to read, where there are several."),
    click.option("--axes", metavar="A,B,...", help="Its axes in order: n rx tx time freq delay."),
    click.option("--carrier", metavar="HZ", help="Carrier, such as 3.5GHz."),
    click.option("--bandwidth", metavar="HZ", help="Bandwidth that taps or subcarriers fill."),
    click.option("--subcarrier-spacing", metavar="HZ", help="Spacing of freq, such as 15kHz."),
    click.option("--tap-spacing", metavar="S", help="Spacing of delay, such as 1ns."),
    click.option("--time-spacing", metavar="S", help="Spacing of time, such as 1ms."),
    click.option("--rx-array", metavar="RxC", help="Receive array, rows x columns, such as 1x16."),
    click.option("--tx-array", metavar="RxC", help="Transmit array, rows x columns."),
    click.option(
        "--group", multiple=True, metavar="NAME", help="Label that keeps near copies together."
    ),
    click.option("--condition", multiple=True, metavar="NAME", help="Label to condition on."),
    click.option("--drop-invalid", is_flag=True, help="Go on without unusable realisations."),
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
    return {**options, "groups": tuple(given["group"]), "conditions": tuple(given["condition"])}
