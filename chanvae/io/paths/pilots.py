"""RENEW and Argos recordings: received pilots, which become channels once the pilots are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import h5py
import numpy as np

from chanvae.errors import DataError
from chanvae.io.said import plain
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source, open_array, open_source
from chanvae.rows import Rows

LAYOUT = "RENEW/Argos pilots, least squares"
_FULL_SCALE = 32768.0
_NULL = 1e-6
"""Pilots weaker than this share of the strongest carry nothing."""


@dataclass(frozen=True, eq=False)
class PilotArray(Rows):
    """Least-squares channels of received pilots, complex64, computed as they are read.

    Args:
        path: The file.
        name: The samples in it: ``[frame, cell, pilot, antenna, sample]``, I and Q interleaved or
            on a last axis.
        shape: ``(n, rx, 1, 1, freq)``.
        each: Pilots of a frame: cells times pilots.
        start: Sample at which the first symbol begins, after its cyclic prefix.
        pilots: In FFT order ``[fft]``.
        used: Bins with a pilot, in ascending frequency.
        rows: Which of the pilots are taken.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    each: int
    start: int
    pilots: np.ndarray
    used: np.ndarray
    rows: np.ndarray = field(repr=False)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The realisations at ascending, distinct positions, in memory."""
        numbers = self.rows[rows]
        frames, inverse = np.unique(numbers // self.each, return_inverse=True)
        runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1) + 1) if len(frames) else []
        with open_array(self.path, self.name) as array:
            read = [array.read(0, int(run[0]), int(run[-1]) + 1) for run in runs]
        if not read:
            return np.empty(self.shape, self.dtype)[:0]
        samples = iq(np.concatenate(read))
        taken = samples[..., self.start : self.start + len(self.pilots)] / _FULL_SCALE
        found = np.fft.fft(taken)[..., self.used] / self.pilots[self.used]
        found = found.reshape(-1, self.shape[1], len(self.used))
        picked = found[inverse * self.each + numbers % self.each]
        return picked[:, :, None, None, :].astype(np.complex64)

    def take(self, rows: np.ndarray) -> PilotArray:
        """The realisations asked for (ascending indices), still to be read."""
        return replace(self, rows=self.rows[rows], shape=(len(rows), *self.shape[1:]))


@dataclass(frozen=True, eq=False)
class Recording:
    """What a recording with known pilots holds.

    Args:
        h: Its channels, in the file.
        array: Where the samples lie.
        file_shape: Their shape.
        freq: Baseband frequency [Hz].
        carrier: Carrier [Hz], or NaN.
        labels: ``frame``, ``cell`` and ``user`` of each realisation.
        said: Attributes of the recording.
        assumed: What was taken for certain.
    """

    h: PilotArray
    array: str
    file_shape: tuple[int, ...]
    freq: np.ndarray
    carrier: float
    labels: Mapping[str, np.ndarray]
    said: Mapping[str, Any]
    assumed: tuple[str, ...]


def samples_of(source: Source) -> SourceArray | None:
    """The received pilots of a recording, or ``None`` where a file is something else."""
    for name, array in source.arrays.items():
        if name.rsplit("/", 1)[-1] == "Pilot_Samples" and array.dtype == np.int16:
            return array
    return None


def iq(samples: np.ndarray) -> np.ndarray:
    """Complex samples ``[frame, cell, pilot, antenna, sample]`` of interleaved or paired int16."""
    parts = samples.astype(np.float64)
    if parts.ndim == 5:
        parts = parts.reshape(*parts.shape[:-1], -1, 2)
    return parts[..., 0] + 1j * parts[..., 1]


def recording(source: Source, samples: SourceArray, pilots: str | None) -> Recording:
    """A recording as channels: each received symbol over the pilot that was sent.

    Args:
        source: The file.
        samples: As :func:`samples_of` gives them.
        pilots: A file with the pilot at every bin of the FFT, 0 where there is none.

    Raises:
        DataError: The pilots are not given or do not fit; the recording does not say its timing.
    """
    where = f"{source.path}: {samples.name}"
    if pilots is None:
        raise DataError(
            f"{where} {samples.shape} holds received samples (int16), not channels: they are the "
            "pilots through the channel; add --pilots FILE with the pilot sent on every "
            "subcarrier, and they are divided by it"
        )
    shape = samples.shape
    if len(shape) not in (5, 6) or (len(shape) == 6 and shape[-1] != 2) or 0 in shape:
        raise DataError(
            f"{where}: has shape {shape}; expected (frame, cell, pilot, antenna, 2 x samples)"
        )
    sequence = _sequence(pilots)
    said = _said(source, samples)
    rate = _number(where, said, "RATE")
    start = int(_number(where, said, "PREFIX_LEN") + _number(where, said, "CP_LEN"))
    length = shape[-1] // 2 if len(shape) == 5 else shape[-2]
    if said.get("FFT_SIZE") is not None and int(np.ravel(said["FFT_SIZE"])[0]) != len(sequence):
        raise DataError(
            f"{pilots}: has {len(sequence)} pilots; the recording's FFT has "
            f"{int(np.ravel(said['FFT_SIZE'])[0])}: give one for each bin, 0 where there is none"
        )
    if start + len(sequence) > length:
        raise DataError(
            f"{where}: {length} samples are too few for a symbol of {len(sequence)} from sample "
            f"{start}; correct PREFIX_LEN, CP_LEN or --pilots"
        )
    order = np.fft.fftshift(np.arange(len(sequence)))
    strong = np.abs(sequence[order]) > _NULL * np.abs(sequence).max()
    frames, cells, users, antennas = shape[:4]
    n, each = frames * cells * users, cells * users
    used = order[strong]
    h = PilotArray(
        source.path, samples.name, (n, antennas, 1, 1, len(used)), each, start, sequence, used,
        np.arange(n),
    )  # fmt: skip
    carrier = said.get("FREQ")
    number = np.arange(n)
    return Recording(
        h=h,
        array=samples.name,
        file_shape=shape,
        freq=np.fft.fftshift(np.fft.fftfreq(len(sequence), 1 / rate))[strong],
        carrier=float("nan") if carrier is None else float(np.ravel(carrier)[0]),
        labels={
            "frame": number // each,
            "cell": number % each // users,
            "user": number % users,
        },
        said=said,
        assumed=(
            f"the first symbol after {start} samples (PREFIX_LEN and CP_LEN) is the pilot of "
            f"{pilots}; {len(used)} of {len(sequence)} bins carry it",
        ),
    )


def _sequence(path: str) -> np.ndarray:
    """The pilots of a file in FFT order, complex128 ``[fft]``."""
    with open_source(path) as source:
        found = [a for a in source.arrays.values() if a.dtype.kind == "c" and a.size > 1]
        if len(found) != 1:
            raise DataError(
                f"{path}: --pilots needs one complex array, the pilot at every FFT bin; it has "
                f"{len(found)}"
            )
        sequence = found[0].column().astype(np.complex128)
    if not np.isfinite(sequence).all() or not sequence.any():
        raise DataError(f"{path}: --pilots holds NaN, infinity or only zeros; correct it")
    # DC carries no pilot: where bin 1 does not either, but the middle does, the order ascends
    return sequence if sequence[1] else np.fft.ifftshift(sequence)


def _said(source: Source, samples: SourceArray) -> dict[str, Any]:
    """Attributes of the group the samples lie in, and of the file."""
    room = samples.name.rsplit("/", 1)[0]
    attributes = dict(source.attributes)
    if room and source.file is not None:
        group = source.file[room]
        attributes |= dict(group.attrs) if isinstance(group, h5py.Group) else {}
    return {k: v for k, v in ((k, plain(v)) for k, v in attributes.items()) if v is not None}


def _number(where: str, said: Mapping[str, Any], name: str) -> float:
    value = np.ravel(np.asarray(said.get(name, np.nan)))
    if value.size != 1 or value.dtype.kind not in "iuf" or not value[0] >= 0:
        raise DataError(
            f"{where}: attribute {name} of the recording is missing or no number; write it into "
            "the group of the samples"
        )
    return float(value[0])
