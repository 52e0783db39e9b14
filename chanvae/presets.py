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
from chanvae.plain import text

_Kind = TypeVar("_Kind", bound=Config)


def configure(
    preset: str | FitConfig = "default",
    changes: Iterable[str] = (),
    asked: Mapping[str, Any] | None = None,
) -> FitConfig:
    """Read a preset and change it.

    Args:
        preset: ``default``, ``quick``, the path of a YAML file, or settings.
        changes: ``key=value`` with dotted keys, such as ``model.network.width=96``.
        asked: The same as a mapping; they come last.

    Raises:
        DataError: No such preset, a key that does not exist, or a value that does not fit.
    """
    return read(FitConfig, "fit", preset, changes, asked)


def read(
    kind: type[_Kind],
    room: str,
    preset: str | _Kind,
    changes: Iterable[str] = (),
    asked: Mapping[str, Any] | None = None,
) -> _Kind:
    """Read a preset of any configuration, or one; ``room`` is the folder of its presets."""
    path = _file(room, preset) if isinstance(preset, str) else "settings"
    found: Any = None
    try:
        if isinstance(preset, str):
            config = OmegaConf.create(text(Path(path)))
        else:
            config = OmegaConf.create(preset.model_dump(mode="json"))
        typed = OmegaConf.from_dotlist(list(changes))
        told = OmegaConf.to_container(typed)
        config = OmegaConf.create(_afresh(OmegaConf.to_container(config), told))
        config = OmegaConf.merge(config, typed)
        for key, value in (asked or {}).items():
            OmegaConf.update(config, key, value)
        found = OmegaConf.to_container(config, resolve=False)
        return _validated(kind, found, told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(_keys(found, first["loc"]))
        value = first["input"]
        got = "" if isinstance(value, dict) else f" (got {value!r})"
        said = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{path}: {where}: {said}{got}") from None
    except (OmegaConfBaseException, YAMLError, ValueError, OSError) as error:
        raise DataError(f"{path}: {str(error).splitlines()[0]}") from None


def _keys(found: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys of a place in a configuration, without the kinds that pydantic names between."""
    keys = []
    for key in loc:
        if key == loc[-1] or (isinstance(found, dict) and key in found):
            keys.append(str(key))
            found = found.get(key) if isinstance(found, dict) else None
    return keys


def _afresh(preset: Any, told: Any) -> Any:
    """The preset without what it says of kinds that were changed, but for choices within them."""
    if not isinstance(preset, dict) or not isinstance(told, dict):
        return preset
    changed = "kind" in told and "kind" in preset and told["kind"] != preset["kind"]
    return {
        key: _afresh(value, told.get(key))
        for key, value in preset.items()
        if not changed or (isinstance(value, dict) and "kind" in value)
    }


def _validated(kind: type[_Kind], found: Any, told: Any) -> _Kind:
    """The configuration; where a kind was changed, without choices that it does not have."""
    while True:
        try:
            return kind.model_validate(found)
        except ValidationError as error:
            if not any(_drop(found, told, e["loc"]) for e in error.errors()):
                raise


def _drop(found: Any, told: Any, loc: tuple[int | str, ...]) -> bool:
    """Drop the choice within a changed kind that an error is about, unless somebody made it.

    What somebody said of what is chosen, without choosing, stays.
    """
    for key in loc:
        if not isinstance(found, dict) or key not in found:  # the name of a kind, not a key
            continue
        below = told.get(key) if isinstance(told, dict) else None
        inner = found[key]
        changed = isinstance(told, dict) and "kind" in told
        chosen = "kind" in below if isinstance(below, dict) else below is not None
        if changed and not chosen and isinstance(inner, dict) and "kind" in inner:
            if below:
                found[key] = below
            else:
                del found[key]
            return True
        found, told = inner, below
    return False


def _file(room: str, preset: str) -> Path:
    """The file of a preset, or the one that is named."""
    folder = _presets(room)
    for path in (folder / f"{preset}.yaml", Path(preset)):
        if path.is_file():
            return path
    known = ", ".join(sorted(p.stem for p in folder.iterdir() if p.suffix == ".yaml"))
    raise DataError(f"{preset}: no such preset or file; presets are {known}")


def _presets(room: str) -> Path:
    """The folder of the presets: in the wheel in the package, in a checkout at the root."""
    package = Path(str(files("chanvae")))
    packaged = package / "configs" / room
    return packaged if packaged.is_dir() else package.parent / "configs" / room
