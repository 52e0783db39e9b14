"""Fitting a model: from a set of channels to a run directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chanvae.channels import ChannelDataset
from chanvae.checkpoint import load, part
from chanvae.config import FitConfig, Rival
from chanvae.device import placed
from chanvae.errors import DataError
from chanvae.files import TEMPORARY
from chanvae.io.options import settled
from chanvae.io.probe import trust
from chanvae.io.read import require_enough
from chanvae.io.several import Where, files
from chanvae.models.context import Context
from chanvae.models.cvae import draw
from chanvae.models.priors import PosePrior
from chanvae.models.site import Registered, SiteModel
from chanvae.nn.brief import allowed
from chanvae.presets import configure
from chanvae.run import (
    AGAIN,
    CHECKPOINT,
    MODEL,
    Run,
    config_of,
    describe,
    grid_of,
    open_data,
    open_run,
    split_for,
    vector_of,
)
from chanvae.seeds import generator_for
from chanvae.signal.normalization import EACH, GAIN
from chanvae.signal.pipeline import hints, signal_lines
from chanvae.stats.conditions import with_channel_conditions
from chanvae.together import first, joined, make_alike, meet, of_first
from chanvae.training.budget import CLOCKS, Budget
from chanvae.training.calibration import DRAWS, ROUNDS, calibrate
from chanvae.training.card import write_card
from chanvae.training.loop import Stage
from chanvae.training.posterior import Posterior
from chanvae.training.record import CONFIG, Record
from chanvae.training.refinement import Refinement
from chanvae.training.registering import registered
from chanvae.training.room import require_memory
from chanvae.training.schedules import kl_weight
from chanvae.training.selecting import FEWEST, SELECTIONS, Selecting
from chanvae.training.start import settings, take
from chanvae.training.suited import preset_for
from chanvae.training.supply import FileMaps, map_bytes, maps_of
from chanvae.transforms.condition_vector import LOGARITHMIC, ConditionVector

Saved = tuple[dict[str, Tensor], dict[str, Any]]
VALIDATION = 2000
"""Validation realisations looked at, at most."""
SHORT = 500
"""The same of a fit whose time is limited."""
TRIED = 256
"""Channels that are drawn to see how long that takes."""
PREPARED = 10_000
"""Training realisations that models are started from, at most."""


@joined()
def fit(
    data: ChannelDataset | Where | None = None,
    directory: str | Path | None = None,
    config: FitConfig | Callable[[str], FitConfig] | None = None,
    *,
    reading: Mapping[str, Any] | None = None,
    init: Run | str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = False,
    say: Callable[[str], object] = lambda line: None,
    device: str | torch.device = "cpu",
) -> Run:
    """Fit a model to channels.

    Processes that a launcher such as torchrun started all call this alike: each takes its part of
    every batch, the first alone writes and speaks, and all return the same run.

    Args:
        data: A set, or the file or files it lies in; not needed to resume.
        directory: The run directory to make; without one nothing is written.
        config: What to fit and how, or what gives that for the preset that suits the data
            (:func:`~chanvae.training.suited.preset_for`); by default that preset, or the gentler
            settings of ``init``.
        reading: Options of :func:`chanvae.load` for a file.
        init: A run, or its directory, whose weights the fit starts from.
        resume: Go on with a fit that was stopped in ``directory``.
        overwrite: Replace a run in ``directory``.
        progress: Show a progress bar.
        say: Called with what was done to the channels and what the user should know, line by
            line, before the fit begins and where latents die.
        device: Where networks are trained and draw: ``cpu``, ``cuda`` (of several processes each
            takes the GPU of its own number) or ``cuda:N``. What is saved knows nothing of it.

    Returns:
        The fitted run, on that device.

    Raises:
        DataError: The data cannot be used, the directory holds a run already, ``init`` is of
            channels, conditions or networks that are others, or the device is not there.
        KeyboardInterrupt: Stopped by the user; the checkpoint in ``directory`` is up to date.
    """
    started = {k: clock() for k, clock in CLOCKS.items()}
    device = placed(device)
    if not first():
        progress, say = False, lambda line: None
    folder = None if directory is None else Path(directory)
    saved: Saved | None = None
    scales: ConditionVector | None = None
    start: Run | None = None
    if resume:
        if folder is None:
            raise DataError("resume: name the run directory")
        if (folder / MODEL).is_file() and not (folder / CHECKPOINT).is_file():
            return open_run(folder).to(device)
        saved = load(folder / CHECKPOINT)
        config, scales = config_of(saved[1]), vector_of(saved[1])
        source = saved[1]["source"]
        _trust(reading, data or source.get("path"))
        if isinstance(data, ChannelDataset):
            data = with_channel_conditions(data)
        else:
            data = open_data(source, data)
    else:
        if folder is not None and not overwrite and _holds_something(folder):
            raise DataError(
                f"{folder} exists and is not empty; add --overwrite to replace the run in it, "
                "or --resume to go on with it"
            )
        if data is None:
            raise DataError("no data: name a file of channels")
        _trust(reading, data)
        source = {}
        if isinstance(data, ChannelDataset):
            data = with_channel_conditions(data)
        else:
            named = [str(Path(name).resolve()) for name in files(data)]
            where = named[0] if len(named) == 1 else named
            source = {"path": where, "reading": settled(reading or {})}
            data = open_data(source)
        start = open_run(init) if isinstance(init, str | Path) else init
        if start is not None:
            scales = start.vector
            source["init"] = str(start.directory.resolve()) if start.directory else "in memory"
    for line in (*signal_lines(data), *(f"hint: {hint}" for hint in hints(data))):
        say(line)
    if config is None and start is not None:
        config = settings(start)
    if not isinstance(config, FitConfig):
        config = (config or configure)(preset_for(data, say))
    material = _prepare(data, config, progress, scales, device)
    if start is not None:
        take(start, material.model)
    template = replace(material.dataset[:0], groups={})
    run = Run(
        config=config,
        vector=material.vector,
        model=material.model,
        template=template,
        known=material.known,
        realisations=len(material.dataset),
        gains=material.gains,
        source=source,
        directory=folder,
    )
    meet()  # from here on the folder changes
    with Record(folder if first() else None, config, resume, progress, say) as record:
        clock = config.training.clock
        budget = Budget(config, say, started[clock], saved[1]["elapsed"] if saved else 0.0)
        with allowed(config.training.sixteen_bits):
            _train(run, material, record, saved, budget)
        run.model.eval()
        selecting = saved is not None and saved[1]["position"]["stage"] in SELECTIONS
        if first() and not isinstance(config.model, Rival) and not selecting:
            tilt = config.model.likelihood.kind not in ("paths", "neighbours")
            draws = (
                _affordable(run.model, material.train, budget)
                if config.training.seconds
                else DRAWS
            )
            calibrate(run.model, material.train, run.vector, template, config.seed, tilt, draws)
        make_alike(run.model.state_dict())
        _select(run, material, record, saved if selecting else None, budget)
        if folder is not None and first():
            run.save(folder)
            write_card(run, material.dataset, material.sizes, record)
            (folder / CHECKPOINT).unlink(missing_ok=True)
    meet()
    return run


def _trust(reading: Mapping[str, Any] | None, data: ChannelDataset | Where | None) -> None:
    """Trust the files of the data where that is said, here and as long as they are read."""
    named = None if isinstance(data, ChannelDataset) else data
    if (reading or {}).get("trusted") and named is not None:
        trust(files(named))


def _holds_something(folder: Path) -> bool:
    """Whether a folder holds more than a fit that was killed before its first checkpoint left."""
    found = folder.iterdir() if folder.is_dir() else ()
    return any(p.name != CONFIG and not p.match(TEMPORARY) for p in found)


@dataclass(frozen=True)
class Material:
    """A set made ready for training.

    Args:
        dataset: The set with its conditions.
        vector: Conditions of the model.
        known: Their values in the training part.
        gains: Power of the training part as measured, where each was scaled to unit power.
        model: The untrained model, its constants fitted to the training part.
        train: Registered training part; its maps stay in the file where they are many.
        validation: Registered validation part, at most :data:`VALIDATION` realisations.
        sizes: Realisations for training, validation and test.
    """

    dataset: ChannelDataset
    vector: ConditionVector
    known: dict[str, np.ndarray]
    gains: np.ndarray
    model: SiteModel
    train: Registered
    validation: Registered
    sizes: tuple[int, int, int]


def _prepare(
    dataset: ChannelDataset,
    config: FitConfig,
    progress: bool,
    scales: ConditionVector | None = None,
    device: torch.device | str = "cpu",
) -> Material:
    require_enough(dataset)
    for name in config.data.conditions:
        if name not in dataset.conditions:
            known = ", ".join(dataset.conditions) or "none"
            raise DataError(f"condition {name!r} is not in the data; they have: {known}")
    parts = split_for(dataset, config)
    names = tuple(n for n in (*LOGARITHMIC, *config.data.conditions) if n in dataset.conditions)
    known = {n: dataset.conditions[n][parts.train] for n in names}
    vector = ConditionVector.fit(known, dataset.condition_units, names)
    vector = vector if scales is None else vector.scaled_as(scales)
    grid = grid_of(dataset)
    told = Context(grid, vector.width).width
    require_memory(grid, told, config, len(parts.train), torch.device(device))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = SiteModel(grid, vector, config.model, dataset).to(device)
        limit = config.data.memory_gib * 2**30
        train = registered(dataset, parts.train, model, vector, limit, progress)
        model.pose_prior = PosePrior.fitted(train.pose, vector.width).to(device)
    model.context.fit(train.pose)
    if model.cvae.prepared:
        most = min(PREPARED, max(int(limit / 8) // map_bytes(model.grid), 256))
        some = torch.linspace(0, len(train) - 1, min(most, len(train))).long()
        maps = maps_of(train, some)
        told = model.context(train.c[some], train.pose[some])
        model.cvae.prepare(maps, told, config.seed)
    most = SHORT if config.training.seconds else VALIDATION
    few = parts.validation[: max(min(most, int(limit / 8) // map_bytes(model.grid)), 256)]
    validation = registered(dataset, few, model, vector)
    validation = replace(validation, x=validation.x.to(device))
    sizes = (len(parts.train), len(parts.validation), len(parts.test))
    known_gains = dataset.meta.normalization == EACH and GAIN in dataset.conditions
    gains = np.asarray(dataset.conditions[GAIN][parts.train] if known_gains else [], np.float64)
    return Material(dataset, vector, known, gains, model, train, validation, sizes)


def _stages(model: SiteModel, material: Material, config: FitConfig) -> Iterator[Stage]:
    """The autoencoder, what poses and latents are drawn from, then the decoder once more."""
    train, validation, how = material.train, material.validation, config.training
    order = train.x.order if isinstance(train.x, FileMaps) else None
    context = model.context(train.c, train.pose)
    context_validation = model.context(validation.c, validation.pose)

    def loss(rows: Tensor, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        weight = kl_weight(step, autoencoder.steps, how)
        told = context[rows]
        x = train.x[rows].to(told.device)
        return model.cvae.loss(x, told, generator, step, weight, how.free_bits)

    def validate(generator: torch.Generator) -> dict[str, Any]:
        return model.cvae.validate(validation.x, context_validation, generator)

    seed = config.seed
    rival = isinstance(config.model, Rival)
    first = config.model.optimisation if isinstance(config.model, Rival) else how.optimisation
    autoencoder = Stage(
        "rival" if rival else "autoencoder", model.cvae, first, len(train), loss, validate, seed,
        order, game=config.model.kind == "wgan",
    )  # fmt: skip
    yield autoencoder
    model.cvae.eval()
    values = model.pose_prior.gaussian(train.pose, generator_for(seed, "pose", 0, model.device))
    held_out = model.pose_prior.gaussian(
        validation.pose, generator_for(seed, "pose", 1, model.device)
    )
    if model.pose_prior.flow is not None:
        yield Stage(
            "pose",
            model.pose_prior,
            how.pose,
            len(train),
            lambda rows, _, __: {"loss": -model.pose_prior.log_prob(values[rows], train.c[rows])},
            lambda _: {"loss": -float(model.pose_prior.log_prob(held_out, validation.c).mean())},
            seed,
        )
    if isinstance(config.model, Rival):
        return
    optimisation = getattr(config.model.prior, "optimisation", None)
    train_posterior = Posterior(model, train, context)
    model.latent_prior.fit_scale(
        train_posterior.sample(generator_for(seed, "scale", 0, model.device))
    )
    validation_posterior = Posterior(model, validation, context_validation)
    other = validation_posterior.sample(generator_for(seed, "z", 0, model.device))

    def prior_loss(rows: Tensor, _: int, generator: torch.Generator) -> dict[str, Tensor]:
        z = draw(*train_posterior[rows], generator)
        return {"loss": model.latent_prior.loss(z, context[rows], generator)}

    def prior_validate(generator: torch.Generator) -> dict[str, float]:
        return {
            "loss": float(model.latent_prior.loss(other, context_validation, generator).mean())
        }

    if optimisation is not None:
        yield Stage(
            "prior", model.latent_prior, optimisation, len(train), prior_loss, prior_validate,
            seed, order,
        )  # fmt: skip
    if how.refinement is None:
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        bank = generator_for(seed, "refinement bank", 0, model.device)
        refinement = Refinement(model, train, context, validation, bank, seed)
    game = Stage(
        "refinement", refinement.networks, how.refinement, len(train),
        lambda rows, step, generator: refinement.loss(rows, step, generator, game.steps),
        refinement.validate, seed, order, game=True,
    )  # fmt: skip
    yield game


def _affordable(model: SiteModel, train: Registered, budget: Budget) -> int:
    """Channels that a round of calibration may draw in the time that is left."""
    return min(budget.draws(_seconds_of_draw(model, train, budget), ROUNDS), DRAWS)


def _seconds_of_draw(
    model: SiteModel, train: Registered, budget: Budget, asked: Tensor | None = None
) -> float:
    few = train.c[:TRIED]
    start = budget.left
    chance = generator_for(0, "calibration", 0, model.device)
    model.draw(few, chance, asked, again=AGAIN, every=True).cpu()
    return (start - budget.left) / len(few)


def _affordable_to_select(run: Run, train: Registered, budget: Budget, met: bool) -> int:
    """Channels that a selection may draw in the time that is left."""
    if not run.config.training.seconds:
        return len(train)

    def most() -> int:
        asked = run.model.spreads if met else None
        return budget.selected(_seconds_of_draw(run.model, train, budget, asked), SELECTIONS[met])

    return of_first(most)


def _select(
    run: Run, material: Material, record: Record, saved: Saved | None, budget: Budget
) -> None:
    """Learn which draws are kept, from where a checkpoint left it."""
    model, how = run.model, getattr(run.config.model, "selection", None)
    for met, name in zip((False, True), SELECTIONS):
        if how is None or model.selections[met] is None:
            continue
        if saved is not None and saved[1]["position"]["stage"] != name:
            continue
        most = _affordable_to_select(run, material.train, budget, met)
        if min(len(material.train), most) < FEWEST or not len(material.validation):
            return
        selecting = Selecting(
            model, material.train, material.validation, how, most, run.config.seed, met
        )
        stage = selecting.stage
        if saved is not None:
            stage.go_on(part(saved[0], "stage"), saved[1]["position"])
            saved = None
        else:
            budget.grant(stage)
        stage.run(partial(record.report, stage, lambda: describe(run)))
        selecting.end()
        make_alike(model.state_dict())


def _train(
    run: Run, material: Material, record: Record, saved: Saved | None, budget: Budget
) -> None:
    """Run the stages in order, from where a checkpoint left them."""
    model = run.model
    position = None
    if saved is not None:
        position = saved[1]["position"]
        model.load_state_dict(part(saved[0], "model"))
        record.go_on(saved[1])
    for stage in _stages(model, material, run.config):
        if position is not None and position["stage"] != stage.name:
            continue
        make_alike(model.state_dict())
        if position is not None and saved is not None:
            stage.go_on(part(saved[0], "stage"), position)
            position = None
        else:
            budget.grant(stage)
        stage.run(partial(record.report, stage, lambda: describe(run)))
