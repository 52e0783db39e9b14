"""Configurations: a preset, a file, and changes on top."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from yaml import YAMLError

from chanvae.config import FitConfig
from chanvae.errors import DataError


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
    folder = _presets()
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
        return FitConfig.model_validate(OmegaConf.to_container(config, resolve=True))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise DataError(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from None
    except (OmegaConfBaseException, YAMLError, ValueError, OSError) as error:
        raise DataError(f"{path}: {str(error).splitlines()[0]}") from None


def _presets() -> Path:
    """The folder of the presets: in the wheel beside the package, in a checkout at the root."""
    packaged = Path(str(files("chanvae"))) / "configs"
    return (
        packaged if packaged.is_dir() else Path(str(files("chanvae"))).parent / "configs" / "fit"
    )
