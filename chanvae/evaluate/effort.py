"""How many channels the dear parts of a comparison look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Channels, at most, that each part looks at.

    Args:
        fitted: Of the training set, for baselines.
        made: Of every baseline.
        searched: Of the training set, for copies.
        queries: Generated and held-out channels whose nearest training channel is sought.
        kernel: Of each set, for MMD.
        manifold: Of each set, for precision, recall, density and coverage.
    """

    fitted: int = 20_000
    made: int = 10_000
    searched: int = 10_000
    queries: int = 2_000
    kernel: int = 2_000
    manifold: int = 5_000


FULL = Effort()
QUICK = Effort(
    fitted=8_000,
    made=2_500,
    searched=4_000,
    queries=1_000,
    kernel=1_000,
    manifold=2_500,
)
