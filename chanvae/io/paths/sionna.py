"""Channel impulse responses of Sionna: amplitudes ``a`` and delays ``tau``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chanvae.errors import DataError
from chanvae.io.paths.links import Held, Links
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source, open_source

LAYOUT = "Sionna paths (a, tau)"
_AXES = "[batch,] num_rx, num_rx_ant, num_tx, num_tx_ant, num_paths, num_time_steps"


@dataclass(frozen=True, eq=False)
class _Filed:
    """Paths that stay in their file.

    Args:
        path: The file.
        a: Name of the amplitudes in it.
        tau: Name of the delays.
        ends: Receivers and transmitters: the links of one batch entry.
    """

    path: str
    a: str
    tau: str
    ends: tuple[int, int]

    def __call__(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The paths of some links; runs of batch entries are read at once."""
        each = self.ends[0] * self.ends[1]
        batch, inverse = np.unique(rows // each, return_inverse=True)
        runs = np.split(batch, np.flatnonzero(np.diff(batch) > 1) + 1)
        with open_source(self.path) as source:
            a, tau = (
                np.concatenate([array.read(0, int(run[0]), int(run[-1]) + 1) for run in runs])
                for array in (source.arrays[self.a], source.arrays[self.tau])
            )
        amplitude, delay = _links(a, tau)
        pick = inverse * each + rows % each
        return amplitude[pick], delay[pick]


def recognised(source: Source) -> bool:
    """Whether a file holds ``a`` with 6 or 7 axes, complex, and real ``tau`` beside it."""
    a, tau = source.arrays.get("/a"), source.arrays.get("/tau")
    if a is None or tau is None:
        return False
    return a.ndim in (6, 7) and a.dtype.kind == "c" and tau.dtype.kind == "f"


def links(source: Source) -> Links:
    """The links of a file that :func:`recognised` knows.

    Every pair of a receiver and a transmitter of every batch entry is a realisation. Paths with a
    negative delay are padding.

    Raises:
        DataError: ``tau`` does not fit ``a``.
    """
    a, tau = source.arrays["/a"], source.arrays["/tau"]
    where = f"{source.path}: {a.name}"
    batched = a.ndim == 7
    shape = a.shape if batched else (1, *a.shape)
    batch, num_rx, rx, num_tx, tx, count, time = shape
    synthetic, full = (batch, num_rx, num_tx, count), (batch, num_rx, rx, num_tx, tx, count)
    have = tau.shape if batched else (1, *tau.shape)
    if have not in (synthetic, full):
        raise DataError(
            f"{where}: a has shape {a.shape} as {_AXES}, and tau {tau.shape}; tau must have the "
            f"shape {synthetic[not batched :]} or, with antennas, {full[not batched :]}"
        )
    if 0 in shape:
        raise DataError(f"{where}: has shape {a.shape}; an axis of length 0 holds no channels")
    each = num_rx * num_tx
    if batched and source.lazy:
        paths = _Filed(source.path, a.name, tau.name, (num_rx, num_tx))
    else:
        paths = Held(*_links(_whole(a, batched), _whole(tau, batched)))
    labels = {
        "batch": np.repeat(np.arange(batch), each),
        "receiver": np.tile(np.repeat(np.arange(num_rx), num_tx), batch),
        "transmitter": np.tile(np.arange(num_tx), batch * num_rx),
    }
    assumed = [f"a is {_AXES}, tau in seconds; paths with a negative delay are padding"]
    if each > 1:
        assumed.append(
            f"each of {num_rx} x {num_tx} links is a realisation; the group batch keeps those of "
            "one batch entry together, --group random none"
        )
    return Links(
        layout=LAYOUT,
        array=a.name,
        file_shape=a.shape,
        paths=paths,
        shape=(batch * each, rx, tx, time),
        count=count,
        labels=labels,
        groups=("batch",) if each > 1 and batch > 1 else (),
        assumed=tuple(assumed),
    )


def _whole(array: SourceArray, batched: bool) -> np.ndarray:
    values = array.read()
    return values if batched else values[None]


def _links(a: np.ndarray, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Batch entries to links: ``[k, rx, tx, path, time]`` and ``[k, rx or 1, tx or 1, path]``."""
    batch, num_rx, rx, num_tx, tx, count, time = a.shape
    if tau.ndim == 4:
        tau = tau[:, :, None, :, None]
    there = tau >= 0  # not where it is NaN either
    a = np.where(there[..., None], a, 0).swapaxes(2, 3)
    tau = np.where(there, tau, 0).swapaxes(2, 3)
    return (
        a.reshape(batch * num_rx * num_tx, rx, tx, count, time),
        tau.reshape(batch * num_rx * num_tx, *tau.shape[3:]),
    )
