"""What a fit leaves behind while it runs: metrics, checkpoint, progress bar."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from chanvae.checkpoint import prefixed, save
from chanvae.config import FitConfig
from chanvae.errors import DataError
from chanvae.files import whole
from chanvae.run import CHECKPOINT, MODEL
from chanvae.training.loop import Stage
from chanvae.training.monitor import collapse

METRICS = "metrics.jsonl"
CONFIG = "config.yaml"
OURS = (CHECKPOINT, METRICS, CONFIG, MODEL, "card.md", "training.png")
"""Files of a run directory; replacing a run deletes these and nothing else."""


class Record:
    """The folder and the bar of one fit; a context manager.

    Args:
        folder: The run directory, or ``None`` to write nothing.
        config: Written as ``config.yaml``.
        resume: Go on with what lies in the folder instead of clearing it.
        progress: Show a bar on standard error.
        say: Called with a line where the user should know something.
    """

    def __init__(
        self,
        folder: Path | None,
        config: FitConfig,
        resume: bool,
        progress: bool,
        say: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.folder = folder
        self._config, self._say = config, say
        self.elapsed = 0.0
        self.rows: list[dict[str, Any]] = []
        self._mark = time.monotonic()
        self._active = ""
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for name in () if resume else OURS:
                    (folder / name).unlink(missing_ok=True)
                with whole(folder / CONFIG, overwrite=True) as temporary:
                    temporary.write_text(yaml.safe_dump(config.model_dump(mode="json")))
            except OSError as error:
                raise DataError(f"{folder}: cannot be written ({error.strerror})") from None
        columns = (
            TextColumn("{task.description:>11}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} {task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), disable=not progress)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the bar; a fit that ended before its first checkpoint leaves nothing behind."""
        self._bar.stop()
        if self.folder is None or any((self.folder / k).is_file() for k in (CHECKPOINT, MODEL)):
            return
        for name in OURS:
            (self.folder / name).unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def report(
        self,
        stage: Stage,
        describe: Callable[[], tuple[dict[str, Tensor], dict[str, Any]]],
        figures: dict[str, Any],
        keep: bool,
    ) -> None:
        """Take the figures of one step; those of a validation become a row of the metrics."""
        if figures:
            self._show(stage, figures)
        if not keep:
            return
        now = time.monotonic()
        self.elapsed, self._mark = self.elapsed + now - self._mark, now
        if "validation_loss" in figures:
            row = {"stage": stage.name, "step": stage.step, "seconds": round(self.elapsed, 1)}
            if warning := collapse(figures, stage.step / stage.steps, self._config):
                if not any("warning" in earlier for earlier in self.rows):
                    self._say(warning)
                figures = {**figures, "warning": warning}
            self.rows.append(row | figures)
        if self.folder is None:
            return
        tensors, header = describe()
        reached = {"position": stage.position(), "elapsed": self.elapsed, "metrics": self.rows}
        save(
            self.folder / CHECKPOINT,
            tensors | prefixed(stage.tensors(), "stage"),
            header | reached,
        )
        with whole(self.folder / METRICS, overwrite=True) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def go_on(self, header: Mapping[str, Any]) -> None:
        """Take up what a checkpoint says was reached."""
        self.elapsed, self.rows = header["elapsed"], list(header.get("metrics", []))

    def _show(self, stage: Stage, figures: dict[str, Any]) -> None:
        if stage.name not in self._tasks:
            self._tasks[stage.name] = self._bar.add_task(stage.name, total=stage.steps, figures="")
        names = {"reconstruction": "reconstruction", "kl": "KL", "validation_loss": "validation"}
        parts = [f"{names[k]} {v:.1f}" for k, v in figures.items() if k in names]
        if "validation_active_latents" in figures:
            active, of = (figures[f"validation_{k}"] for k in ("active_latents", "latents"))
            self._active = f"; {active:.0f} of {of:.0f} latents active"
        text = (
            f"{', '.join(parts)} nats{self._active}"
            if "kl" in figures
            else f"loss {figures['loss']:.3f}"
        )
        self._bar.update(self._tasks[stage.name], completed=stage.step, figures=text)
