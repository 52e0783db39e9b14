"""chanvae learns a site's radio channel from measurements and hands back an endless supply."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from chanvae.channels import ChannelDataset
    from chanvae.evaluate.compare import compare
    from chanvae.io.convert import convert, save
    from chanvae.io.read import load
    from chanvae.presets import configure
    from chanvae.run import Run, open_run
    from chanvae.training.fit import fit

_WHERE = {
    "ChannelDataset": "chanvae.channels",
    "Run": "chanvae.run",
    "compare": "chanvae.evaluate.compare",
    "configure": "chanvae.presets",
    "convert": "chanvae.io.convert",
    "fit": "chanvae.training.fit",
    "load": "chanvae.io.read",
    "open_run": "chanvae.run",
    "save": "chanvae.io.convert",
}
__all__ = [
    "ChannelDataset",
    "Run",
    "compare",
    "configure",
    "convert",
    "fit",
    "load",
    "open_run",
    "save",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import chanvae`` stays cheap."""
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'chanvae' has no attribute {name!r}")
