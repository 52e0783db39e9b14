"""Files that are written whole or not at all."""

import errno
import os
import platform
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chanvae.errors import DataError

TEMPORARY = ".chanvae-*.tmp"
"""Names of files that are being written; one that nobody writes is left of a killed process."""
_MEND = {
    errno.ENOSPC: "the disk is full; make room or write elsewhere",
    errno.EDQUOT: "the disk quota is used up; make room or write elsewhere",
    errno.EFBIG: "the file would be larger than is allowed here; write less or elsewhere",
    errno.EACCES: "writing there is not permitted; choose another folder",
    errno.EPERM: "writing there is not permitted; choose another folder",
    errno.EROFS: "the folder is read-only; choose another",
    errno.EIO: "the disk failed; write elsewhere",
    errno.ENAMETOOLONG: "the name is too long; shorten it",
    errno.ENOTDIR: "part of the path is a file, not a folder; choose another path",
}
"""What the system says when a file cannot be written -> what to do about it."""


@contextmanager
def whole(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when the block ends well.

    On any failure, Ctrl-C included, the temporary file is removed and ``path`` is untouched. What
    a process that was killed left in the folder is removed by the next one that writes there.

    Args:
        path: The file to write; its folder must exist.
        overwrite: Replace a file that exists.

    Yields:
        The temporary file, empty, in the folder of ``path``.

    Raises:
        DataError: ``path`` exists, its folder does not, or the disk refuses.
    """
    shown, target = os.fspath(path), Path(os.path.realpath(path))
    temporary = target.with_name(f"{_mine(os.getpid())}{secrets.token_hex(6)}.tmp")
    try:
        refuse(path, overwrite)
        _tidy(target.parent)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(target.parent)
    except OSError as error:
        about_us = error.filename is None or Path(error.filename) in (temporary, target)
        if about_us and error.errno in _MEND:
            raise DataError(f"{shown}: not written: {_MEND[error.errno]}") from error
        raise


def refuse(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Refuse a path that :func:`whole` would refuse, before the work is done.

    Raises:
        DataError: ``path`` exists or is no file, or its folder does not exist.
    """
    shown, target = os.fspath(path), Path(os.path.realpath(path))
    if target.is_dir():
        raise DataError(f"{shown} is a folder; give the name of a file in it")
    if target.exists() and not target.is_file():
        raise DataError(f"{shown} is not a regular file; give another name")
    if target.exists() and not overwrite:
        raise DataError(f"{shown} exists; add --overwrite to replace it")
    if not target.parent.is_dir():
        raise DataError(f"{shown}: the folder {target.parent} does not exist; make it first")


def _mine(pid: int) -> str:
    """How names of temporary files of a process on this machine begin."""
    return f".chanvae-{zlib.crc32(platform.node().encode()):08x}-{pid}-"


def _tidy(folder: Path) -> None:
    """Remove temporary files of processes of this machine that are no more."""
    for left in folder.glob(_mine(0).replace("-0-", "-*-*.tmp")):
        pid = left.name.split("-")[2]
        if pid.isdigit() and not _runs(int(pid)):
            left.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    """Whether there is such a process; where that cannot be asked, there is."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def _sync(path: Path) -> None:
    """Have the disk keep what was written (a folder: the names in it)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
