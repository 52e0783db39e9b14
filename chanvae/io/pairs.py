"""Names that belong together: of real and imaginary parts, of amplitude and phase."""

from __future__ import annotations

import re
from collections.abc import Iterable

PARTS = (("re", "im"), ("real", "imag"), ("real", "imaginary"), ("r", "i"), ("i", "q"),
         ("inphase", "quadrature"))  # fmt: skip
"""What people call real and imaginary parts."""
POLAR = tuple(
    (size, turn)
    for size in ("amplitude", "amp", "magnitude", "mag", "abs")
    for turn in ("phase", "angle", "pha", "arg")
)
"""What people call amplitude and phase."""
_LONG = 2
"""Words from this length on need nothing between them and the rest of a name."""


def pairs(names: Iterable[str], words: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Pairs among names that differ in these words alone: ``H_re`` and ``H_im``.

    The word may stand at the start or the end of the last part of a path, alone, after one of
    ``_ - . space``, or, if it is longer than a letter, after or before anything else.

    Args:
        names: Names, such as paths of arrays or fields of a compound.
        words: The words that pair up, lower case.

    Returns:
        First and second of each pair, in the order of ``words``; no name is in two pairs.
    """
    known = {name: _split(name) for name in names}
    found: list[tuple[str, str]] = []
    for first, second in words:
        rests: dict[tuple[str, str, str], str] = {}
        for name, (folder, last) in known.items():
            for rest in _rests(last, second):
                rests[(folder, *rest)] = name
        for name, (folder, last) in known.items():
            for rest in _rests(last, first):
                other = rests.get((folder, *rest))
                taken = {one for pair in found for one in pair}
                if other is not None and other != name and not taken & {name, other}:
                    found.append((name, other))
    return found


def _split(name: str) -> tuple[str, str]:
    folder, _, last = name.rpartition("/")
    return folder, last


def _rests(name: str, word: str) -> list[tuple[str, str]]:
    """What is left of a name without a word at its end or start, and which of them it was."""
    low, found = name.lower(), []
    for where, pattern in (
        ("end", rf"^(.*?)[_\-. ]?{word}$"),
        ("start", rf"^{word}[_\-. ]?(.*)$"),
    ):
        match = re.match(pattern, low)
        if match is None:
            continue
        rest = match.group(1)
        joined = len(rest) + len(word) == len(low)
        if not rest or not joined or len(word) >= _LONG:
            found.append((where, rest))
    return found
