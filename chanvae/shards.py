"""A share of a piece of work, so that several machines do it together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from chanvae.errors import DataError


@dataclass(frozen=True)
class Shard:
    """One of several equal shares, of blocks that follow each other.

    Args:
        index: Which, from 0.
        of: How many there are.
    """

    index: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``3/16``.

        Raises:
            DataError: It is not written like that, or there is no such share.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if match is None or not int(match[1]) < int(match[2]):
            raise DataError(f"--shard {text}: write which and of how many, from 0/16 to 15/16")
        return cls(int(match[1]), int(match[2]))

    def blocks(self, total: int) -> range:
        """The numbers of its blocks.

        Raises:
            DataError: There are fewer blocks than shares.
        """
        if self.of > total:
            raise DataError(
                f"--shard {self}: there are {total} blocks to share; use {total} shards at most"
            )
        return range(total * self.index // self.of, total * (self.index + 1) // self.of)

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"
