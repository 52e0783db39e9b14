"""What a launcher of several processes, such as torchrun, says in the environment."""

import os

_SAID = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def world() -> int:
    """Processes that were launched together; one where there is no launcher."""
    if any(name not in os.environ for name in _SAID):
        return 1
    said = os.environ["WORLD_SIZE"]
    return int(said) if said.isdigit() else 1


def local() -> int:
    """Number of this process among those of its machine; 0 where there is no launcher."""
    said = os.environ.get("LOCAL_RANK", "") if world() > 1 else ""
    return int(said) if said.isdigit() else 0


def leads() -> bool:
    """Whether this is the one of the processes that writes and speaks."""
    return world() == 1 or os.environ["RANK"] == "0"
