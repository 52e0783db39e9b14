"""Two-sample test by a small convolutional network on the channels themselves."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Complex, Float
from scipy.stats import kstest
from torch import Tensor, nn

from chanvae.catalogue.grid import Grid
from chanvae.channels import ChannelDataset
from chanvae.evaluate.twosample import TwoSample, auc
from chanvae.stats.fading import squared_magnitude

BINS = 12_000_000
"""Angle-delay bins per class that bound the time and memory of the test on channels."""
STEPS = 160
"""Steps that the network is trained for at least."""


def channels_test(
    measured: ChannelDataset,
    generated: ChannelDataset,
    seed: int = 0,
    limit: int = 10_000,
    epochs: int = 6,
    device: torch.device | str = "cpu",
) -> TwoSample:
    """A small convolutional network on the angle-delay maps, trained on 70 %, tested on 30 %.

    It sees real part, imaginary part and log magnitude of every map scaled to unit power, and the
    gain apart. The global phase is drawn anew at every use: it is uniform in both. So is the
    delay where the strongest path of both sets is uniform over the period, as where nothing
    synchronises the receiver. The budget is fixed, so nothing is chosen by the realisations that
    it is tested on.

    Args:
        measured: The first class.
        generated: The second, on the same grid.
        seed: Seed of the draw, the split, the weights and the batches.
        limit: Realisations per class, fewer where maps are large.
        epochs: Passes over the training part, more where it is small.
        device: Where the network computes.
    """
    device = torch.device(device)
    generator = torch.Generator().manual_seed(seed)
    bins = int(np.prod(measured.shape[1:]))
    n = min(len(measured), len(generated), limit, max(1000, BINS // bins))
    maps, gains = zip(*(_maps(d, n, generator) for d in (measured, generated)), strict=True)
    x, gain = torch.cat(maps).to(device), torch.cat(gains).to(device)
    gain = (gain - gain.mean()) / gain.std().clamp(min=0.1)
    y = torch.repeat_interleave(torch.arange(2.0, device=device), n)
    train, test = _split(n, 0.7, generator)
    draw = Redraw(all(uniform_delays(part) for part in maps), generator)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        net = _Net(x.shape[1], x.shape[2]).to(device)
        net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        _train(net, x, gain, y, train, epochs, draw)
    net.eval()
    with torch.no_grad():
        score = torch.cat([net(draw(x[i]), gain[i]) for i in test.split(512)])
    score, label = score.double().cpu().numpy(), y[test].cpu().numpy()
    return TwoSample(*auc(score[label == 0], score[label == 1]), n, int((label == 0).sum()))


def _maps(
    dataset: ChannelDataset, n: int, generator: torch.Generator, batch: int = 1024
) -> tuple[Complex[Tensor, "n angle delay"], Float[Tensor, " n"]]:
    """``n`` maps drawn from a set, scaled to unit power a bin, and their gain in dB."""
    chosen = torch.randperm(len(dataset), generator=generator)[:n].sort().values
    transform = Grid.of(dataset).angle_delay
    maps, gains = [], []
    for index in chosen.split(batch):
        x = transform.forward(transform.unfold(dataset[index.numpy()].tensor()))
        x = x.reshape(len(x), -1, x.shape[-1])
        power = x.abs().square().mean((1, 2)).clamp(min=torch.finfo(torch.float32).tiny)
        maps.append(x / power.sqrt()[:, None, None])
        gains.append(10 * power.log10())
    return torch.cat(maps), torch.cat(gains)


def _split(n: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices to train on and to test on, both with as many of each class."""
    cut = max(1, min(n - 1, round(share * n)))
    orders = [torch.randperm(n, generator=generator) + k * n for k in range(2)]
    return torch.cat([o[:cut] for o in orders]), torch.cat([o[cut:] for o in orders])


def uniform_delays(x: Complex[Tensor, "n angle delay"], fewest: int = 200) -> bool:
    """Whether the delay of the strongest bin is uniform over the period (KS at 1 %)."""
    n, delays = len(x), x.shape[-1]
    if n < fewest or delays < 4:
        return False
    place = squared_magnitude(x).amax(1).argmax(1).double().numpy()
    # Within its bin a delay may stand anywhere: spread ties evenly before comparing with a line.
    place = place + np.random.default_rng(0).random(n)
    result = kstest(place / delays, "uniform")
    return bool(result.pvalue > 0.01)  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True)
class Redraw:
    """Draws anew what is uniform anyway: the global phase, and the delay where it is.

    Args:
        delay: Whether the delay is uniform.
        generator: Draws.
    """

    delay: bool
    generator: torch.Generator

    def __call__(self, x: Complex[Tensor, "n angle delay"]) -> Tensor:
        """The same channels with another phase, and another delay."""
        phase = 2 * torch.pi * torch.rand(len(x), 1, 1, generator=self.generator).to(x.device)
        x = x * torch.polar(torch.ones_like(phase), phase)
        if not self.delay:
            return x
        bins = x.shape[-1]
        turn = torch.randint(bins, (len(x), 1), generator=self.generator)
        index = ((torch.arange(bins) + turn) % bins).to(x.device)
        return x.gather(2, index[:, None].expand_as(x))


def _train(
    net: nn.Module,
    x: Tensor,
    gain: Tensor,
    y: Tensor,
    train: Tensor,
    epochs: int,
    draw: Redraw,
    batch: int = 128,
    rate: float = 3e-3,
) -> None:
    """Fit with a one-cycle schedule of at least :data:`STEPS` steps."""
    steps = -(-len(train) // batch)
    epochs = max(epochs, -(-STEPS // steps))
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, epochs * steps)
    for _ in range(epochs):
        order = train[torch.randperm(len(train), generator=draw.generator)]
        for index in order.chunk(steps):
            logit = net(draw(x[index]), gain[index])
            loss = F.binary_cross_entropy_with_logits(logit, y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


class _Net(nn.Module):
    """Maps of any shape and their gain to the log odds of being generated.

    The first layer keeps the resolution: how neighbouring bins cohere is what gives most
    generators away. Then axes are halved down to about 4 x 8; what is left keeps its place,
    since absolute delay and angle are not uniform.
    """

    def __init__(self, angle: int, delay: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 24, 3, 1, 1), nn.SiLU()]
        channels, size = 24, (angle, delay)
        for width in (48, 64, 96):
            stride = (2 if size[0] > 4 else 1, 2 if size[1] > 8 else 1)
            layers += [
                nn.Conv2d(channels, width, 3, stride, 1),
                nn.GroupNorm(8, width),
                nn.SiLU(),
            ]
            channels, size = width, tuple(-(-s // t) for s, t in zip(size, stride, strict=True))
        size = min(size[0], 4), min(size[1], 8)
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(size))
        flat = channels * size[0] * size[1]
        self.head = nn.Sequential(
            nn.Linear(flat + 1, 64), nn.SiLU(), nn.Dropout(0.2), nn.Linear(64, 1)
        )

    def forward(self, x: Tensor, gain: Tensor) -> Tensor:
        planes = torch.stack([x.real, x.imag, (x.abs() + 0.01).log() / 2 + 1], 1)
        return self.head(torch.cat([self.body(planes).flatten(1), gain[:, None]], 1)).squeeze(1)
