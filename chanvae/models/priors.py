"""What latents and poses are drawn from: densities fitted on the aggregate posterior."""

import math
from abc import abstractmethod

import torch
import zuko
from torch import Tensor, nn

from chanvae.config import FlowMatchingPrior
from chanvae.nn.blocks import Patches, Trunk, convolution, perceptron
from chanvae.nn.whereabouts import Whereabouts
from chanvae.transforms.angle_delay import AngleDelay
from chanvae.transforms.registration import Pose
from chanvae.transforms.traits import TRAITS

KNOTS = 1025
TOGETHER = 128
"""Maps drawn together: what stays in the cache is drawn twice as fast."""


def quantiles(values: Tensor, count: int) -> Tensor:
    """Values ``[count, ...]`` at even levels from the least to the largest of ``[n, ...]``."""
    levels = torch.linspace(0, 1, count, dtype=torch.float64)
    return values.sort(dim=0).values[(levels * (len(values) - 1)).round().long()]


class PosePrior(nn.Module):
    """p(gain, place, traits | c): marginals by quantiles, dependence by a conditional spline flow.

    Each varying entry of the pose (log gain, place along each axis, circles cut at their widest
    gap, traits) is made Gaussian by its empirical distribution, so marginals come out right
    however they look, atoms and edges included; a coupling flow learns the rest. The phase is
    uniform.

    Args:
        axes: Number of axes of a map.
        context: Length of the condition vector.
        features: How many entries vary.

    References:
        Durkan et al. 2019, arXiv:1906.04032 (neural spline flows).
    """

    quantiles: Tensor
    cuts: Tensor
    varying: Tensor

    def __init__(self, axes: int, context: int, features: int | None = None) -> None:
        super().__init__()
        entries = 1 + axes + TRAITS
        features = self.features = entries if features is None else features
        self.register_buffer("quantiles", torch.zeros(entries, KNOTS, dtype=torch.float64))
        self.register_buffer("cuts", torch.zeros(axes, dtype=torch.float64))
        self.register_buffer("varying", torch.arange(entries) < features)
        self.flow = None
        if features:  # two passes: coupling, as fast to sample as to evaluate
            self.flow = zuko.flows.NSF(
                features,
                context,
                transforms=2,
                passes=min(2, features),
                hidden_features=(96, 96),
                activation=nn.SiLU,
            )

    @staticmethod
    def fitted(pose: Pose, context: int) -> "PosePrior":
        """A prior whose marginals are those of ``pose``; the flow is still to be trained."""
        cuts = torch.stack([_widest_gap(p) for p in pose.position.double().T])
        entries = _entries(pose, cuts)
        spread = entries.amax(0) - entries.amin(0)
        varying = spread > 1e-6
        prior = PosePrior(pose.position.shape[1], context, int(varying.sum()))
        prior.quantiles = quantiles(entries, KNOTS).T.contiguous()
        prior.cuts, prior.varying = cuts, varying
        return prior

    def gaussian(self, pose: Pose, generator: torch.Generator | None = None) -> Tensor:
        """The varying entries as standard Gaussians ``[n, features]``; ties are spread."""
        entries = _entries(pose, self.cuts)[:, self.varying].T.contiguous()
        knots = self.quantiles[self.varying]
        low = torch.searchsorted(knots, entries, right=False).double() - 0.5
        high = torch.searchsorted(knots, entries, right=True).double() - 0.5
        spread = torch.rand(low.shape, dtype=low.dtype, device=low.device, generator=generator)
        level = (low + (high - low) * spread) / (KNOTS - 1)
        inside = level.clamp(0.25 / KNOTS, 1 - 0.25 / KNOTS)
        return torch.special.ndtri(inside).T.float()

    def log_prob(self, values: Tensor, c: Tensor) -> Tensor:
        """Log density of Gaussian entries, in nats ``[n]``."""
        if self.flow is None:
            return torch.zeros(len(values), device=values.device)
        return self.flow(c).log_prob(values)

    def sample(self, c: Tensor, generator: torch.Generator | None = None) -> Pose:
        """Poses for condition vectors ``[n, context]``."""
        n, device = len(c), c.device
        entries = self.quantiles[:, KNOTS // 2].expand(n, -1).clone()
        if self.flow is not None:
            noise = torch.randn(n, self.features, generator=generator, device=device)
            level = torch.special.ndtr(self.flow(c).transform.inv(noise).double())
            place = (level * (KNOTS - 1)).clamp(0, KNOTS - 1.000001)
            knots, index = self.quantiles[self.varying], place.floor().long().T
            left, right = knots.gather(1, index), knots.gather(1, index + 1)
            entries[:, self.varying] = (left + (right - left) * (place.T - index)).T
        phase = 2 * math.pi * torch.rand(n, generator=generator, device=device)
        places = (entries[:, 1:-TRAITS] + self.cuts) % 1.0
        return Pose(entries[:, 0].exp(), phase.double(), places, entries[:, -TRAITS:].float())


class Prior(nn.Module):
    """p(z | context), fitted on the aggregate posterior: the interface of the priors.

    Args:
        latent_shape: Shape of one latent.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, latent_shape: tuple[int, ...]) -> None:
        super().__init__()
        latent, *coarse = latent_shape
        self.latent_shape = latent_shape
        self.register_buffer("center", torch.zeros(latent, *[1] * len(coarse)))
        self.register_buffer("scale", torch.ones(latent, *[1] * len(coarse)))

    def fit_scale(self, z: Tensor) -> None:
        """Learn mean and scale of each latent channel."""
        dims = (0, *range(2, z.ndim))
        self.center = z.mean(dims, keepdim=True)[0]
        self.scale = z.std(dims, keepdim=True)[0].clamp(min=1e-3)

    @abstractmethod
    def loss(self, z: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What a training step minimises ``[n]``."""

    @abstractmethod
    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]`` for contexts ``[n, width]``."""


class LatentPrior(Prior):
    """p(z | context) of a latent map or vector: flow matching along straight paths from noise.

    Args:
        latent_shape: Shape of one latent.
        context: Length of the context vector.
        config: How large.
        grid: Axes of the maps, where latents are places of a coarse map.
        patches: How those are cut.

    References:
        Lipman et al. 2023, arXiv:2210.02747.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        context: int,
        config: FlowMatchingPrior,
        grid: AngleDelay | None = None,
        patches: Patches | None = None,
    ) -> None:
        super().__init__(latent_shape)
        latent, *coarse = latent_shape
        axes, width = len(coarse), config.width
        self.first = convolution(axes, latent, width)
        self.place = nn.Parameter(0.02 * torch.randn(width, *coarse))
        self.whereabouts = None
        if grid is not None and patches is not None:
            self.whereabouts = Whereabouts(grid, patches, width, context)
        self.context = perceptron(context + 2 * len(TIMES), width, 1, width)
        self.trunk = Trunk(axes, width, width, config.blocks, pooled=True)
        self.last = convolution(axes, width, latent)
        self.steps = config.midpoint_steps

    def velocity(self, z: Tensor, time: Tensor, context: Tensor) -> Tensor:
        """Velocity at ``z`` ``[n, *latent_shape]`` and time ``[n]`` in [0, 1]."""
        turns = math.pi * time[:, None] * torch.tensor(TIMES, device=z.device)
        steer = self.context(torch.cat([context, torch.cos(turns), torch.sin(turns)], dim=1))
        y = self.first(z) + self.place
        if self.whereabouts is not None:
            y = y + self.whereabouts(context)
        return self.last(self.trunk(y, steer))

    def loss(self, z: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Squared error of the velocity, mean over the latent ``[n]``."""
        end = (z - self.center) / self.scale
        start = torch.randn(z.shape, generator=generator, device=z.device)
        time = torch.rand(len(z), generator=generator, device=z.device)
        at = time.reshape(-1, *[1] * (z.ndim - 1))
        error = self.velocity(start + at * (end - start), time, context) - (end - start)
        return error.square().flatten(1).mean(1)

    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]`` by the midpoint rule."""
        n, device = len(context), context.device
        noise = torch.randn(n, *self.latent_shape, generator=generator, device=device)
        together = TOGETHER if len(self.latent_shape) > 1 else max(n, 1)
        parts = zip(noise.split(together), context.split(together))
        z = torch.cat([self.end(start, told) for start, told in parts])
        return self.center + self.scale * z

    def end(self, z: Tensor, context: Tensor) -> Tensor:
        """Where the paths that start at ``z`` end."""
        step = 1.0 / self.steps
        for k in range(self.steps):
            early = torch.full((len(z),), k * step, device=z.device)
            half = z + 0.5 * step * self.velocity(z, early, context)
            z = z + step * self.velocity(half, early + 0.5 * step, context)
        return z


TIMES = (0.5, 1.0, 2.0, 4.0)
"""Half turns of the time features over the unit interval."""


def _entries(pose: Pose, cuts: Tensor) -> Tensor:
    """Log gain, unrolled places and traits, float64 ``[n, 1 + axes + traits]``."""
    place = (pose.position.double() - cuts) % 1.0
    level = pose.gain.double().log()[:, None]
    return torch.cat([level, place, pose.traits.double()], dim=1)


def _widest_gap(place: Tensor) -> Tensor:
    """Middle of the widest arc of the unit circle without a place."""
    ordered = place.sort().values
    gaps = torch.cat([ordered[1:], ordered[:1] + 1]) - ordered
    widest = gaps.argmax()
    return (ordered[widest] + 0.5 * gaps[widest]) % 1.0
