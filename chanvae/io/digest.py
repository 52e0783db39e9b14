"""Which file it was: its hash."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_WHOLE = 1 << 30
"""Files up to this many bytes are hashed whole."""


def digest(path: Path) -> dict[str, str]:
    """SHA-256 of a file; of a very large one its size, first and last MiB."""
    found, size = hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        if size < _WHOLE:
            while block := file.read(1 << 20):
                found.update(block)
        else:
            found.update(str(size).encode() + file.read(1 << 20))
            file.seek(-(1 << 20), os.SEEK_END)
            found.update(file.read())
    of = "the whole file" if size < _WHOLE else "its size, first and last MiB"
    return {"sha256": found.hexdigest(), "sha256_of": of}
