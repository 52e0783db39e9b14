"""Being asked to stop: SIGTERM as an exception, and work that is not broken off in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

TERMINATED = 128 + signal.SIGTERM
"""Exit code of a command that SIGTERM ended once it had saved what there was."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came: save what there is and leave, as on ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Have SIGTERM raise :class:`Terminated` in the block."""
    with _handling((signal.SIGTERM,), _raise):
        yield


@contextmanager
def held() -> Iterator[Callable[[], bool]]:
    """Hold ctrl-C and SIGTERM back until the block ends; then they do what they always do.

    Yields:
        Whether one of them came: the block had better end soon.
    """
    came: list[int] = []
    with _handling((signal.SIGINT, signal.SIGTERM), lambda number, _: came.append(number)):
        yield lambda: bool(came)
    if came:
        signal.raise_signal(came[0])


@contextmanager
def _handling(
    signals: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], object]
) -> Iterator[None]:
    """Handle signals in the block, but those that are ignored; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = tuple(n for n in signals if signal.getsignal(n) != signal.SIG_IGN)
    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated
