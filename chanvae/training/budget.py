"""A fit within a time: each stage is tried for a few steps, then given as many as fit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chanvae.config import FitConfig, Rival
from chanvae.errors import DataError
from chanvae.together import of_first
from chanvae.training.loop import VALIDATIONS, Stage

CLOCKS = {"wall": time.monotonic, "cpu": time.process_time}
"""Seconds that pass, and seconds that the cores work for this process."""
SHARES = {"autoencoder": 0.4, "rival": 0.9, "pose": 0.03, "prior": 0.16, "refinement": 0.38,
          "selection": 0.05, "met selection": 0.05}  # fmt: skip
"""How stages share the time, in proportion; those that a fit does not have leave it to others."""
CALIBRATION = 0.12
"""Share of the time for drawing to calibrate."""
SELECTION = 0.06
"""Share of the time for drawing what a selection learns from."""
LOOKS = 10
"""Validations of a stage, at least, that must fit."""
OVER = 1.15
"""A stage is ended when it takes this much longer, as where another program takes the cores."""
_TRIED = 6
_LOOKED_AT = 5e-4
"""Seconds that looking at a measured and a drawn channel takes, or less."""


class Budget:
    """The clock of one fit.

    Args:
        config: What the fit was told; ``training.seconds`` of ``training.clock`` are the time.
        say: Called with a line where a stage is left less than one pass over the data.
        started: Value of the clock when the fit began.
        spent: Seconds that an earlier part of the same fit took.
    """

    def __init__(
        self,
        config: FitConfig,
        say: Callable[[str], object],
        started: float,
        spent: float = 0.0,
    ) -> None:
        self._seconds, self._say = config.training.seconds, say
        self._started = started - spent
        self._clock = CLOCKS[config.training.clock]
        names = {"rival", "pose"} if isinstance(config.model, Rival) else {"autoencoder", "pose"}
        if getattr(getattr(config.model, "prior", None), "optimisation", None) is not None:
            names.add("prior")
        if config.training.refinement is not None and "rival" not in names:
            names.add("refinement")
        self._choosing = _selections(config)
        names |= set(self._choosing)
        self._later = SELECTION * self._seconds * len(self._choosing)
        self._names = [name for name in SHARES if name in names]
        self._reserve = 0.0 if "rival" in names else CALIBRATION * self._seconds + self._later

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._seconds - (self._clock() - self._started)

    def draws(self, each: float, rounds: int) -> int:
        """How many channels calibration may draw in each round, at ``each`` seconds a channel."""
        left = max(self.left - self._later, (self._reserve - self._later) / 2)
        return int(left / rounds / max(each, 1e-9))

    def selected(self, each: float, name: str) -> int:
        """How many channels that selection may learn from, at ``each`` seconds a draw."""
        still = len(self._choosing) - self._choosing.index(name)
        left = max(self.left / still, SELECTION * self._seconds / 2)
        return int(left / (each + _LOOKED_AT))

    def grant(self, stage: Stage) -> None:
        """Give a stage as many steps as its share of the time holds.

        Raises:
            DataError: Not even ten steps fit.
        """
        if not self._seconds:
            return
        tried = _tried(stage, self._clock)
        each, look, left = of_first(lambda: [*tried, self.left])
        rest = sum(SHARES[name] for name in self._names[self._names.index(stage.name) :])
        reserve = self._reserve
        if stage.name in self._choosing:
            later = self._choosing[self._choosing.index(stage.name) + 1 :]
            reserve = SELECTION * self._seconds * len(later)
        seconds = (left - reserve) * SHARES[stage.name] / rest
        steps = int((seconds - VALIDATIONS * look) / each)
        if steps < LOOKS and stage.name not in ("autoencoder", "rival"):
            steps = LOOKS  # what earlier stages took too long for is not taken out on the fit
        if steps < LOOKS:
            raise DataError(
                f"{stage.name}: of {self._seconds:g} s {max(seconds, 0):.1f} s are left for it, "
                f"in which not even {LOOKS} steps of {each:.2g} s fit; give more time, or a "
                "smaller model with --set"
            )
        stage.clock = self._clock
        stage.deadline = self._clock() + OVER * max(seconds, LOOKS * each)
        stage.how = stage.how.model_copy(update={"steps": steps, "epochs": steps})
        passes = steps * stage.how.batch / stage.realisations
        if passes < 1 and stage.name in ("autoencoder", "rival"):
            self._say(
                f"warning: the budget of {self._seconds:g} s holds {passes:.2f} of a pass over "
                f"the {stage.realisations:,} training realisations; one takes about "
                f"{self._seconds / passes:.0f} s"
            )


def _selections(config: FitConfig) -> list[str]:
    """Stages that learn which draws are kept, in order."""
    selection, meet = (getattr(config.model, name, None) for name in ("selection", "meet"))
    if selection is None:
        return []
    return ["selection"] + ["met selection"] * (selection.met > 0 and meet != "never")


def _tried(stage: Stage, clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds of a step and of a validation, from a few of each; the network stays as it was."""
    before = {k: v.clone() for k, v in stage.network.state_dict().items()}
    looks: list[float] = []
    ends: list[float] = []

    def validate(generator: Any) -> dict[str, Any]:
        start = clock()
        figures = stage.validate(generator)
        looks.append(clock() - start)
        return figures

    def report(figures: dict[str, Any], validated: bool) -> None:
        ends.append(clock())

    few = stage.how.model_copy(update={"steps": _TRIED, "epochs": _TRIED})
    replace(stage, how=few, validate=validate).run(report)
    stage.network.load_state_dict(before)
    gaps = sorted(b - a - look for a, b, look in zip(ends, ends[1:], looks[-len(ends) + 1 :]))
    return max(gaps[len(gaps) // 2], 1e-5), sorted(looks)[len(looks) // 2]
