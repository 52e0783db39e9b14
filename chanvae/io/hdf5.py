"""The file format, version 1 (docs/format.md): written in pieces, read from where it lies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import h5py
import numpy as np

from chanvae.axes import AXES
from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import whole
from chanvae.io import schema
from chanvae.io.filearray import FileArray, opened
from chanvae.io.header import header
from chanvae.io.sink import Sink
from chanvae.stopping import held

_CHUNK = 1 << 20
"""Bytes of ``h`` in one chunk, about."""
_BATCH = 1 << 24
"""Bytes of ``h`` copied at a time."""


def write(
    dataset: ChannelDataset,
    path: str | os.PathLike[str],
    overwrite: bool = False,
    compression: Literal["gzip"] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a set to a file, a batch at a time.

    Args:
        dataset: The set, in memory or in another file.
        path: The file to write.
        overwrite: Replace a file that exists.
        compression: ``"gzip"`` makes a smaller file slowly (with the bytes shuffled).
        progress: Called with the number of realisations written, and of all.

    Raises:
        DataError: The file exists, or cannot be written.
    """
    with Writer(path, dataset, len(dataset), overwrite, compression) as writer:
        for batch in dataset.batches(max(_BATCH // _row_bytes(dataset), 1)):
            writer.append(batch)
            if progress is not None:
                progress(writer.written, len(dataset))


class Writer:
    """A file of ``n`` realisations, written in batches; a context manager.

    The file appears when the block ends with all ``n`` written, and never half written.

    Args:
        path: The file to write.
        template: A set of any length that says what the file will hold beside ``h``: axes,
            arrays, meta, and the names, units and types of conditions and groups.
        n: Number of realisations in all.
        overwrite: Replace a file that exists.
        compression: ``None`` or ``"gzip"``.

    Raises:
        DataError: The file exists or cannot be written; a batch does not fit the template; other
            than ``n`` realisations were appended.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        template: ChannelDataset,
        n: int,
        overwrite: bool = False,
        compression: Literal["gzip"] | None = None,
    ) -> None:
        self._path, self._template, self._n = os.fspath(path), template, n
        self._overwrite, self._compression = overwrite, compression
        self.written = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(whole(self._path, self._overwrite))
            self._room(temporary)
            self._sink = stack.enter_context(Sink(temporary))
            self._file = h5py.File(self._sink, "w", rdcc_nbytes=16 * _CHUNK)
            stack.callback(self._close)
            with self._blamed():
                self._create()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            if value is not None:
                raise value
            if self.written != self._n:
                raise DataError(
                    f"{self._path}: {self.written} realisations were written; "
                    f"{self._n} were announced; nothing was kept"
                )

    def append(self, batch: ChannelDataset) -> None:
        """Write the next realisations.

        Args:
            batch: Any number of them, with the axes, conditions and groups of the template.
        """
        start, stop = self.written, self.written + len(batch)
        self._fits(batch, stop)
        h = np.asarray(batch.h[:], np.complex64)
        with held(), self._blamed():  # a signal in a call from HDF5 would break the file
            self._into["h"][start:stop] = h
            for name, values in columns(batch):
                self._into[name][start:stop] = _storable(values)
            self.written = stop

    def _room(self, beside: Path) -> None:
        """Refuse at once what the disk cannot hold; gzip's need is not known beforehand."""
        need, free = self._n * _row_bytes(self._template), shutil.disk_usage(beside.parent).free
        if need > free and self._compression is None:
            raise DataError(
                f"{self._path}: needs {need / 1e9:.3g} GB and {free / 1e9:.3g} GB are free; "
                "make room or write elsewhere"
            )

    def _fits(self, batch: ChannelDataset, stop: int) -> None:
        where, model = self._path, self._template
        if stop > self._n:
            raise DataError(
                f"{where}: {stop} realisations were appended; {self._n} were announced"
            )
        if batch.shape[1:] != model.shape[1:]:
            raise DataError(f"{where}: a batch has shape {batch.shape}; expected {model.shape}")
        have, want = dict(columns(batch)), dict(columns(model))
        if have.keys() != want.keys():
            raise DataError(f"{where}: a batch has {sorted(have)}; expected {sorted(want)}")
        for name, values in have.items():
            given, kept = _storable(values).dtype, _storable(want[name]).dtype
            if not np.can_cast(given, kept, "same_kind"):
                raise DataError(f"{where}:/{name}: a batch has {given}; expected {kept}")

    def _create(self) -> None:
        model, file = self._template, self._file
        rows = min(max(_CHUNK // _row_bytes(model), 1), self._n)
        self._into = {}
        self._into["h"] = file.create_dataset(
            "h",
            (self._n, *model.shape[1:]),
            np.complex64,
            chunks=(rows, *model.shape[1:]) if self._n else None,
            compression=self._compression if self._n else None,
            shuffle=bool(self._compression and self._n),
        )
        for name, unit in (("freq", "Hz"), ("time", "s")):
            file[name] = np.asarray(getattr(model, name), np.float64)
            file[name].attrs["unit"] = unit
        for name, values in columns(model):
            if name.count("/") != 1 or name.endswith(("/", "/.")):
                raise DataError(f"{self._path}: {name!r}: a name has no '/' and is not empty")
            column = file.create_dataset(name, (self._n,), _storable(values).dtype)
            self._into[name] = column
            if name.startswith("conditions/"):
                column.attrs["unit"] = model.condition_units.get(name.split("/", 1)[1], "1")
        file.attrs.update(header(model))

    @contextmanager
    def _blamed(self) -> Iterator[None]:
        """After each step, raise what the disk said; HDF5 itself was not told."""
        try:
            yield
        except DataError:
            raise
        except (OSError, TypeError, ValueError, RuntimeError) as error:
            self._sink.check()
            raise DataError(f"{self._path}: cannot be stored: {error}") from error
        self._sink.check()

    def _close(self) -> None:
        with held():
            self._file.close()
        self._sink.check()


def read(path: str | os.PathLike[str]) -> ChannelDataset:
    """Read a file in chanvae's format; ``h`` stays in the file.

    Args:
        path: The file.

    Raises:
        DataError: The file is missing, damaged, of a newer schema, or not in the format.
    """
    path = os.fspath(path)
    with opened(path) as file:
        schema.version(file.attrs, path)
        h = schema.dataset(file, "h", path)
        if h.dtype.kind != "c" or h.ndim != len(AXES):
            raise DataError(
                f"{path}:/h: is {h.dtype} of shape {h.shape}; expected complex64 "
                f"({', '.join(AXES)})"
            )
        shape = tuple(int(k) for k in h.shape)
        conditions, units = schema.conditions(file, path)
        groups = {k: schema.column(v) for k, v in schema.members(file, "groups", path).items()}
        still = shape[3] == 1 and "time" not in file
        try:
            return ChannelDataset(
                h=FileArray(str(Path(path).resolve()), "h", shape),
                freq=schema.axis(file, "freq", path),
                time=np.zeros(1) if still else schema.axis(file, "time", path),
                conditions=conditions,
                condition_units=units,
                rx_array=schema.geometry(file.attrs, "rx_array", shape[1], path),
                tx_array=schema.geometry(file.attrs, "tx_array", shape[2], path),
                groups=groups,
                meta=schema.meta(file.attrs, path),
            )
        except DataError as error:
            raise error if str(error).startswith(path) else DataError(f"{path}: {error}") from None


def columns(dataset: ChannelDataset) -> Iterator[tuple[str, np.ndarray]]:
    """Conditions and groups, each by its path in a file, in the order HDF5 gives them back."""
    for room, values in (("conditions", dataset.conditions), ("groups", dataset.groups)):
        for name, column in sorted(values.items()):
            yield f"{room}/{name}", np.asarray(column)


def _storable(values: np.ndarray) -> np.ndarray:
    """Numbers as they are; text as variable-length UTF-8."""
    if values.dtype.kind in "UST" or (values.dtype == object and _all_text(values)):
        return values.astype(object).astype(h5py.string_dtype())
    if values.dtype.kind not in "biuf":
        raise DataError(f"conditions and groups are numbers or text; got {values.dtype}")
    return values


def _all_text(values: np.ndarray) -> bool:
    return all(isinstance(value, str) for value in values)


def _row_bytes(dataset: ChannelDataset) -> int:
    return int(np.prod(dataset.shape[1:])) * np.dtype(np.complex64).itemsize
