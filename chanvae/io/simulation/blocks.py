"""Blocks of channels, each from a seed of its own, drawn by as many processes as there are."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from itertools import count
from multiprocessing import get_context, parent_process

import numpy as np

from chanvae.channels import ChannelDataset, Meta
from chanvae.errors import DataError
from chanvae.io.scenarios import SYSTEMS, TRACED
from chanvae.io.simulation.drawn import UNITS, Draw, Drawn
from chanvae.io.simulation.setup import Simulation
from chanvae.seeds import seed_for
from chanvae.stats.conditions import with_channel_conditions

DEATHS = 3
"""Times that processes which ended without a word are replaced."""
_draw: Callable[[int], ChannelDataset] | None = None
"""What a worker process draws blocks with."""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def simulate(
    setup: Simulation,
    n: int,
    seed: int = 0,
    batch: int = 0,
    workers: int = 1,
    wanted: range | None = None,
) -> Iterator[ChannelDataset]:
    """Draw channels from Sionna, a few blocks in memory at a time.

    The channels depend on ``setup``, ``seed`` and ``batch`` alone, to the bit: not on ``workers``,
    and the first of many are those of few.

    Args:
        setup: Scenario, grid and arrays.
        n: Number of realisations.
        seed: Block ``k`` is drawn from ``(seed, k)``.
        batch: Realisations a block; by default :attr:`Simulation.block`.
        workers: Processes. With more than one (and for a traced scene always) the script that
            calls must be importable: its main part under ``if __name__ == "__main__"``.
        wanted: Numbers of the blocks to draw, which follow each other; all of them by default,
            and of a traced scene, whose blocks differ in size, always.

    Yields:
        Sets with the conditions of :data:`chanvae.stats.conditions.UNITS` and the labels of
        :data:`chanvae.io.simulation.drawn.UNITS` that the scenario has.

    Raises:
        DataError: A traced scene cannot be traced here, or has too few users; a process ended.
    """
    size = batch or setup.block
    traced = setup.scenario in TRACED
    work = (setup, n, seed, size)
    wanted = range(-(-n // size)) if wanted is None or traced else wanted
    alone = not traced and min(workers, len(wanted)) <= 1
    blocks = count() if traced else iter(wanted)
    found = map(_prepared(*work), blocks) if alone else _shared(work, workers, blocks)
    left = n if traced else min(wanted.stop * size, n) - wanted.start * size
    for block in found:
        part = block[:left]
        left -= len(part)
        if len(part):
            yield part
        if not left:
            return


def _prepared(setup: Simulation, n: int, seed: int, size: int) -> Callable[[int], ChannelDataset]:
    """A function from the number of a block to its set, with conditions."""
    draw: Draw | None = None

    def block(k: int) -> ChannelDataset:
        import torch

        nonlocal draw
        # Importing and seeding Sionna seeds torch's global generator, which is not ours to change.
        threads = torch.get_num_threads()
        with torch.random.fork_rng(devices=[]):
            torch.set_num_threads(1)
            try:
                draw = draw or _drawing(setup, size, seed)
                found = draw(k, seed_for(seed, k))
            finally:
                torch.set_num_threads(threads)
        return with_channel_conditions(_dataset(setup, found, n, seed))

    return block


def _drawing(setup: Simulation, size: int, seed: int) -> Draw:
    """What draws the blocks of a scenario."""
    if setup.scenario in TRACED:
        from chanvae.io.simulation.traced import traced

        return traced(setup, size, seed)
    if setup.scenario in SYSTEMS:
        from chanvae.io.simulation.system import system

        return system(setup, size)
    from chanvae.io.simulation.lines import lines

    return lines(setup, size)


def _dataset(setup: Simulation, drawn: Drawn, n: int, seed: int) -> ChannelDataset:
    """A block with its axes and where it came from."""
    return ChannelDataset(
        h=drawn.h,
        freq=(np.arange(setup.subcarriers) - setup.subcarriers // 2) * setup.spacing,
        time=np.arange(setup.time_steps) * setup.time_spacing,
        conditions=drawn.labels,
        condition_units={name: UNITS[name] for name in drawn.labels},
        rx_array=setup.rx_array,
        tx_array=setup.tx_array,
        meta=Meta(
            carrier_frequency=setup.carrier,
            normalization="unit_power_per_realisation" if setup.unit_power else "none",
            provenance={
                "source": f"Sionna {version('sionna')} {setup.scenario}",
                "command": setup.command(n, seed),
                "seed": seed,
            },
        ),
    )


def _shared(
    work: tuple[Simulation, int, int, int], workers: int, blocks: Iterator[int]
) -> Iterator[ChannelDataset]:
    """The blocks in order, drawn by several processes, two ahead for each.

    Where a process dies, its blocks are drawn again by another: that changes nothing.
    """
    pool = _pool(work, workers)
    waiting: deque[tuple[int, Future[ChannelDataset]]] = deque()
    deaths = 0
    try:
        while True:
            try:
                while len(waiting) < 2 * workers and (k := next(blocks, None)) is not None:
                    waiting.append((k, pool.submit(_work, k)))
                if not waiting:
                    return
                found = waiting[0][1].result()
            except BrokenProcessPool:
                deaths += 1
                if deaths > DEATHS or work[0].scenario in TRACED:
                    raise DataError(_ended(work[0])) from None
                pool.shutdown()
                pool = _pool(work, workers)
                again = [number for number, _ in waiting]
                waiting = deque((number, pool.submit(_work, number)) for number in again)
                continue
            waiting.popleft()
            yield found
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(work: tuple[Simulation, int, int, int], workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, get_context("spawn"), _start, work)


def _ended(setup: Simulation) -> str:
    """Why a process may have ended without a word."""
    if setup.scenario in TRACED:
        from chanvae.io.simulation.traced import NEEDS

        return f"{setup.scenario}: the ray tracer ended its process; {NEEDS}"
    return (
        f"{setup.scenario}: a process ended without a word, mostly for want of memory; try fewer "
        "--workers, antennas or --time-steps"
    )


def _start(setup: Simulation, n: int, seed: int, size: int) -> None:
    """Begin a worker process: the parent alone answers ctrl-C, and it ends with the parent."""
    global _draw
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _draw = _prepared(setup, n, seed, size)


def _end_with_parent() -> None:
    """Wait for the parent to end, killed or not, and end this process."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _work(k: int) -> ChannelDataset:
    """One block in a worker process."""
    if _draw is None:
        raise RuntimeError("the worker was not started")
    return _draw(k)
