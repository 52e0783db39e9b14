"""The training loop: one stage of a fit, read from top to bottom."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from chanvae.checkpoint import (
    optimizer_tensors,
    part,
    prefixed,
    restore_optimizer,
)
from chanvae.config import Optimisation
from chanvae.errors import DataError
from chanvae.seeds import generator_for
from chanvae.stopping import Terminated, held
from chanvae.together import average, first, make_alike, of_first, part_of, taking
from chanvae.training.schedules import one_cycle

Terms = dict[str, Tensor]
VALIDATIONS = 20
"""Validations of a stage, about."""
RETREATS = 3
"""Times that a stage whose loss or gradient is not finite goes back, and on at half the rate."""


@dataclass
class Stage:
    """One network under training: where it stands, and all that is needed to go on.

    Args:
        name: ``autoencoder``, ``pose`` or ``prior``.
        network: What is trained; holds the best weights when the stage is done.
        how: Steps, batch, rate.
        realisations: Number of training realisations.
        loss: ``(indices, step, generator)`` to named terms [n]; ``loss`` is minimised.
        validate: Network and generator to named figures; ``loss`` decides which weights are kept.
            Of several processes all validate, in turns or alike.
        seed: Seed of batches and noise; every step draws from a generator of its own.
        order: Generator to the indices of an epoch; by default all of them, well mixed.
        game: Two networks learn against each other, and no validation says which weights are
            best: the last are kept, or those of the start where the last are worse.
        deadline: Value of ``clock`` at which the stage ends, however far it is.
        clock: Seconds from some start.
    """

    name: str
    network: nn.Module
    how: Optimisation
    realisations: int
    loss: Callable[[Tensor, int, torch.Generator], Terms]
    validate: Callable[[torch.Generator], dict[str, Any]]
    seed: int
    order: Callable[[torch.Generator], Tensor] | None = None
    game: bool = False
    deadline: float = math.inf
    clock: Callable[[], float] = time.monotonic
    step: int = 0
    retreats: int = 0
    best: float = math.inf
    since_best: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    averaged: nn.Module | None = None
    optimizer: torch.optim.Optimizer | None = None
    _order: tuple[int, Tensor] | None = None
    _good: tuple[dict[str, Tensor], dict[str, Any]] | None = None

    @property
    def steps(self) -> int:
        """Steps to take: those asked for, or fewer where the data are few."""
        return min(self.how.steps, self.how.epochs * self._per_epoch)

    @property
    def _per_epoch(self) -> int:
        return max(self.realisations // self.how.batch, 1)

    def run(self, report: Callable[[dict[str, Any], bool], None]) -> None:
        """Train to the end; ``report(figures, keep)`` is called along the way.

        ``keep`` asks for a checkpoint: before the first step, after a validation, and after the
        step in which ctrl-C or SIGTERM came, which wait for its end. Where several processes
        train, all do this alike.
        """
        how, steps = self.how, self.steps
        every = max(steps // VALIDATIONS, 1)
        weights = [p for p in self.network.parameters() if p.requires_grad]
        if self.optimizer is None:
            self.optimizer = self._new_optimizer(weights)
        if how.average and self.averaged is None:
            self.averaged = copy.deepcopy(self.network)
        make_alike(self.network.state_dict())
        if self.game and self.step == 0:
            self._choose()
        self._keep()
        if self.step == 0:
            report({}, True)
        stopped = late = False
        with held() as asked_to_stop:
            while self._goes_on() and not (stopped or late):
                generator = generator_for(self.seed, self.name, self.step, self._device)
                for group in self.optimizer.param_groups:
                    rate = one_cycle(self.step, steps, how.learning_rate)
                    group["lr"] = rate * 0.5**self.retreats
                self.optimizer.zero_grad()
                part = part_of(self._batch())
                with taking(part):
                    terms = self.loss(part.rows, self.step, generator)
                    (part.weight * terms["loss"].mean()).backward()
                    flags = asked_to_stop(), first() and self.clock() > self.deadline
                    figures, (stopped, late) = average(weights, terms, flags)
                length = nn.utils.clip_grad_norm_(weights, how.clip)
                if not math.isfinite(figures["loss"] + float(length)):
                    self._retreat()
                    continue
                self.optimizer.step()
                self._average()
                self.step += 1
                figures |= {"retreats": self.retreats} if self.retreats else {}
                if self.step == steps or self.step % every == 0:
                    report(figures | self._choose(), True)
                    self._keep()
                elif self.step % 10 == 0 or stopped:
                    report(figures, stopped)
        if stopped:
            raise Terminated  # another process was asked to, or this one before
        if self.step < steps and (self.game or not self.best_weights):
            self._choose(last=True)
        self.network.load_state_dict(self.best_weights)

    @property
    def _device(self) -> torch.device:
        """Where chance is drawn; the order of batches is the same anywhere."""
        return next(self.network.parameters()).device

    def _goes_on(self) -> bool:
        return self.step < self.steps and self.since_best < self.how.patience

    def _keep(self) -> None:
        """Remember where the stage stands, if its weights are good, to come back to."""
        tensors = self.tensors()
        if all(bool(t.isfinite().all()) for t in tensors.values()):
            self._good = {k: t.clone() for k, t in tensors.items()}, self.position()

    def _retreat(self) -> None:
        """Go back to the last good weights, and on at half the rate; not for ever."""
        if self.retreats == RETREATS or self._good is None:
            rate = self.how.learning_rate * 0.5**self.retreats
            raise DataError(
                f"{self.name}: the loss or its gradient is not finite at step {self.step}, nor "
                f"was it at half the rate, {self.retreats} times; lower the learning rate of this "
                f"stage, at last {rate:g}, with --set"
            )
        retreats = self.retreats + 1
        self.go_on(*self._good)
        self.retreats = retreats

    def tensors(self) -> dict[str, Tensor]:
        """Weights, best weights, averages and optimiser state, to go on from."""
        found = prefixed(self.network.state_dict(), "now")
        found |= prefixed(self.best_weights, "best")
        if self.averaged is not None:
            found |= prefixed(self.averaged.state_dict(), "averaged")
        return found | (optimizer_tensors(self.optimizer) if self.optimizer else {})

    def position(self) -> dict[str, Any]:
        """Where the stage stands, for a header."""
        best = None if math.isinf(self.best) else self.best
        how = {"steps": self.how.steps, "epochs": self.how.epochs, "retreats": self.retreats}
        place = {"stage": self.name, "step": self.step, "best": best, "since": self.since_best}
        return place | how

    def go_on(self, tensors: dict[str, Tensor], position: dict[str, Any]) -> None:
        """Take up what :meth:`tensors` and :meth:`position` gave."""
        self.step, self.since_best = position["step"], position["since"]
        granted = {key: position[key] for key in ("steps", "epochs") if key in position}
        self.how = self.how.model_copy(update=granted)
        self.retreats = position.get("retreats", 0)
        self.best = math.inf if position["best"] is None else position["best"]
        self.network.load_state_dict(part(tensors, "now"))
        self.best_weights = part(tensors, "best")
        if averaged := part(tensors, "averaged"):
            self.averaged = copy.deepcopy(self.network)
            self.averaged.load_state_dict(averaged)
        weights = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = self._new_optimizer(weights)
        restore_optimizer(self.optimizer, tensors)

    def _new_optimizer(self, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
        how = self.how
        betas = (how.momentum, 0.999)
        # One pass over all weights: a tenth of a step of small networks otherwise.
        return torch.optim.AdamW(weights, lr=how.learning_rate, betas=betas, fused=True)

    def _batch(self) -> Tensor:
        """Indices of this step: the data in a new order each epoch."""
        size = min(self.how.batch, self.realisations)
        epoch, place = divmod(self.step, self._per_epoch)
        if self._order is None or self._order[0] != epoch:
            generator = generator_for(self.seed, self.name + " order", epoch)
            if self.order is not None:
                self._order = epoch, self.order(generator)
            else:
                self._order = epoch, torch.randperm(self.realisations, generator=generator)
        return self._order[1][place * size : (place + 1) * size]

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is None:
            return
        decay = min(self.how.average, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.averaged.parameters(), self.network.parameters()):
            mean.lerp_(now, 1 - decay)

    @torch.no_grad()
    def _choose(self, last: bool = False) -> dict[str, Any]:
        """Validate the (averaged) weights and keep them if they are better than those kept."""
        now = {k: v.clone() for k, v in self.network.state_dict().items()}
        if self.averaged is not None:
            self.network.load_state_dict(self.averaged.state_dict())
        make_alike(self.network.state_dict())
        generator = generator_for(self.seed, self.name + " validation", 0, self._device)
        figures = self.validate(generator)
        figures = of_first(lambda: figures)
        self.since_best += not self.game
        if figures["loss"] < self.best and (not self.game or last or self.step in (0, self.steps)):
            self.best, self.since_best = figures["loss"], 0
            self.best_weights = {k: v.clone() for k, v in self.network.state_dict().items()}
        self.network.load_state_dict(now)
        return {f"validation_{k}": v for k, v in figures.items()}
