"""A file in chanvae's own format, with what the options say beside it."""

from __future__ import annotations

from dataclasses import replace

from chanvae.axes import AXES
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.io.layouts import Label, Reading
from chanvae.io.options import Options

_SAID_BY_OWN = (
    "array", "axes", "real", "imag", "amplitude", "phase", "phase_unit", "scale", "offset",
    "reshape", "tap_spacing", "subcarrier_spacing", "subcarrier_index", "time_spacing",
    "bandwidth", "subcarriers", "pilots", "meta", "layout",
)  # fmt: skip
"""Options about what a file in the format says itself."""


def own(
    path: str, options: Options, dataset: ChannelDataset, layout: str, array: str
) -> tuple[Reading, ChannelDataset]:
    """A file that says its own axes and grid; the rest may be overruled.

    Args:
        path: The file.
        options: What the user says.
        dataset: What the file holds.
        layout: Name of the format.
        array: Where its channels lie.

    Raises:
        DataError: An option says what the file says itself, or does not fit it.
    """
    said = [name.replace("_", "-") for name in _SAID_BY_OWN if getattr(options, name) is not None]
    if said:
        raise DataError(f"{path}: is in chanvae's format, which says it; leave --{said[0]} out")
    conditions, groups = dict(dataset.conditions), dict(dataset.groups)
    known = {**conditions, **groups}
    for name in (*(g for g in options.groups if g != "random"), *options.conditions):
        if name not in known:
            raise DataError(f"{path}: no label {name!r}; it has: {', '.join(known) or 'none'}")
    if options.groups:
        groups = {k: known[k] for k in (*options.groups, *groups) if k in known}
        groups = {} if "random" in options.groups else groups
    conditions |= {name: known[name] for name in options.conditions}
    units = {**dict.fromkeys(conditions, "1"), **dataset.condition_units}
    carrier = options.carrier or dataset.meta.carrier_frequency
    rx_array, tx_array = options.rx_array or dataset.rx_array, options.tx_array or dataset.tx_array
    try:
        dataset = replace(
            dataset,
            conditions=conditions,
            condition_units=units,
            groups=groups,
            meta=replace(dataset.meta, carrier_frequency=carrier),
            rx_array=rx_array,
            tx_array=tx_array,
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    roles = {**dict.fromkeys(groups, "group"), **dict.fromkeys(conditions, "condition")}
    how = Reading(
        layout=layout,
        array=array,
        file_shape=dataset.shape,
        axes=AXES,
        spacing=dataset.subcarrier_spacing,
        freq=dataset.freq,
        time=dataset.time,
        carrier=carrier,
        rx_array=rx_array,
        tx_array=tx_array,
        labels=tuple(Label(k, str(known[k].dtype), roles.get(k, "")) for k in known),
        attributes=dict(dataset.meta.provenance),
    )
    return how, dataset
