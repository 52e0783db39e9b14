"""A first look at a file, in a process of its own that may hang, crash or run out of memory.

A few flipped bytes can send the HDF5 library, or scipy's reader of MATLAB v5, round in circles or
to where there is no memory, and nothing in the same process can stop it. So every object of a
file is touched in a child first: links, attributes, types, the index of the chunks, text,
references. The child lives on for the next file; a file is looked at once as long as it stays as
it is.
"""

from __future__ import annotations

import atexit
import os
import selectors
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chanvae.errors import DataError

DAMAGED = "is damaged and cannot be read; copy it again"
"""What is said of a file that is there and makes no sense."""
_PATIENCE = 10.0
"""Seconds without progress after which a file is given up."""
_START = 120.0
"""Seconds in which the child must have started."""
_NO_CHILD = "the process that looks at files first does not start; try again"
_MEMORY = 4 << 30
"""Bytes of address space that the child may use."""


def sound(path: str | os.PathLike[str]) -> None:
    """Refuse a file that would hang or kill this process, or that leads out of itself.

    What is wrong in any other way is left for the reader to say.

    Raises:
        DataError: Its reader hangs or crashes on it, it declares far more than it can
            hold, or part of it lies in another file.
    """
    shown, real = os.fspath(path), os.path.realpath(path)
    found = Path(real).stat()
    state = (real, found.st_ino, found.st_size, found.st_mtime_ns, real in _trusted)
    if state not in _known:
        _known[state] = _child().ask(real, real in _trusted)
    if _known[state]:
        raise DataError(f"{shown}: {_known[state]}")


def trust(paths: Iterable[str | os.PathLike[str]]) -> None:
    """Allow files to refer to other files and to filter plugins, as long as this process lives."""
    _trusted.update(os.path.realpath(path) for path in paths)


class _Child:
    """A process that looks at files, one at a time, and says what is wrong with them."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, path: str, trusted: bool = False) -> str:
        """What is wrong with a file; ``""`` for nothing that the child knows of."""
        process = self._running()
        into, out = process.stdin, process.stdout
        if into is None or out is None:
            raise DataError(_NO_CHILD)
        into.write(b"%s %d\n" % (os.fsencode(path).hex().encode(), trusted))
        into.flush()
        said = b""
        while not said.endswith(b"\n"):
            more = _wait(out, _PATIENCE)
            if not more:
                self.stop()
                return f"{DAMAGED} (reading it hangs or crashes)"
            said = (said + more).lstrip(b".")
        return said.decode().strip()

    def stop(self) -> None:
        """End the process."""
        if self._process is not None and self.owner == os.getpid():
            self._process.kill()
            self._process.communicate()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            try:
                self._process = _started()
            except OSError as error:
                raise DataError(f"{_NO_CHILD} ({error.strerror})") from None
            if self._process.stdout is None or not _wait(self._process.stdout, _START):
                self.stop()
                raise DataError(_NO_CHILD)
        return self._process


def _started() -> subprocess.Popen[bytes]:
    """A new child, which imports what this process does."""
    path = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", "from chanvae.io.probe import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **one, "PYTHONPATH": os.pathsep.join(path)},
    )


_known: dict[tuple[Any, ...], str] = {}
_children: list[_Child] = []
_trusted: set[str] = set()


def _child() -> _Child:
    """The child of this process; a fork needs one of its own."""
    if not _children or _children[-1].owner != os.getpid():
        _children[:] = [_Child()]
        atexit.register(_children[-1].stop)
    return _children[-1]


def _wait(pipe: Any, seconds: float) -> bytes:
    """What comes out of a pipe next; nothing if it takes too long or the other end is gone."""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        return os.read(pipe.fileno(), 1 << 16) if selector.select(seconds) else b""


def serve() -> None:
    """The child: the name of a file and whether it is trusted a line in; what is wrong out."""
    import contextlib

    from chanvae.io.touch import wrong

    with contextlib.suppress(ImportError):  # Windows has no limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer

    def progress(text: bytes = b".") -> None:
        out.write(text)
        out.flush()

    progress()
    for line in sys.stdin.buffer:
        name, trusted = line.decode().split()
        path = os.fsdecode(bytes.fromhex(name))
        progress(wrong(path, progress, trusted == "1").encode() + b"\n")
