"""Where networks compute: the processor, or a GPU."""

import torch

from chanvae.errors import DataError
from chanvae.launched import local


def placed(device: str | torch.device) -> torch.device:
    """The device of that name; of several processes each takes the GPU of its own number.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        DataError: It is not there.
    """
    name = f"cuda:{local()}" if str(device) == "cuda" else str(device)
    there = ["cpu", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    if name not in there:
        raise DataError(
            f"device {name!r} is not there; torch sees: {', '.join(there)}; name one of these, "
            "start no more processes than there are GPUs, or install the torch that is made for "
            "yours (pytorch.org)"
        )
    return torch.device(name)
