"""A layout written once as YAML: how files of one kind are told, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from chanvae.errors import DataError
from chanvae.io.options import Options
from chanvae.io.sourcearray import SourceArray
from chanvae.io.sources import Source
from chanvae.io.stored import fields_of
from chanvae.plain import text
from chanvae.units import parse


def _quantity(unit: str) -> Any:
    """A number with its unit, as it is typed on the command line."""

    def read(value: Any) -> float:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} has no unit; write it with one")
        return parse(value, unit, "it")

    return BeforeValidator(read)


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Hertz = Annotated[float | None, _quantity("Hz")]
Seconds = Annotated[float | None, _quantity("s")]
Names = Annotated[tuple[str, ...], BeforeValidator(_list)]


class _Strict(BaseModel):
    """Frozen, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Mark(_Strict):
    """What an array must be.

    ``shape`` has an entry an axis: a length, ``any``, or a letter that stands for the same length
    wherever it occurs in the layout.
    """

    dtype: Literal["complex", "real", "integer", "text"] | None = None
    shape: tuple[int | str, ...] | None = None


class Marks(_Strict):
    """How a file of a layout is recognised; a layout without is only used by its name."""

    kind: Literal["HDF5", "MATLAB", "MATLAB v5", "npz"] | None = None
    arrays: Mapping[str, Mark] = Field(default_factory=dict)
    attributes: Mapping[str, str | float | int] = Field(default_factory=dict)


class Read(_Strict):
    """The reading options, as they are typed on the command line."""

    array: str | None = None
    axes: str | None = None
    real: str | None = None
    imag: str | None = None
    amplitude: str | None = None
    phase: str | None = None
    phase_unit: Literal["deg", "rad"] | None = None
    scale: str | None = None
    offset: float | None = None
    reshape: str | None = None
    tap_spacing: Seconds = None
    subcarrier_spacing: Hertz = None
    subcarrier_index: str | None = None
    time_spacing: Seconds = None
    bandwidth: Hertz = None
    subcarriers: int | None = None
    pilots: str | None = None
    carrier: Hertz = None
    rx_array: str | None = None
    tx_array: str | None = None
    group: Names = ()
    condition: Names = ()


class Layout(_Strict):
    """A layout.

    Args:
        name: What ``inspect`` calls it.
        about: Where such files come from, one sentence.
        marks: How a file of it is recognised; nothing, if it is not.
        read: How it is read; options on the command line go before.
        says: Attribute -> array of one number that says it, in the file or the one of ``--meta``;
            the mean of several.
    """

    name: str
    about: str = ""
    marks: Marks | None = None
    read: Read = Field(default_factory=Read)
    says: Mapping[str, Names] = Field(default_factory=dict)

    def options(self) -> Options:
        """What it says about a file."""
        given = self.read.model_dump(exclude_none=True)
        return Options.of(
            {"groups": given.pop("group"), "conditions": given.pop("condition"), **given}
        )


def layout_for(source: Source, asked: str | None) -> tuple[Layout | None, bool]:
    """The layout of a file, and whether it was asked for.

    Args:
        source: The file.
        asked: A layout's file or the name of one that comes with chanvae; ``None`` looks whether
            the file has the marks of exactly one.

    Raises:
        DataError: There is no such layout, or the file half fits the one that was asked for.
    """
    if asked is not None:
        layout = load_layout(asked)
        if layout.marks is not None and (fault := misfit(source, layout.marks)):
            raise DataError(
                f"{source.path}: does not fit --layout {asked}: {fault}; take another layout, or "
                "correct its marks"
            )
        return layout, True
    found = [known for known in shipped().values() if known.marks is not None]
    found = [known for known in found if known.marks and not misfit(source, known.marks)]
    return (found[0], False) if len(found) == 1 else (None, False)


def load_layout(asked: str) -> Layout:
    """A layout that comes with chanvae, by name, or one in a file.

    Raises:
        DataError: There is none, or what it says makes no sense.
    """
    known = _folder()
    path = Path(asked)
    if not path.is_file():
        path = known / f"{asked}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(p.stem for p in known.glob("*.yaml")))
        raise DataError(f"--layout {asked}: no such file or layout; those known are {names}")
    return _read(path, asked)


def shipped() -> dict[str, Layout]:
    """The layouts that come with chanvae, by name."""
    return {path.stem: _read(path, path.stem) for path in sorted(_folder().glob("*.yaml"))}


def misfit(source: Source, marks: Marks) -> str:
    """What a file lacks of the marks of a layout; nothing where it has them all."""
    if marks.kind is not None and not source.kind.startswith(marks.kind):
        return f"it is {source.kind}, not {marks.kind}"
    for name, value in marks.attributes.items():
        if name not in source.attributes:
            return f"it has no attribute {name}"
        if str(np.asarray(source.attributes[name]).tolist()) != str(value):
            return f"its attribute {name} is not {value}"
    letters: dict[str, int] = {}
    for name, mark in marks.arrays.items():
        array = source.arrays.get(f"/{name.strip('/')}")
        if array is None:
            return f"it has no array {name}"
        if mark.dtype is not None and not _is(array, mark.dtype):
            return f"its array {name} is {array.dtype}, not {mark.dtype}"
        if mark.shape is not None and not _fits(array.shape, mark.shape, letters):
            wanted = ", ".join(map(str, mark.shape))
            return f"its array {name} has shape {array.shape}, not ({wanted})"
    return ""


def _is(array: SourceArray, kind: str) -> bool:
    if kind == "complex":
        return fields_of(array.dtype) is not None
    return array.dtype.kind in {"real": "iuf", "integer": "iu", "text": "U"}[kind]


def _fits(shape: tuple[int, ...], wanted: tuple[int | str, ...], letters: dict[str, int]) -> bool:
    if len(shape) != len(wanted):
        return False
    for have, want in zip(shape, wanted, strict=True):
        if want == "any":
            continue
        if have != (letters.setdefault(want, have) if isinstance(want, str) else want):
            return False
    return True


def _read(path: Path, shown: str) -> Layout:
    try:
        content = yaml.safe_load(text(path))
        return Layout.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise DataError(f"--layout {shown}: {where}: {first['msg']}; correct it") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        said = str(error).splitlines()[0]
        raise DataError(f"--layout {shown}: is no YAML ({said}); correct it") from None


def _folder() -> Path:
    return Path(str(files("chanvae"))) / "io" / "known"
