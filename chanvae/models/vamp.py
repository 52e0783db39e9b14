"""The VampPrior: the mixture of the posteriors of learned pseudo-inputs."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from chanvae.nn.blocks import perceptron
from chanvae.seeds import generator_for
from chanvae.together import whole
from chanvae.transforms.pack import pack, unpack

Encode = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Vamp(nn.Module):
    """p(z | c) = sum_k w_k(c) q(z | u_k, c_k), its maps u, contexts c_k and weights learned.

    Args:
        shape: Shape of a map.
        context: Length of the context vector.
        count: Pseudo-inputs.

    References:
        Tomczak and Welling 2018, arXiv:1705.07120.
    """

    def __init__(self, shape: tuple[int, ...], context: int, count: int) -> None:
        super().__init__()
        self.maps = nn.Parameter(0.5 * torch.randn(count, 2, *shape))
        self.contexts = nn.Parameter(torch.randn(count, context))
        self.weights = perceptron(context, 64, 1, count)

    def start(self, x: Tensor, context: Tensor, seed: int) -> None:
        """Start at training maps, complex ``[n, *shape]``, and their contexts."""
        lot = torch.randint(len(x), (len(self.maps),), generator=generator_for(seed, "vamp", 0))
        with torch.no_grad():
            self.maps.copy_(pack(x[lot]))
            self.contexts.copy_(context[lot])

    def components(self, encode: Encode) -> tuple[Tensor, Tensor]:
        """Mean and log variance of every component, ``[count, *latent_shape]`` each."""
        return encode(unpack(self.maps), self.contexts)

    def log_prob(self, z: Tensor, context: Tensor, encode: Encode) -> Tensor:
        """Log density in nats: ``[n, *latent_shape]`` to ``[n]``."""
        return mixture_log_prob(z, self.weights(context), *self.components(encode))

    def held(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Nats that each latent holds, were the aggregate posterior Gaussian."""
        mean, log_variance = whole(mean), whole(log_variance)
        spread = mean.var(0, correction=0) + log_variance.exp().mean(0)
        return 0.5 * (spread.log() - log_variance.mean(0))


def mixture_log_prob(z: Tensor, logits: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log density of Gaussian mixtures, in nats ``[n]``.

    Args:
        z: ``[n, *latent_shape]``.
        logits: Of the weights ``[n, components]``.
        mean: Of the components ``[components, *latent_shape]``.
        log_variance: The same.
    """
    apart = z.flatten(1)[:, None] - mean.flatten(1)
    spread = log_variance.flatten(1)
    nats = apart.square() * torch.exp(-spread) + spread + math.log(2 * math.pi)
    return torch.logsumexp(logits.log_softmax(1) - 0.5 * nats.sum(2), dim=1)


def mixture_sample(
    logits: Tensor, mean: Tensor, log_variance: Tensor, generator: torch.Generator | None
) -> Tensor:
    """A draw for each row of ``logits``, ``[n, *latent_shape]``."""
    chosen = drawn_rows(logits, generator)
    noise = torch.randn(mean[chosen].shape, device=mean.device, generator=generator)
    return mean[chosen] + torch.exp(0.5 * log_variance[chosen]) * noise


def drawn_rows(logits: Tensor, generator: torch.Generator | None) -> Tensor:
    """A number for each row of logits, drawn by their weights ``[n]``."""
    edges = logits.softmax(1).cumsum(1)[:, :-1]
    lot = torch.rand(len(logits), 1, device=logits.device, generator=generator)
    return (edges < lot).sum(1)
