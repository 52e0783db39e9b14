"""What a command has made so far, kept beside the file it is for until that file is whole."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.files import whole
from chanvae.io.export.streamed import row_bytes
from chanvae.io.hdf5 import Writer, read
from chanvae.shards import Shard

SECONDS = 5.0
"""Work that a process that is killed may lose, about."""
BYTES = 1 << 26
"""Bytes of ``h`` that are held in memory for it, about."""
_TASK = "task.json"


@dataclass(frozen=True)
class Work:
    """Channels that are drawn in blocks, each of which depends on its number alone.

    Args:
        draw: From numbers of blocks, which follow each other, to the blocks.
        n: Realisations in all shards.
        size: Realisations of a block, of all but the last; 0 where only all of them can be drawn.
        task: All else that decides what the blocks hold.
        shard: The share of them that is wanted.
    """

    draw: Callable[[range], Iterable[ChannelDataset]]
    n: int
    size: int
    task: Mapping[str, Any]
    shard: Shard = Shard()

    @property
    def blocks(self) -> range:
        """Numbers of the wanted blocks."""
        if not self.size and self.shard.of > 1:
            raise DataError(f"--shard {self.shard}: a traced scene is traced in one piece")
        return self.shard.blocks(-(-self.n // self.size) if self.size else 1)

    @property
    def count(self) -> int:
        """Realisations wanted."""
        if not self.size:
            return self.n
        return min(self.blocks.stop * self.size, self.n) - self.blocks.start * self.size


class Kept:
    """Blocks of channels that outlive the process that drew them; a context manager.

    They lie in a hidden folder beside the file, a few seconds' worth a file, and are removed when
    the block ends well. A command that is done sooner leaves no trace of it.

    Args:
        path: The file that is being made.
        work: What is made: what was made for another task is not taken.
        resume: Begin with what lies in the folder; otherwise it is removed.

    Raises:
        DataError: What lies there is of another task.
    """

    def __init__(self, path: str | os.PathLike[str], work: Work, resume: bool) -> None:
        target = Path(os.path.realpath(path))
        self._path, self._target, self._work = os.fspath(path), target, work
        self._folder = target.with_name(f".{target.name}.chanvae-parts")
        task = {**work.task, "n": work.n, "size": work.size, "shard": str(work.shard)}
        self._task = json.loads(json.dumps(task))
        self._resume = resume
        self._held: list[ChannelDataset] = []
        self._since = time.monotonic()
        self._down = 0

    @property
    def done(self) -> bool:
        """Whether the file is there, whole, and nothing is left to go on with.

        A process that was killed between the last two steps, naming the file and clearing up,
        leaves both; which file is meant is told by what stood there when it began.
        """
        if not self._resume or not self._target.is_file():
            return False
        if not self._folder.is_dir():
            return True
        return self._read_task().get("replaces") != self._stands()

    def __enter__(self) -> Self:
        told = self._read_task() if self._resume else {}
        if not told:
            self.clear()
        other = [k for k, v in self._task.items() if told and told.get(k) != v]
        if other:
            raise DataError(
                f"{self._path}: what was begun there had another {other[0]} "
                f"({told.get(other[0])!r}, now {self._task[other[0]]!r}); go on with that, "
                "or leave --resume out to start again"
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if value is None:
            self.clear()
        elif isinstance(value, KeyboardInterrupt):
            self._put_down()

    @property
    def begun(self) -> bool:
        """Whether there is something to go on with."""
        return self._folder.is_dir()

    def blocks(self) -> Iterator[ChannelDataset]:
        """Blocks in order: first those that were kept, then new ones, which are kept in turn."""
        wanted, size = self._work.blocks, self._work.size
        for part in self._parts() if size else ():
            yield from read(part).batches(size)
        self._since = time.monotonic()
        for block in self._work.draw(wanted[self._down :]):
            yield block
            if not size:
                continue
            self._held.append(block)
            held = sum(len(b) * row_bytes(b) for b in self._held)
            if held >= BYTES or time.monotonic() - self._since > SECONDS:
                self._put_down()

    def clear(self) -> None:
        """Remove what was kept."""
        if self._folder.is_dir():
            shutil.rmtree(self._folder)

    def _parts(self) -> list[Path]:
        """The files of blocks, in order, without a gap; other files are removed."""
        found: list[Path] = []
        for part in sorted(self._folder.glob("*.h5")) if self._folder.is_dir() else ():
            first, _, last = part.stem.partition("-")
            if int(first) == self._down:
                found.append(part)
                self._down = int(last)
            else:
                part.unlink()
        return found

    def _put_down(self) -> None:
        """Write the blocks that are only in memory."""
        if not self._held:
            return
        if not self._folder.is_dir():
            self._folder.mkdir()
            with whole(self._folder / _TASK) as temporary:
                temporary.write_text(json.dumps({**self._task, "replaces": self._stands()}))
        last = self._down + len(self._held)
        part = self._folder / f"{self._down:09d}-{last:09d}.h5"
        with Writer(part, self._held[0], sum(map(len, self._held)), overwrite=True) as writer:
            for block in self._held:
                writer.append(block)
        self._down, self._held, self._since = last, [], time.monotonic()

    def _read_task(self) -> dict[str, Any]:
        try:
            return json.loads((self._folder / _TASK).read_text())
        except (OSError, ValueError):
            return {}

    def _stands(self) -> int | None:
        """What tells the file that stands at the path from the one that will."""
        return self._target.stat().st_ino if self._target.is_file() else None
