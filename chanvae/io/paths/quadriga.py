"""QuaDRiGa's HDF5 files (quadriga-lib): channels of snapshots, each with paths of its own."""

from __future__ import annotations

import re

import numpy as np

from chanvae.errors import DataError
from chanvae.io.paths.links import Held, Links
from chanvae.io.said import plain
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source

LAYOUT = "QuaDRiGa HDF5 (quadriga-lib)"
_SNAPSHOT = re.compile(r"/channel_(\d+)/Snap_(\d+)/coeff_re")


def recognised(source: Source) -> bool:
    """Whether a file has the index of channels that quadriga-lib writes."""
    return source.file is not None and {"/ChannelDims", "/Order"} <= source.arrays.keys()


def links(source: Source) -> Links:
    """The links of a file that :func:`recognised` knows; every snapshot is a realisation.

    A snapshot holds ``coeff_re``, ``coeff_im`` and ``delay``, column-major ``[rx, tx, path]``,
    which HDF5 shows as ``[path, tx, rx]``; the number of paths varies. Snapshots of one channel
    are a trajectory: the group ``channel`` keeps them together.

    Raises:
        DataError: There are no snapshots with coefficients, or their antennas or carriers differ.
    """
    names = sorted(
        (int(match[1]), int(match[2]), name)
        for name in source.arrays
        if (match := _SNAPSHOT.fullmatch(name))
    )
    if not names:
        raise DataError(
            f"{source.path}: its channels hold no coeff_re; write them with their coefficients"
        )
    snapshots = [_snapshot(source, name) for *_, name in names]
    antennas = {amplitude.shape[:2] for amplitude, _ in snapshots}
    if len(antennas) > 1:
        raise DataError(
            f"{source.path}: channels of {len(antennas)} numbers of antennas (rx, tx), "
            f"{sorted(antennas)}; keep one in a file"
        )
    count = max(amplitude.shape[-1] for amplitude, _ in snapshots)
    wide = any(delay.shape[:2] != (1, 1) for _, delay in snapshots)
    rx, tx = antennas.pop()
    amplitude = np.zeros((len(names), rx, tx, count), np.complex128)
    delay = np.zeros((len(names), rx if wide else 1, tx if wide else 1, count))
    for k, (values, late) in enumerate(snapshots):  # each is an array of its own in the file
        amplitude[k, ..., : values.shape[-1]] = values
        delay[k, ..., : late.shape[-1]] = late
    said = _carriers(source, names)
    return Links(
        layout=LAYOUT,
        array=names[0][2].removesuffix("_re"),
        file_shape=(len(names), rx, tx, count),
        paths=Held(amplitude[..., None], delay),
        shape=(len(names), rx, tx, 1),
        count=count,
        carrier=said,
        labels={
            "channel": np.array([channel for channel, *_ in names]),
            "snapshot": np.array([snapshot for _, snapshot, _ in names]),
        },
        groups=("channel",),
        assumed=(
            "every snapshot is a realisation; the group channel keeps the snapshots of one "
            "trajectory together, --group random none",
        ),
        said={"snapshots": len(names), "channels": len({channel for channel, *_ in names})},
    )


def _snapshot(source: Source, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes ``[rx, tx, path]`` and delays ``[rx or 1, tx or 1, path]`` of a snapshot."""
    room = name.removesuffix("coeff_re")
    parts = [_member(source, room + part) for part in ("coeff_re", "coeff_im", "delay")]
    real, imag, delay = (np.asarray(part.read(), np.float64).T for part in parts)
    if real.ndim != 3 or imag.shape != real.shape or delay.shape[-1:] != real.shape[-1:]:
        raise DataError(
            f"{source.path}: {room}: coeff_re {real.shape}, coeff_im {imag.shape} and delay "
            f"{delay.shape} do not fit; each is (rx, tx, path)"
        )
    if delay.ndim != 3 or delay.shape[:2] not in ((1, 1), real.shape[:2]):
        raise DataError(f"{source.path}: {room}delay: has shape {delay.shape}; (rx, tx, path)")
    return real + 1j * imag, delay


def _member(source: Source, name: str) -> SourceArray:
    if name not in source.arrays:
        raise DataError(f"{source.path}: {name} is missing; write the channel again")
    return source.arrays[name]


def _carriers(source: Source, names: list[tuple[int, int, str]]) -> float:
    """The one carrier of all channels [Hz]; NaN where they do not say it."""
    if source.file is None:
        return float("nan")
    channels = sorted({channel for channel, *_ in names})
    said = [plain(source.file[f"channel_{c}"].attrs.get("CenterFrequency")) for c in channels]
    found = {float(np.ravel(value)[0]) for value in said if value is not None}
    if len(found) > 1:
        raise DataError(
            f"{source.path}: channels at {len(found)} carriers; keep one carrier in a file"
        )
    return found.pop() if found else float("nan")
