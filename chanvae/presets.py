"""Configurations: a preset, a file, and changes on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from yaml import YAMLError

from chanvae.config import Config, FitConfig
from chanvae.errors import DataError

_Kind = TypeVar("_Kind", bound=Config)


def configure(
    preset: str = "default", changes: Iterable[str] = (), asked: Mapping[str, Any] | None = None
) -> FitConfig:
    """Read a preset and change it.

    Args:
        preset: ``default``, ``quick``, or the path of a YAML file.
        changes: ``key=value`` with dotted keys, such as ``model.network.width=96``.
        asked: The same as a mapping; they come last.

    Raises:
        DataError: No such preset, a key that does not exist, or a value that does not fit.
    """
    return read(FitConfig, "fit", preset, changes, asked)


def read(
    kind: type[_Kind],
    room: str,
    preset: str,
    changes: Iterable[str] = (),
    asked: Mapping[str, Any] | None = None,
) -> _Kind:
    """Read a preset of any configuration; ``room`` is the folder of its presets."""
    folder = _presets(room)
    path = folder / f"{preset}.yaml"
    if not path.is_file():
        path = Path(preset)
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.iterdir() if p.suffix == ".yaml"))
        raise DataError(f"{preset}: no such preset or file; presets are {known}")
    try:
        config = OmegaConf.load(path)
        config = OmegaConf.merge(config, OmegaConf.from_dotlist(list(changes)))
        for key, value in (asked or {}).items():
            OmegaConf.update(config, key, value)
        return kind.model_validate(OmegaConf.to_container(config, resolve=True))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise DataError(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from None
    except (OmegaConfBaseException, YAMLError, ValueError, OSError) as error:
        raise DataError(f"{path}: {str(error).splitlines()[0]}") from None


def _presets(room: str) -> Path:
    """The folder of the presets: in the wheel in the package, in a checkout at the root."""
    package = Path(str(files("chanvae")))
    packaged = package / "configs" / room
    return packaged if packaged.is_dir() else package.parent / "configs" / room
