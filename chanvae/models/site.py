"""All that a fitted model needs to turn conditions into channels."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from chanvae.channels import ChannelDataset
from chanvae.config import AnyModel
from chanvae.models.context import Context
from chanvae.models.cvae import draw
from chanvae.models.densities import prior_of
from chanvae.models.family import model_of
from chanvae.models.maps import Draw, Drawing
from chanvae.models.meeting import Meeting
from chanvae.models.paths import Paths
from chanvae.models.priors import TOGETHER, PosePrior
from chanvae.models.selection import AHEAD, FEW, ROUNDS, Selection
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.condition_vector import ConditionVector
from chanvae.transforms.registration import Pose, register, unregister

NEAR = 0.05
"""Relative error at which a spread counts as met."""
KNOTS = 21
"""Knots of the map from conditions held to conditions told."""


@dataclass(frozen=True)
class Registered:
    """Training material: registered maps, the pose taken out of them, condition vectors.

    Args:
        x: Complex ``[n, *grid.shape]``.
        pose: Gain, phase and place ``[n]``.
        c: Condition vectors ``[n, conditions]``.
    """

    x: Tensor
    pose: Pose
    c: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index) -> "Registered":
        return Registered(self.x[index], self.pose[index], self.c[index])


class SiteModel(nn.Module):
    """Registration, autoencoder, context and prior of one site.

    Args:
        grid: Axes of the maps.
        vector: Its conditions.
        config: Which model.
        template: Axes of its channels; no realisations are needed.
        varying: Entries of the pose that vary; ``None`` before the pose prior is fitted.

    The calibration sets what is left: ``tilt`` weights drawn maps by delay ``[delays]``; where
    the data hold conditions ``held``, the networks are told ``told``, ``[conditions, knots]``.
    """

    tilt: Tensor
    held: Tensor
    told: Tensor

    def __init__(
        self,
        grid: AngleDelay,
        vector: ConditionVector,
        config: AnyModel,
        template: ChannelDataset,
        varying: int | None = None,
    ) -> None:
        super().__init__()
        self.grid, conditions = grid, vector.width
        self.meeting = Meeting(grid, vector, template)
        asked = getattr(config, "meet", "never") == "asked"
        self.meets = asked and bool(self.meeting.entries)
        self.context = Context(grid, conditions)
        self.cvae = model_of(grid, self.context.width, config)
        self.pose_prior = PosePrior(len(grid.shape), conditions, varying)
        prior = getattr(config, "prior", None)
        self.latent_prior = prior_of(grid, self.cvae, self.context.width, prior)
        how = getattr(config, "selection", None)
        self.selection = self.met_selection = None
        if how is not None:
            self.selection = Selection(template, vector, how.draws)
        if how is not None and how.met and self.meets:
            few = min(how.draws, FEW)  # these cost five times as much
            self.met_selection = Selection(template, vector, few, self.meeting.places)
        self.register_buffer("tilt", torch.ones(grid.shape[-1]))
        knots = torch.linspace(-4, 4, KNOTS, dtype=torch.float64)
        self.register_buffer("held", knots.expand(conditions, -1).clone())
        self.register_buffer("told", knots.expand(conditions, -1).clone())

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.tilt.device

    def register(self, h: Tensor) -> tuple[Tensor, Pose]:
        """Channels ``[n, rx, tx, time, freq]`` to registered maps and poses."""
        return register(self.grid.unfold(h), self.grid)

    @property
    def selections(self) -> tuple[Selection | None, Selection | None]:
        """What chooses among draws, and among those whose spreads are met."""
        return self.selection, self.met_selection

    @property
    def spreads(self) -> Tensor:
        """Entries of a condition vector that are spreads, and can be met ``[conditions]``."""
        entries = torch.zeros(len(self.held), dtype=torch.bool, device=self.held.device)
        entries[self.meeting.entries] = True
        return entries

    @torch.no_grad()
    def posterior(self, data: Registered, generator: torch.Generator | None = None) -> Tensor:
        """A draw of the latent of each realisation ``[n, *latent_shape]``."""
        mean, log_variance = self.cvae.encode(data.x, self.context(data.c, data.pose))
        return draw(mean, log_variance, generator)

    @torch.no_grad()
    def draw(
        self,
        c: Tensor,
        generator: torch.Generator | None = None,
        asked: Tensor | None = None,
        met: bool | None = None,
        again: int = 0,
        every: bool = False,
    ) -> Tensor:
        """Channels for condition vectors: ``[n, conditions]`` to ``[n, rx, tx, time, freq]``.

        Args:
            c: Condition vectors.
            generator: What is drawn from.
            asked: Entries of the vectors that somebody asked for, ``[conditions]``: they are to
                be right on average. The others stand for the data, and are to be distributed
                as in the data once they are drawn.
            met: Whether draws are changed until they have the spreads in ``c``; by default if
                these are asked for, unless the configuration says never.
            again: Times that draws which no change brings within :data:`NEAR` of those spreads
                are drawn anew; the nearest stays.
            every: Keep every draw. Otherwise those are drawn anew that the selection refuses.
        """
        met = self.is_met(asked) if met is None else met
        h = self._draw(c, generator, asked, met, again)
        selection = self.selections[met]
        if every or selection is None or not selection.active:
            return h
        (refused,) = torch.nonzero(~selection.kept(h, c, generator), as_tuple=True)
        for _ in range(ROUNDS):
            if not len(refused):
                break
            each = max(AHEAD // len(refused), 1)
            told = c[refused].repeat_interleave(each, 0)
            anew = self._draw(told, generator, asked, met, again)
            kept = selection.kept(anew, told, generator).reshape(-1, each)
            before = (kept.cumsum(1) == 0).sum(1)  # draws before the first that is kept
            start = each * torch.arange(len(refused), device=c.device)
            h[refused] = anew[start + before.clamp(max=each - 1)]
            refused = refused[before == each]
        return h

    def _draw(
        self,
        c: Tensor,
        generator: torch.Generator | None,
        asked: Tensor | None,
        met: bool,
        again: int,
    ) -> Tensor:
        """Channels of which every one is kept; arguments as for :meth:`draw`."""
        h = self.realise(*self.start(c, generator, asked), c, generator, met)
        for _ in range(again if met else 0):
            missed = self.meeting.missed(h, c)
            (far,) = torch.nonzero(missed > NEAR, as_tuple=True)
            if not len(far):
                break
            told = c[far]
            anew = self.realise(*self.start(told, generator, asked), told, generator, met)
            nearer = self.meeting.missed(anew, told) < missed[far]
            h[far[nearer]] = anew[nearer]
        return h

    @torch.no_grad()
    def draw_maps(
        self, c: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Pose]:
        """Registered maps ``[n, *grid.shape]`` as the networks draw them, and poses.

        Args:
            c: Condition vectors ``[n, conditions]``.
            generator: What is drawn from.
        """
        z, context, pose = self.start(c, generator)
        maps = [self.maps(z[rows], context[rows], generator) for rows in _parts(len(c))]
        return torch.cat(maps), pose

    @torch.no_grad()
    def start(
        self, c: Tensor, generator: torch.Generator | None = None, asked: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Pose]:
        """What channels are made from: latents, contexts, poses; arguments as for :meth:`draw`."""
        pose = self.pose_prior.sample(c, generator)
        context = self.context(self.tell(c, asked), pose)
        return self.latent_prior.sample(context, generator), context, pose

    @torch.no_grad()
    def realise(
        self,
        z: Tensor,
        context: Tensor,
        pose: Pose,
        c: Tensor,
        generator: torch.Generator | None,
        met: bool,
    ) -> Tensor:
        """Channels ``[n, rx, tx, time, freq]``.

        Args:
            z: Latents ``[n, *latent_shape]``.
            context: What the networks are told ``[n, width]``.
            pose: Poses.
            c: Conditions that are to be met ``[n, conditions]``.
            generator: What is drawn from.
            met: Change them until they have those conditions.
        """
        h = None
        for rows in _parts(len(c)):
            if met and self.meeting.entries:
                part = self._meet(z[rows], context[rows], pose[rows], c[rows], generator)
            else:
                part = self.restore(self.maps(z[rows], context[rows], generator), pose[rows])
            h = part.new_empty(len(c), *part.shape[1:]) if h is None else h
            h[rows] = part
        assert h is not None
        return h

    def is_met(self, asked: Tensor | None) -> bool:
        """Whether spreads are met where the entries ``asked`` are asked for ``[conditions]``."""
        return self.meets and asked is not None and bool(asked[self.meeting.entries].any())

    def maps(self, z: Tensor, context: Tensor, generator: torch.Generator | None) -> Tensor:
        """Registered maps ``[n, *grid.shape]`` of latents.

        Args:
            z: Latents ``[n, *latent_shape]``.
            context: What the networks are told ``[n, width]``.
            generator: What is drawn from.
        """
        return self.cvae.decode(z, context).sample(generator) * self.tilt

    def _meet(
        self, z: Tensor, context: Tensor, pose: Pose, c: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        """Channels with the conditions that are to be met."""
        said = self.cvae.decode(z, context)
        paths = isinstance(said, Paths)
        drawing = said.drawing(generator) if paths else _drawn(said, generator)

        def tilted(weights: Tensor | None = None, stretch: Tensor | None = None) -> Tensor:
            return drawing(weights, stretch) * self.tilt

        return self.meeting.meet(tilted, paths and bool(said.peak), c, pose, self.restore)

    def tell(self, c: Tensor, asked: Tensor | None = None) -> Tensor:
        """What the networks are told for condition vectors ``[n, conditions]``."""
        values = c.T.contiguous().double()
        right = torch.searchsorted(self.held, values).clamp(1, self.held.shape[1] - 1)
        left = right - 1
        low, high = self.held.gather(1, left), self.held.gather(1, right)
        share = ((values - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
        start, end = self.told.gather(1, left), self.told.gather(1, right)
        beyond = values - values.clamp(self.held[:, :1], self.held[:, -1:])
        mapped = (start + share * (end - start) + beyond).T.to(c.dtype)
        if asked is None:
            return mapped
        return torch.where(asked, c + (self.told - self.held).mean(1).to(c.dtype), mapped)

    def restore(self, x: Tensor, pose: Pose) -> Tensor:
        """Drawn maps and poses to channels whose gain is the pose's exactly."""
        power = torch.view_as_real(x).square().flatten(1).mean(1) * 2
        pose = replace(pose, gain=pose.gain / power)
        return self.grid.fold(unregister(x, pose, self.grid))


def _drawn(said: Drawing, generator: torch.Generator | None) -> Draw:
    """One draw, as it is or with its bins weighted."""
    x = said.sample(generator)

    def draw(weights: Tensor | None = None, stretch: Tensor | None = None) -> Tensor:
        return x if weights is None else x * weights

    return draw


def _parts(n: int) -> list[slice]:
    return [slice(start, start + TOGETHER) for start in range(0, n, TOGETHER)]
