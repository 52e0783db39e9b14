"""The same link over measured channels, generated ones and what people use without either."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from chanvae.channels import ChannelDataset
from chanvae.errors import DataError
from chanvae.link.channel_model import ChannelModel
from chanvae.link.curves import Curve, Gap, gap, simulate
from chanvae.link.rivals import rivals
from chanvae.link.settings import LinkConfig
from chanvae.link.transceiver import (
    Channels,
    Shape,
    Transceiver,
    covariance,
    resource_grid,
    sent,
)
from chanvae.run import Run
from chanvae.stats.capacity import spectral_efficiency

TARGETS = (0.1, 0.01)
"""Block error rates at which SNRs are compared."""
SNR_DB = tuple(range(-10, 31, 5))
"""Where capacity is told [dB]."""
OUTAGE = (0.1, 0.01)
"""Shares of the realisations that an outage capacity gives up."""


@dataclass(frozen=True)
class Capacity:
    """What the channels could carry without knowledge at the transmitter [bit/s/Hz].

    Args:
        ergodic: Mean over realisations at :data:`SNR_DB`.
        error: Its standard error.
        outage: Share given up -> what the others carry, at :data:`SNR_DB`.
        at_10_db: Of each realisation at 10 dB, ascending.
    """

    ergodic: np.ndarray
    error: np.ndarray
    outage: Mapping[float, np.ndarray]
    at_10_db: np.ndarray


@dataclass(frozen=True)
class Contender:
    """Channels that the link ran over.

    Args:
        name: ``measured``, ``generated``, ``tdl``, ``cdl`` or ``rayleigh``.
        label: For people.
        curves: Estimator -> block errors.
        gaps: Estimator -> SNR beyond that of the measured channels at :data:`TARGETS`; none for
            these.
        capacity: What its channels could carry.
    """

    name: str
    label: str
    curves: Mapping[str, Curve]
    gaps: Mapping[str, tuple[Gap, ...]]
    capacity: Capacity


def compare_links(
    measured: ChannelDataset,
    generated: Run | ChannelDataset,
    config: LinkConfig | None = None,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
    progress: Callable[[str, int, int], object] = lambda doing, done, of: None,
) -> tuple[Contender, ...]:
    """Run the same link over each kind of channels.

    Every realisation has unit mean power, so SNRs compare. An LMMSE estimator knows the frequency
    covariance of the channels it is simulated with.

    Args:
        measured: The reference.
        generated: A model, or a set of channels.
        config: The link.
        seed: The same seed counts the same errors. Sionna's own generators are seeded anew.
        say: Told what the user should know.
        progress: Told what is being done, curves done, and all.

    Raises:
        DataError: Channels of other antennas than the measured ones, or a link they cannot carry.
    """
    config = config or LinkConfig()
    with torch.random.fork_rng(devices=[]):
        import sionna.phy

        before = sionna.phy.config.seed
        try:
            return _compare(measured, generated, config, seed, say, progress)
        finally:
            sionna.phy.config.seed = before


def _compare(
    measured: ChannelDataset,
    generated: Run | ChannelDataset,
    config: LinkConfig,
    seed: int,
    say: Callable[[str], object],
    progress: Callable[[str, int, int], object],
) -> tuple[Contender, ...]:
    from sionna.phy import config as phy

    template = generated.template if isinstance(generated, Run) else generated
    if template.shape[1:3] != measured.shape[1:3]:
        ours, theirs = ("x".join(map(str, s.shape[1:3])) for s in (template, measured))
        raise DataError(
            f"the generated channels have {ours} antennas (rx x tx) and the measured {theirs}; "
            "compare channels of the same arrays"
        )
    phy.seed = seed
    shape = Shape(
        max(measured.shape[1:3]),
        min(measured.shape[1:3]),
        len(measured.freq),
        measured.subcarrier_spacing,
    )
    grid = resource_grid(config, shape)
    carrier = [s.meta.carrier_frequency for s in (measured, template)]
    known = next((c for c in carrier if np.isfinite(c)), None)
    of = (2 + len(config.rivals)) * len(config.estimators)
    done: list[Contender] = []
    for name, label, channels in _all(measured, generated, config, grid, known, seed):
        curves = {}
        pool = _pool(channels, config)
        for number, estimator in enumerate(config.estimators):
            at = len(done) * len(config.estimators) + number

            def told(snr: float, bler: float, doing: str = f"{label}, {estimator.upper()}",
                     at: int = at) -> None:  # fmt: skip
                progress(f"{doing}: BLER {bler:.3f} at {snr:.1f} dB", at, of)

            known_cov = covariance(sent(pool, int(grid.num_streams_per_tx)))
            link = Transceiver(config, grid, channels, known_cov if estimator == "lmmse" else None)
            curves[estimator] = simulate(link, config, seed, say, told)
        gaps = {}
        if done:
            gaps = {
                e: tuple(gap(c, done[0].curves[e], t, seed) for t in TARGETS)
                for e, c in curves.items()
            }
        done.append(Contender(name, label, curves, gaps, _capacity(pool)))
    progress("done", of, of)
    return tuple(done)


def _all(
    measured: ChannelDataset,
    generated: Run | ChannelDataset,
    config: LinkConfig,
    grid,
    carrier: float | None,
    seed: int,
) -> Iterator[tuple[str, str, Channels]]:
    """Name, label and channels of every contender, the measured first."""
    for name, source in (("measured", measured), ("generated", generated)):
        still = len((source.template if isinstance(source, Run) else source).time) == 1
        model = ChannelModel(
            source,
            speed=config.speed if still else 0.0,
            carrier_frequency=carrier,
            seed=seed,
        )
        model.check(grid)
        yield name, name, lambda n, model=model: model.h_freq(n, grid)
    rows = np.sort(np.random.default_rng(seed).permutation(len(measured))[: config.draws])
    yield from rivals(config.rivals, measured[rows], grid, config.speed)


def _pool(channels: Channels, config: LinkConfig) -> torch.Tensor:
    """Channels for covariances and capacity."""
    starts = range(0, config.draws, 256)
    return torch.cat([channels(min(256, config.draws - s)) for s in starts])


def _capacity(pool: torch.Tensor) -> Capacity:
    h = pool[:, 0, :, 0].cpu()
    if h.shape[2] > h.shape[1]:
        h = h.transpose(1, 2)
    each = np.stack([spectral_efficiency(h, float(s)).numpy() for s in SNR_DB])
    return Capacity(
        each.mean(1),
        each.std(1) / np.sqrt(each.shape[1]),
        {share: np.quantile(each, share, axis=1) for share in OUTAGE},
        np.sort(each[SNR_DB.index(10)]),
    )
