"""A fitted model with all it needs to be used again: the run directory, and drawing from it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import chanvae
from chanvae.arrays import ArrayGeometry
from chanvae.channels import ChannelDataset, Meta
from chanvae.checkpoint import Allowance, load, part, prefixed, save
from chanvae.config import FitConfig
from chanvae.device import placed
from chanvae.errors import DataError
from chanvae.exact import Exact, Tally, exactly
from chanvae.io.read import load as load_data
from chanvae.io.several import Where
from chanvae.models.selection import ADDED
from chanvae.models.site import SiteModel
from chanvae.seeds import generator_for
from chanvae.signal.normalization import GAIN, denormalise
from chanvae.split import Split, split
from chanvae.stats.conditions import with_channel_conditions
from chanvae.threads import in_order
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.condition_vector import Column, ConditionVector

SCHEMA_VERSION = 1
DAMAGE = (
    KeyError, IndexError, TypeError, AttributeError, RuntimeError, ValueError, OverflowError,
    MemoryError,
)  # fmt: skip
"""What tensors and a header raise that do not belong together."""
MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"
AGAIN = 3
"""Times that draws far from the spreads asked of them are drawn anew, unless said otherwise."""
BATCH = 1024
"""Realisations drawn from one generator: part of what a seed means, so it never changes."""


@dataclass(frozen=True)
class Run:
    """A fitted model.

    Args:
        config: What the fit was told.
        vector: Conditions of the model and the ranges that are known.
        model: Networks and prior.
        template: A set of no realisations: axes, arrays, meta of the channels to make.
        known: Conditions of the training realisations, name -> ``[n]``.
        realisations: How many the set held that was parted for the fit.
        gains: Power of the training realisations as measured ``[n]``, where each was scaled to
            unit power; else empty.
        source: Where the training data lie and how they are read; empty for data in memory.
        directory: Where the run lies; ``None`` before it is saved.
    """

    config: FitConfig
    vector: ConditionVector
    model: SiteModel
    template: ChannelDataset
    known: Mapping[str, np.ndarray]
    realisations: int
    gains: np.ndarray = field(default_factory=lambda: np.zeros(0))
    source: Mapping[str, Any] = field(default_factory=dict)
    directory: Path | None = None

    @property
    def device(self) -> torch.device:
        """Where its networks draw; channels come back in the memory of the processor."""
        return self.model.device

    def to(self, device: str | torch.device) -> Run:
        """The same run, drawing on ``cpu``, ``cuda`` or ``cuda:N``.

        Raises:
            DataError: That device is not there.
        """
        there = placed(device)
        if there == self.device:
            return self
        return replace(self, model=copy.deepcopy(self.model).to(there))

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        generator: torch.Generator | None = None,
        extrapolate: bool = False,
        exact: Exact | float | None = None,
        again: int = AGAIN,
        every: bool = False,
        **conditions: Any,
    ) -> ChannelDataset:
        """Generate channels in memory.

        Args:
            n: Number of realisations.
            seed: The same seed gives the same channels, on the same kind of device.
            generator: Draws the seed, if given.
            extrapolate: Allow conditions outside what the training data held.
            exact: Keep only channels whose spreads are within a tolerance of the asked ones (0.05
                is 5 %); ``meta.provenance["exact"]`` says how many were drawn for that.
            again: Times that draws which cannot be brought near the spreads asked of them are
                drawn anew, the nearest kept; not with ``exact``, which draws until they are.
            every: Keep every draw, where the model has learned which ones measured channels could
                not be: several times as fast, and further from them.
            conditions: SI values, one for all or ``[n]``; those not given are drawn as they
                occur in the training data together with the given ones.

        Returns:
            A set whose conditions are the ones asked for, with the power that was measured: the
            normalisation of the training data is undone where it is known.

        Raises:
            DataError: A condition that the model does not have, or out of its range; ``exact``
                cannot be met within its cost.
        """
        if generator is not None:
            seed = int(torch.randint(2**31, (1,), generator=generator))
        options = {"seed": seed, "extrapolate": extrapolate, "exact": exact, "again": again}
        parts = list(self.batches(n, **options, every=every, **conditions))
        return replace(
            parts[-1],
            h=np.concatenate([p.h[:] for p in parts]),
            conditions={k: np.concatenate([p.conditions[k] for p in parts]) for k in self.known},
        )

    def batches(
        self,
        n: int,
        *,
        seed: int = 0,
        extrapolate: bool = False,
        exact: Exact | float | None = None,
        again: int = AGAIN,
        every: bool = False,
        blocks: range | None = None,
        **conditions: Any,
    ) -> Iterator[ChannelDataset]:
        """The same as :meth:`sample`, :data:`BATCH` realisations at a time, the last one fewer.

        ``blocks`` says which batches are wanted; each depends on its number alone.
        """
        if n < 1:
            raise DataError(f"n = {n}: ask for at least one realisation")
        asked = self._asked(n, conditions, extrapolate)
        wanted = self.vector.entries(asked)
        exact = Exact(exact) if isinstance(exact, float | int) else exact
        tally = Tally()
        starts = range(0, n, BATCH)
        blocks = range(len(starts)) if blocks is None else blocks

        def asked_in(start: int) -> dict[str, np.ndarray]:
            return {name: v[start : start + BATCH] for name, v in asked.items()}

        def block(k: int) -> ChannelDataset:
            size = min(BATCH, n - starts[k])
            generator = generator_for(seed, "generate", k, self.device)
            return self._draw(asked_in(starts[k]), size, wanted, generator, again, every)

        if exact is None:
            each = in_order if self.device.type == "cpu" else map  # a GPU is shared by all cores
            for drawn in each(block, blocks):
                yield self._said(drawn, seed)
            return
        for k in blocks:
            now, purpose = asked_in(starts[k]), f"generate {k} exactly"

            def draw(
                rows: np.ndarray, number: int, now: Any = now, purpose: str = purpose
            ) -> ChannelDataset:
                these = {name: v[rows] for name, v in now.items()}
                generator = generator_for(seed, purpose, number, self.device)
                return self._draw(these, len(rows), wanted, generator, 0, every)

            drawn, more = exactly(draw, now, exact)
            tally = tally + more
            yield self._said(drawn, seed, exact={**asdict(exact), **asdict(tally)})

    def _said(self, drawn: ChannelDataset, seed: int, **told: Any) -> ChannelDataset:
        """The same with where it comes from."""
        provenance = {
            "source": f"generated by chanvae {chanvae.__version__}",
            "run": str(self.directory or ""),
            "seed": seed,
            **told,
            "training_data": dict(self.template.meta.provenance),
        }
        return replace(drawn, meta=replace(drawn.meta, provenance=provenance))

    def _draw(
        self,
        asked: Mapping[str, np.ndarray],
        n: int,
        wanted: Tensor,
        generator: torch.Generator,
        again: int,
        every: bool,
    ) -> ChannelDataset:
        """Channels ``[n]`` in measured units, with their conditions."""
        drawn, gain = self.complete(asked, n, generator)
        c, wanted = self.vector.encode(drawn, n).to(self.device), wanted.to(self.device)
        h = self.model.draw(c, generator, wanted, again=again, every=every)
        return self.channels(h, drawn, gain)

    def complete(
        self, asked: Mapping[str, np.ndarray], n: int, generator: torch.Generator
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Conditions and gains ``[n]``: those asked for, the others of training realisations."""
        rows = self._rows(n, asked, generator)
        return self._conditions(asked, rows), self._gain(rows)

    def channels(
        self, h: Tensor, conditions: Mapping[str, np.ndarray], gain: Mapping[str, np.ndarray]
    ) -> ChannelDataset:
        """Drawn channels ``[n, rx, tx, time, freq]`` in measured units, with their conditions."""
        h = h.to(torch.complex64).cpu()
        scaled = replace(self.template, h=h.numpy(), conditions={**gain, **conditions})
        return replace(denormalise(scaled), conditions=dict(conditions))

    def _rows(
        self, n: int, asked: Mapping[str, np.ndarray], generator: torch.Generator
    ) -> np.ndarray:
        """Training realisations ``[n]`` that lend what was not asked for.

        Each is drawn from the half per cent (at least 20) that are nearest in the conditions
        asked for.
        """
        total = len(next(iter(self.known.values()), self.gains))
        if not total:
            return np.zeros(0, np.int64)
        chance = partial(torch.randint, size=(n,), generator=generator, device=generator.device)
        rows = chance(total).cpu()
        if asked and (len(asked) < len(self.vector.columns) or len(self.gains)):
            given = ConditionVector(tuple(c for c in self.vector.columns if c.name in asked))
            here, there = given.encode(asked, n), given.encode(self.known, total)
            unique, back = torch.unique(here, dim=0, return_inverse=True)
            near = min(max(20, total // 200), total)
            pick = chance(near).cpu()
            nearest = torch.stack(
                [
                    (there - point).square().sum(1).topk(near, largest=False).indices
                    for point in unique
                ]
            )
            rows = nearest[back, pick]
        return rows.numpy()

    def _conditions(
        self, asked: Mapping[str, np.ndarray], rows: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Conditions ``[n]``: those asked for, the others of training realisations."""
        return {
            c.name: asked[c.name] if c.name in asked else self.known[c.name][rows]
            for c in self.vector.columns
        }

    def _gain(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The power of training realisations, where each was scaled to unit power."""
        return {GAIN: self.gains[rows]} if len(self.gains) else {}

    def _asked(
        self, n: int, conditions: Mapping[str, Any], extrapolate: bool
    ) -> dict[str, np.ndarray]:
        asked = {}
        for name, value in conditions.items():
            column = self.vector.column(name)
            values = np.asarray(value)
            if values.shape not in ((), (n,)):
                raise DataError(f"{name}: give one value or {n}, not {values.shape}")
            column.check(np.atleast_1d(values), extrapolate)
            asked[name] = np.broadcast_to(values, (n,))
        return asked

    def dataset(self, path: str | Path | None = None) -> ChannelDataset:
        """The data the run was fitted on, with their conditions; ``path`` if they have moved."""
        dataset = open_data(self.source, path)
        if len(dataset) != self.realisations:
            raise DataError(
                f"{path or self.source['path']}: holds {len(dataset)} realisations, but the run "
                f"was fitted on a set of {self.realisations}; name that file with --data, or use "
                "`chanvae compare` for another"
            )
        return dataset

    def split(self, dataset: ChannelDataset) -> Split:
        """The parts of ``dataset`` that trained, chose and judge this run."""
        return split_for(dataset, self.config)

    def save(self, directory: str | Path) -> Run:
        """Write ``model.safetensors`` into a folder, with all of the run in its header."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        tensors, header = describe(self)
        save(folder / MODEL, tensors, header)
        return replace(self, directory=folder)


def describe(run: Run) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A run as tensors and a JSON header."""
    template = run.template
    tensors = prefixed(run.model.state_dict(), "model")
    tensors["freq"], tensors["time"] = (torch.as_tensor(a) for a in (template.freq, template.time))
    if len(run.gains):
        tensors["gains"] = torch.as_tensor(run.gains)
    for column in run.vector.columns:
        values = run.known[column.name]
        if column.categories:
            values = np.searchsorted(np.array(column.categories), values)
        tensors[f"known.{column.name}"] = torch.as_tensor(np.ascontiguousarray(values))
    return tensors, {
        "schema_version": SCHEMA_VERSION,
        "chanvae_version": chanvae.__version__,
        "config": run.config.model_dump(mode="json"),
        "conditions": [asdict(c) for c in run.vector.columns],
        "rx_array": template.rx_array.to_json(),
        "tx_array": template.tx_array.to_json(),
        "realisations": run.realisations,
        "meta": asdict(replace(template.meta, provenance=dict(template.meta.provenance))),
        "source": dict(run.source),
    }


def open_run(directory: str | Path) -> Run:
    """Open a run directory.

    Raises:
        DataError: It is not one, is unfinished, or was written by a newer or too old a chanvae.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such run directory; `chanvae fit -o {folder}` makes one")
    if not (folder / MODEL).is_file():
        if (folder / CHECKPOINT).is_file():
            raise DataError(
                f"{folder}: this fit is not finished; go on with "
                f"`chanvae fit --resume -o {folder}`"
            )
        raise DataError(f"{folder}: not a run directory, it has no {MODEL}")
    return restore(*load(folder / MODEL), directory=folder)


def config_of(header: Mapping[str, Any]) -> FitConfig:
    """The configuration of a run; one from before draws were selected keeps every draw."""
    told = dict(header["config"])
    if told["model"].get("kind") == "cvae":
        selection = told["model"].get("selection")
        selection = selection and {"met": 0, **selection}
        told["model"] = {**told["model"], "selection": selection}
    return FitConfig.model_validate(told)


def restore(tensors: dict[str, Tensor], header: dict[str, Any], directory: Path) -> Run:
    """The inverse of :func:`describe`."""
    version = header.get("schema_version")
    if not isinstance(version, int):
        raise DataError(f"{directory}: its {MODEL} was not written by chanvae")
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{directory}: run of schema {version}, this chanvae reads up to {SCHEMA_VERSION}; "
            "install a newer chanvae"
        )
    try:
        config = config_of(header)
        vector = vector_of(header)
        rx, tx = (ArrayGeometry.from_json(header[k]) for k in ("rx_array", "tx_array"))
        freq, time = tensors["freq"].numpy(), tensors["time"].numpy()
        template = ChannelDataset(
            h=np.zeros((0, rx.size, tx.size, len(time), len(freq)), np.complex64),
            freq=freq,
            time=time,
            conditions={c.name: np.zeros(0) for c in vector.columns},
            condition_units={c.name: c.unit for c in vector.columns},
            rx_array=rx,
            tx_array=tx,
            meta=Meta(**header["meta"]),
        )
        state = part(tensors, "model")
        varying = int(state["pose_prior.varying"].sum())
        # Weights are drawn before they are replaced.
        with torch.random.fork_rng(devices=[]), Allowance(state):
            model = SiteModel(grid_of(template), vector, config.model, template, varying)
        fresh = model.state_dict()
        state = {k: v for k, v in fresh.items() if k.endswith(ADDED)} | state
        differs = fresh.keys() ^ state.keys()
        if not differs:
            model.load_state_dict(state)
        known = {c.name: _known(tensors[f"known.{c.name}"].numpy(), c) for c in vector.columns}
        realisations, source = int(header["realisations"]), dict(header["source"])
        gains = tensors["gains"].numpy() if "gains" in tensors else np.zeros(0)
    except DAMAGE as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{directory}: the run is damaged ({first}); fit it again") from None
    if differs:
        version = header.get("chanvae_version")
        raise DataError(
            f"{directory}: fitted by chanvae {version}, whose networks had other weights "
            f"({min(differs)}); fit it again with this one"
        )
    return Run(
        config,
        vector,
        model.eval(),
        template,
        known,
        realisations,
        gains,
        source,
        directory,
    )


def vector_of(header: Mapping[str, Any]) -> ConditionVector:
    """The conditions that the header of a run or checkpoint says."""
    columns = [{**c, "categories": tuple(c["categories"])} for c in header["conditions"]]
    return ConditionVector(tuple(Column(**c) for c in columns))


def _known(values: np.ndarray, column: Column) -> np.ndarray:
    return np.array(column.categories)[values] if column.categories else values


def open_data(source: Mapping[str, Any], path: Where | None = None) -> ChannelDataset:
    """Read the data a run names, with delay and angular spread computed."""
    where = path or source.get("path")
    if where is None:
        raise DataError("the run was fitted on data in memory; name their file with --data")
    # A stranger's run does not say what is trusted.
    reading = {k: v for k, v in source.get("reading", {}).items() if k != "trusted"}
    return with_channel_conditions(load_data(where, **reading))


def split_for(dataset: ChannelDataset, config: FitConfig) -> Split:
    """The split that a configuration means."""
    data = config.data
    return split(dataset, data.group, data.validation, data.test, config.seed, data.split)


def grid_of(dataset: ChannelDataset) -> AngleDelay:
    """The axes of a set."""
    return AngleDelay(dataset.rx_array, dataset.tx_array, len(dataset.time), len(dataset.freq))
