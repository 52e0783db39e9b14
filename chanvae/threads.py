"""Work on several threads of one core each, its results in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item]
) -> Generator[Result, None, None]:
    """``map(function, items)``, as many at a time as torch has threads.

    A network small enough to draw thousands of channels a second loses more by sharing each
    operator between cores than it gains; whole items side by side lose nothing. Results do not
    depend on the number of threads where those of the function do not.

    Args:
        function: Called on other threads, where torch has one thread each.
        items: Taken a few ahead of what is asked for.

    Yields:
        Results in the order of the items; at most two a thread are waiting.
    """
    threads, waiting = torch.get_num_threads(), deque[Future[Result]]()
    if min(threads, len(items)) <= 1:
        yield from map(function, items)
        return
    with side_by_side() as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def side_by_side() -> Iterator[ThreadPoolExecutor]:
    """As many threads as torch has, each of which computes on one core; what waits is dropped."""
    threads = torch.get_num_threads()
    with threadpool_limits(1, "blas"):
        pool = ThreadPoolExecutor(threads, initializer=alone)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            torch.set_num_threads(threads)


def alone() -> None:
    """One core for what this thread computes, whichever library does it."""
    torch.set_num_threads(1)
    threadpool_limits(1)
