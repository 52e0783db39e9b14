"""The learned prior of a VQ-VAE: one code word after the other, given those before."""

import torch
from torch import Tensor, nn

from chanvae.config import CodePrior
from chanvae.models.priors import Prior
from chanvae.models.vamp import drawn_rows
from chanvae.models.vqvae import VQVAE


class Codes(Prior):
    """p(k | context) of the words of a latent, by a gated recurrent network.

    Args:
        model: The VQ-VAE; it keeps the codebook.
        context: Length of the context vector.
        config: How wide.
    """

    def __init__(self, model: VQVAE, context: int, config: CodePrior) -> None:
        super().__init__(model.latent_shape)
        self._model = (model,)  # in a tuple, so that its weights are not counted twice
        count, length = model.codebook.words.shape
        self.start = nn.Linear(context, config.width)
        self.place = nn.Parameter(0.02 * torch.randn(model.count, config.width))
        self.word = nn.Linear(length, config.width)
        self.network = nn.GRU(config.width, config.width, batch_first=True)
        self.last = nn.Linear(config.width, count)

    def loss(self, z: Tensor, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Negative log probability of the words in nats ``[n]``."""
        (model,) = self._model
        words = model.words(z)
        index = model.codebook.nearest(words)
        before = torch.cat([torch.zeros_like(words[:, :1]), words[:, :-1]], dim=1)
        steered = self.start(context)
        seen = self.word(before) + self.place + steered[:, None]
        out, _ = self.network(seen, torch.tanh(steered)[None])
        logits = self.last(out).flatten(0, 1)
        nats = nn.functional.cross_entropy(logits, index.flatten(), reduction="none")
        return nats.reshape(index.shape).sum(1)

    def sample(self, context: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Latents ``[n, *latent_shape]``."""
        (model,) = self._model
        book = model.codebook.words
        steered = self.start(context)
        state = torch.tanh(steered)[None]
        word, drawn = book.new_zeros(len(context), book.shape[1]), []
        for place in self.place:
            out, state = self.network((self.word(word) + place + steered)[:, None], state)
            word = book[drawn_rows(self.last(out[:, 0]), generator)]
            drawn.append(word)
        return model.joined(torch.stack(drawn, dim=1))
