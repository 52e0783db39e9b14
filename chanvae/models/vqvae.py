"""The VQ-VAE: latents of code words, taken from a codebook that follows the encoder."""

import math
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from chanvae.config import VqvaeConfig
from chanvae.models.autoencoder import CERTAIN
from chanvae.models.cvae import CVAE, Elbo
from chanvae.models.maps import Terms
from chanvae.together import alike, whole
from chanvae.transforms.angle_delay import AngleDelay

DEAD = 0.5
"""A word that stands for fewer latents of a batch than this, on average, is moved to one."""


class Codebook(nn.Module):
    """Words that follow the mean of what they stand for, by an exponential moving average.

    Args:
        count: Words.
        length: Numbers of a word.
        decay: Of the average.

    References:
        van den Oord et al. 2017, arXiv:1711.00937 (appendix A.1); Dhariwal et al. 2020,
        arXiv:2005.00341 (words that stand for nothing are moved).
    """

    words: Tensor
    used: Tensor
    total: Tensor

    def __init__(self, count: int, length: int, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("words", torch.randn(count, length))
        self.register_buffer("used", torch.zeros(count))
        self.register_buffer("total", torch.zeros(count, length))

    def nearest(self, e: Tensor) -> Tensor:
        """Number of the word nearest to each ``[..., length]``."""
        words = self.words
        apart = words.square().sum(1) - 2 * e @ words.mT
        return apart.argmin(-1)

    @torch.no_grad()
    def follow(self, e: Tensor, index: Tensor, generator: torch.Generator) -> None:
        """Move the words towards what they stand for ``[k, length]`` and their numbers ``[k]``."""
        count = torch.zeros_like(self.used).index_add_(0, index, e.new_ones(len(e)))
        total = torch.zeros_like(self.total).index_add_(0, index, e)
        self.used.lerp_(count, 1 - self.decay)
        self.total.lerp_(total, 1 - self.decay)
        with alike():
            lot = torch.randint(len(e), (len(self.words),), generator=generator, device=e.device)
        dead = self.used < DEAD
        self.used[dead] = 1.0
        self.total[dead] = e[lot[dead]]
        self.words = self.total / self.used[:, None]


class VQVAE(CVAE):
    """A latent cut into words, each replaced by the nearest of a codebook; p(x | z, c).

    Args:
        grid: Axes of the maps.
        context: Length of the context vector.
        config: Network, likelihood and codebook.
    """

    parts = 1

    def __init__(self, grid: AngleDelay, context: int, config: VqvaeConfig) -> None:
        super().__init__(grid, context, config)
        channels = self.latent_shape[0]
        length = max(k for k in range(1, min(config.word, channels) + 1) if channels % k == 0)
        self.codebook = Codebook(config.codes, length, config.decay)
        self.commitment = config.commitment
        self.count = prod(self.latent_shape) // length
        """Words of a latent."""

    def words(self, z: Tensor) -> Tensor:
        """Latents ``[n, *latent_shape]`` cut into words ``[n, count, length]``."""
        length = self.codebook.words.shape[1]
        parts = z.reshape(len(z), z.shape[1] // length, length, -1)
        return parts.movedim(2, -1).flatten(1, 2)

    def joined(self, words: Tensor) -> Tensor:
        """The inverse of :meth:`words`."""
        channels, *coarse = self.latent_shape
        length = words.shape[2]
        parts = words.reshape(len(words), channels // length, -1, length).movedim(-1, 2)
        return parts.reshape(len(words), channels, *coarse)

    def encode(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Code words and a log variance that means none, ``[n, *latent_shape]`` each."""
        z = self.joined(self.codebook.words[self._index(x, context)])
        return z, torch.full_like(z, CERTAIN)

    def elbo(self, x: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Elbo:
        """The bound under words that are all equally likely: its divergence is a constant."""
        z, _ = self.encode(x, context)
        reconstruction = self.decode(z, context, generator).log_prob(x)
        nats = self.count * math.log(len(self.codebook.words))
        return Elbo(reconstruction, torch.full_like(reconstruction, nats), z.new_zeros(0))

    def loss(
        self,
        x: Tensor,
        context: Tensor,
        generator: torch.Generator,
        step: int,
        weight: float = 1.0,
        free: float = 0.0,
    ) -> Terms:
        """Negative log likelihood per real dimension, and the way to the words; they follow."""
        e = self._encoded(x, context)
        index = self.codebook.nearest(e.detach())
        all_e, all_index = whole(e.detach()), whole(index)
        self.codebook.follow(all_e.flatten(0, 1), all_index.flatten(), generator)
        words = self.codebook.words[index]
        way = (e - words).square().mean((1, 2))
        z = self.joined(e + (words - e).detach())
        reconstruction = self.decode(z, context, generator).log_prob(x)
        total = self.commitment * way - reconstruction / self.dimensions
        kl = torch.full_like(reconstruction, self.count * math.log(len(self.codebook.words)))
        return {"loss": total, "reconstruction": reconstruction, "kl": kl, "commitment": way}

    def validate(self, x: Tensor, context: Tensor, generator: torch.Generator) -> dict[str, Any]:
        """The bound, and the perplexity: how many words are as good as in use."""
        rows = torch.arange(len(x)).split(256)
        index = torch.cat([self._index(x[r], context[r]).flatten() for r in rows])
        count = torch.bincount(index, minlength=len(self.codebook.words)).double()
        share = count / count.sum()
        perplexity = float(torch.special.entr(share).sum().exp())
        return super().validate(x, context, generator) | {"perplexity": perplexity}

    def _encoded(self, x: Tensor, context: Tensor) -> Tensor:
        (e,) = self.encoder(x.abs().to(x.dtype) if self.power else x, self.told(context))
        return self.words(e)

    def _index(self, x: Tensor, context: Tensor) -> Tensor:
        return self.codebook.nearest(self._encoded(x, context))
