"""Generators and seeds that depend on nothing but a seed, a purpose and a number."""

import numpy as np
import torch


def generator_for(
    seed: int, purpose: str, number: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator of its own for one step of one purpose, so that any step can be done again.

    It draws on ``device``; what it draws is not the same on a GPU as on a processor.
    """
    words = np.random.SeedSequence([seed, number, *purpose.encode()]).generate_state(2)
    return torch.Generator(device).manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)


def parted(generator: torch.Generator, parts: int) -> list[torch.Generator]:
    """Generators of parts of what is drawn, so that any part can be drawn alone."""
    device = generator.device
    seeds = torch.randint(1 << 62, (parts,), generator=generator, device=device)
    return [torch.Generator(device).manual_seed(seed) for seed in seeds.tolist()]


def seed_for(seed: int, number: int) -> int:
    """A seed of its own for one part of what is drawn, so that any part can be drawn alone."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
