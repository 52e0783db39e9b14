"""Fitting a model: from a set of channels to a run directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

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
from chanvae.io.several import Where, files
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
    open_data,
    open_run,
    vector_of,
)
from chanvae.seeds import generator_for
from chanvae.signal.pipeline import hints, signal_lines
from chanvae.stats.conditions import with_channel_conditions
from chanvae.together import first, joined, make_alike, meet, of_first
from chanvae.training.budget import CLOCKS, Budget
from chanvae.training.calibration import DRAWS, ROUNDS, calibrate
from chanvae.training.card import write_card
from chanvae.training.material import Material, prepare
from chanvae.training.record import CONFIG, Record
from chanvae.training.selecting import FEWEST, SELECTIONS, Selecting
from chanvae.training.stages import stages
from chanvae.training.start import settings, take
from chanvae.training.suited import preset_for
from chanvae.transforms.condition_vector import ConditionVector

Saved = tuple[dict[str, Tensor], dict[str, Any]]
TRIED = 256
"""Channels that are drawn to see how long that takes."""


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
    material = prepare(data, config, progress, scales, device)
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
        if not isinstance(config.model, Rival) and not selecting:
            tilt = config.model.likelihood.kind not in ("paths", "neighbours")
            draws = (
                of_first(lambda: _affordable(run.model, material.train, budget))
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
    for stage in stages(model, material, run.config):
        if position is not None and position["stage"] != stage.name:
            continue
        make_alike(model.state_dict())
        if position is not None and saved is not None:
            stage.go_on(part(saved[0], "stage"), position)
            position = None
        else:
            budget.grant(stage)
        stage.run(partial(record.report, stage, lambda: describe(run)))
