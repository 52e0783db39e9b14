"""Which draws are kept: those that measured channels could be, by a learned ratio of densities."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from chanvae.catalogue.grid import Grid, View
from chanvae.catalogue.statistics import applicable
from chanvae.channels import ChannelDataset
from chanvae.models.meeting import computed
from chanvae.models.priors import quantiles
from chanvae.nn.blocks import perceptron
from chanvae.transforms.condition_vector import ConditionVector

LEVELS = 257
"""Quantiles that a statistic is made Gaussian by."""
WIDTH, LAYERS = 256, 2
ROUNDS = 32
"""Times that a draw which is not kept is drawn anew; the last is kept as it is."""
FEW = 3.0
"""Draws for one that is kept that leave room for a correction."""
AHEAD = 32
"""Draws that are made at once for the last that are not kept: one takes nearly as long."""
BLUR = 0.15
"""Standard deviations by which spreads that are met are blurred: measured channels have theirs
exactly, draws nearly."""
ADDED = (".bends", ".tilt")
"""Buffers that runs of before lack; as they start they change nothing."""
_FARTHEST = 6.0
"""Standard deviations from the mean at which a statistic is cut."""
_LOST = 0.1
"""Share of the ratios of draws that the cap cuts off, where no more draws than allowed do that."""
_BENDS = (0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
"""Quantiles of a statistic beyond which its mean excess is made right."""
_TILTED = 0.1
"""Standard deviation of the corrections that are expected before channels say more, where as many
are drawn as it takes."""
_TOGETHER = 512


class Selection(nn.Module):
    """Rejection sampling by the ratio of the densities of measured and drawn channels.

    A perceptron is shown the statistics of a channel, as the referee has them, and says the
    logarithm of the ratio; it is learned as a classifier of the two. A draw is kept with the
    chance ratio over ``exp(cap)``, and drawn anew for the same conditions otherwise.

    What the perceptron has not learned, and what draws that are kept for certain would have needed
    beyond that, a last correction makes good: the logarithm is tilted by a piecewise linear
    function of every statistic, such that their means and mean excesses are the measured ones.

    Of conditions it is shown those that are no statistics: a measured channel has the spreads it
    is said to have, and the ratio would be of that alone. Where draws have met their spreads it
    is the other way round: it is shown the spreads asked for, blurred, not those achieved, and of
    all else how far it is from what these let expect. So a channel in a hole of the data, where
    none was measured, is not refused for lying there.

    Args:
        template: Axes and arrays of the channels.
        vector: Conditions of the model.
        draws: Draws for one that is kept, on average, at most.
        met: Spreads that the draws have met, and their entries of a condition vector.

    References:
        Azadi et al., ICLR 2019, arXiv:1810.06758 (discriminator rejection sampling); Bauer and
        Mnih, AISTATS 2019, arXiv:1810.11428 (the same for priors of variational autoencoders);
        Deville and Särndal, J. Am. Stat. Assoc. 87 (1992) 376 (weights by which totals are right).
    """

    used: Tensor
    knots: Tensor
    mean: Tensor
    deviation: Tensor
    expected: Tensor
    bends: Tensor
    tilt: Tensor
    cap: Tensor

    def __init__(
        self,
        template: ChannelDataset,
        vector: ConditionVector,
        draws: float,
        met: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.draws, self._grid, met = draws, Grid.of(template), met or {}
        achieved = set(computed(vector).values()) - set(met.values())
        self._told = [k for k in range(vector.width) if k not in achieved]
        self._blur = torch.tensor([BLUR * (k in met.values()) for k in self._told])
        self.statistics = applicable(self._grid)
        self._shown = [not s.name.startswith((*met,)) for s in self.statistics]
        count = len(self.statistics)
        self.register_buffer("used", torch.zeros(count, dtype=torch.bool))
        self.register_buffer("knots", torch.zeros(count, LEVELS, dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(count, dtype=torch.float64))
        self.register_buffer("deviation", torch.ones(count, dtype=torch.float64))
        if met:
            powers = (len(met) + 1) * (len(met) + 2) // 2
            self.register_buffer("expected", torch.zeros(powers, 2 * count))
        self.register_buffer("bends", torch.zeros(count, len(_BENDS)))
        self.register_buffer("tilt", torch.zeros((2 + len(_BENDS)) * count))
        self.register_buffer("cap", torch.tensor(-math.inf))
        self.net = perceptron(3 * count + len(self._told), WIDTH, LAYERS, 1)

    @property
    def active(self) -> bool:
        """Whether a ratio was found; if not, every draw is kept."""
        return bool(self.cap > -math.inf)

    def fit_scale(self, seen: Tensor, c: Tensor, generator: torch.Generator | None = None) -> None:
        """Learn how the statistics of measured channels are distributed.

        Args:
            seen: Statistics ``[n, statistics]``.
            c: Condition vectors ``[n, conditions]``.
            generator: What the blur of spreads is drawn from.
        """
        for k, statistic in enumerate(self.statistics):
            values = seen[seen[:, k].isfinite(), k]
            if not self._shown[k] or len(values) < 2 or values.std() <= statistic.resolution:
                continue
            self.knots[k] = quantiles(values, LEVELS)
            self.mean[k], self.deviation[k] = values.mean(), values.std()
            self.used[k] = True
        if self._blur.any():
            terms = self._powers(self._blurred(c, generator)).double()
            placed = torch.cat(self._placed(seen)[:2], 1).double()
            # Sums of squares and 64 bits, so that what is kept, in 32, is the same to the bit.
            square = terms.T @ terms + 1e-6 * torch.eye(terms.shape[1], device=terms.device)
            self.expected = torch.linalg.solve(square, terms.T @ placed).float()

    @torch.no_grad()
    def look(self, h: Tensor) -> Tensor:
        """Statistics of channels ``[n, rx, tx, time, freq]``, float64 ``[n, statistics]``."""
        freq, time = (axis.to(h.device) for axis in (self._grid.freq, self._grid.time))
        grid = replace(self._grid, freq=freq, time=time)
        found = []
        for part in h.split(_TOGETHER):
            view = View(part, grid)
            found.append(torch.stack([s.function(view).double() for s in self.statistics], 1))
        return torch.cat(found)

    def inputs(self, seen: Tensor, c: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What the perceptron is shown, ``[n, inputs]``.

        Args:
            seen: Statistics ``[n, statistics]``.
            c: Condition vectors ``[n, conditions]``.
            generator: What the blur of spreads is drawn from.
        """
        normal, standard, known = self._placed(seen)
        told = self._blurred(c, generator)
        if self._blur.any():
            of_normal, of_standard = (self._powers(told) @ self.expected).chunk(2, 1)
            normal, standard = known * (normal - of_normal), known * (standard - of_standard)
        return torch.cat([normal, standard, known, told], 1)

    def _placed(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Statistics made Gaussian by their quantiles, standardised, and which are known."""
        known = seen.isfinite() & self.used
        values = torch.where(known, seen, self.mean)
        columns = values.T.contiguous()
        place = torch.searchsorted(self.knots, columns) + torch.searchsorted(
            self.knots, columns, right=True
        )
        level = (place.double() / (2 * LEVELS)).clamp(0.5 / LEVELS, 1 - 0.5 / LEVELS)
        normal = torch.where(known, torch.special.ndtri(level).T, 0.0)
        standard = ((values - self.mean) / self.deviation).clamp(-_FARTHEST, _FARTHEST)
        return normal.float(), standard.float(), known.float()

    def _blurred(self, c: Tensor, generator: torch.Generator | None) -> Tensor:
        """Conditions that the perceptron is told ``[n, told]``."""
        told = c[:, self._told].float()
        if not self._blur.any():
            return told
        chance = torch.randn(told.shape, generator=generator, device=told.device)
        return told + self._blur.to(told.device) * chance

    def _powers(self, told: Tensor) -> Tensor:
        """One, the spreads, and their products in pairs ``[n, terms]``."""
        spreads = told[:, self._blur > 0]
        i, j = torch.triu_indices(spreads.shape[1], spreads.shape[1])
        return torch.cat([torch.ones_like(told[:, :1]), spreads, spreads[:, i] * spreads[:, j]], 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logarithm of the ratio of densities, measured over drawn, ``[n]``."""
        return self.net(inputs)[:, 0] + self._excesses(inputs) @ self.tilt

    def _excesses(self, inputs: Tensor) -> Tensor:
        """Statistics beyond each bend, as they are, and whether they are known ``[n, functions]``.

        The mean of what lies beyond a bend is the area under the distribution there, so that where
        all of these are right, so is the Wasserstein distance but for what happens between bends.
        """
        _, standard, known = inputs[:, : 3 * len(self.statistics)].chunk(3, 1)
        beyond = (standard[..., None] - self.bends).clamp(min=0).flatten(1)
        return torch.cat([known, standard, beyond], 1)

    @torch.no_grad()
    def settle(self, drawn: Tensor, measured: Tensor) -> None:
        """Choose the tilt and the cap so that what is kept has the measured means.

        Three are drawn for one that is kept, or as many as leave the ratios whole but for a tenth,
        at most :attr:`draws`; fewer where no ratio is large.

        Args:
            drawn: Inputs of draws ``[n, inputs]``.
            measured: Inputs of measured channels.
        """
        count = len(self.statistics)
        levels = torch.tensor(_BENDS, device=measured.device)
        self.bends = torch.quantile(measured[:, count : 2 * count], levels, dim=0).T.contiguous()
        self.tilt.zero_()
        ratio = self(drawn).double().cpu().numpy()
        there, wanted = (
            nn.functional.pad(self._excesses(x), (1, 0), value=1.0).double().cpu().numpy()
            for x in (drawn, measured)
        )
        needed = max(_needed(ratio), FEW)
        draws = min(needed, self.draws)
        wanted = wanted.mean(0) / draws
        # Where more is cut off no correction makes it good, and large ones would hide the ratio.
        tilted = _TILTED * (draws / needed) ** 2
        stiff = np.full(len(wanted), 1 / (len(measured) * draws * tilted**2))
        stiff[0] = 0.0

        def terms(at: np.ndarray) -> tuple[float, np.ndarray]:
            """A convex function, whose gradient is what is kept less what is wanted."""
            height = ratio + there @ at
            chance = np.exp(np.minimum(height, 0))
            value = (chance + np.maximum(height, 0)).mean() - wanted @ at + stiff @ at**2 / 2
            return value, chance @ there / len(there) - wanted + stiff * at

        def curvature(at: np.ndarray) -> np.ndarray:
            height = ratio + there @ at
            below = there * ((height < 0) * np.exp(np.minimum(height, 0)))[:, None]
            return below.T @ there / len(there) + np.diag(stiff)

        start = np.zeros(len(wanted))
        start[0] = -ratio.max()
        found = minimize(terms, start, jac=True, hess=curvature, method="trust-exact").x
        self.tilt.copy_(torch.from_numpy(found[1:]))
        highest = (ratio + there[:, 1:] @ found[1:]).max()
        self.cap.fill_(float(min(-found[0], highest)))

    @torch.no_grad()
    def kept(self, h: Tensor, c: Tensor, generator: torch.Generator | None) -> Tensor:
        """Which draws are kept ``[n]``.

        Args:
            h: Drawn channels ``[n, rx, tx, time, freq]``.
            c: Their condition vectors.
            generator: What chance is drawn from.
        """
        chance = (self(self.inputs(self.look(h), c, generator)) - self.cap).exp()
        drawn = torch.rand(len(h), generator=generator, device=h.device)
        return drawn < chance


def _needed(ratios: np.ndarray) -> float:
    """Draws for one that is kept with which the cap cuts off :data:`_LOST` of the ratios ``[n]``.

    Args:
        ratios: Logarithms of the ratio of draws.
    """
    ratios = ratios - ratios.max()
    low, high = ratios.min(), 0.0
    for _ in range(50):
        cap = (low + high) / 2
        whole = np.exp(np.minimum(ratios, cap)).sum() > (1 - _LOST) * np.exp(ratios).sum()
        low, high = (low, cap) if whole else (cap, high)
    return 1 / np.exp(np.minimum(ratios - high, 0)).mean()
