"""A file that HDF5 can write to even when the disk cannot."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

WINDOW = 1 << 25
"""Bytes that are written before the system is told that nobody reads them back soon."""


class Stopped(KeyboardInterrupt):
    """A signal is being held back that asks to stop; who holds it goes on with it."""


class Sink(io.RawIOBase):
    """A binary file whose writes never fail; the first failure is kept in ``error``.

    HDF5 cannot close a file whose last write failed: it keeps what is unwritten and kills the
    process when it tries again. Here it believes that the write went well, closes, and the
    caller looks at ``error``. Ctrl-C that arrives during a write is kept in the same way.

    A large file does not fill the page cache: every :data:`WINDOW` bytes are brought to the disk
    and given back, which also costs the system far less than ever new pages.

    Args:
        path: An existing file; what it holds is discarded.
        asked_to_stop: Whether a signal that is held back asks to stop.
    """

    def __init__(self, path: Path, asked_to_stop: Callable[[], bool] = lambda: False) -> None:
        self._asked_to_stop = asked_to_stop
        self.error: OSError | KeyboardInterrupt | None = None
        self._raw = path.open("w+b", buffering=0)
        self._held = 0

    def check(self) -> None:
        """Raise the first failure, if there was one, or :class:`Stopped` where that is asked."""
        if self.error is not None:
            raise self.error
        if self._asked_to_stop():
            raise Stopped

    def write(self, data: Any, /) -> int:
        """Write all of it, or keep why not."""
        size = len(data)
        try:
            left = memoryview(data)
            while len(left) and self.error is None:
                left = left[self._raw.write(left) :]
            self._held += size
            if self._held >= WINDOW and self.error is None:
                self._give_back()
        except (OSError, KeyboardInterrupt) as error:
            self.error = self.error or error
        return size

    def _give_back(self) -> None:
        """Have the disk keep what was written, and the system forget it."""
        self._held = 0
        if hasattr(os, "posix_fadvise"):
            os.fdatasync(self._raw.fileno())
            os.posix_fadvise(self._raw.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def truncate(self, size: int | None = None, /) -> int:
        """Set the length, or keep why not."""
        try:
            return self._raw.truncate(size) if self.error is None else size or 0
        except (OSError, KeyboardInterrupt) as error:
            self.error = self.error or error
            return size or 0

    def flush(self) -> None:
        """Nothing is held back."""

    def readinto(self, buffer: Any, /) -> int | None:
        """Read back what was written."""
        return self._raw.readinto(buffer)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a position."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        super().close()

    def readable(self) -> bool:
        """It can be read."""
        return True

    def writable(self) -> bool:
        """It can be written."""
        return True

    def seekable(self) -> bool:
        """It has positions."""
        return True
