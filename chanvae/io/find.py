"""Which array of somebody else's HDF5 file holds the channels, and which hold labels."""

import h5py
import numpy as np

from chanvae.errors import DataError

PARTS = (("r", "i"), ("re", "im"), ("real", "imag"))
"""Names of the two fields of a compound that is a complex number."""


def arrays(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Every array of a file by its path, MATLAB's bookkeeping apart."""
    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, member: h5py.HLObject) -> None:
        if isinstance(member, h5py.Dataset) and not name.startswith("#") and _dtype(member):
            found[f"/{name}"] = member

    file.visititems(visit)
    return found


def complex_parts(dtype: np.dtype) -> tuple[str, ...] | None:
    """The two fields of a complex number; ``()`` where it is native; ``None`` where it is not."""
    if dtype.kind == "c":
        return ()
    for pair in PARTS:
        if dtype.names == pair and all(dtype[name].kind in "if" for name in pair):
            return pair
    return None


def the_array(file: h5py.File, path: str, name: str | None) -> h5py.Dataset:
    """The complex array that was asked for, or the only one there is.

    Raises:
        DataError: There is none, or more than one, or the one asked for is something else.
    """
    known = arrays(file)
    if name is not None:
        return _named(file, path, name, known)
    found = [d for d in known.values() if complex_parts(d.dtype) is not None and d.size != 1]
    found = [d for d in found if d.ndim > 1] or found
    if len(found) == 1:
        return found[0]
    if found:
        options = " or ".join(f"--array {str(d.name)[1:]}" for d in found[:6])
        raise DataError(
            f"{path}: has {len(found)} complex arrays, {_listed(found)}: say which with {options}"
        )
    real = [d for d in known.values() if d.dtype.kind in "iuf" and d.ndim > 1]
    if len(real) == 1:
        raise DataError(f"{path}: no complex array; {_real(real[0])}")
    raise DataError(
        f"{path}: no complex array; it holds {_listed(list(known.values())) or 'no arrays'}: "
        "store the channels as one complex64 array"
    )


def labels(file: h5py.File, array: str, n: int) -> dict[str, h5py.Dataset]:
    """The arrays with one number or one text a realisation, by path without the first slash."""
    return {
        path[1:]: member
        for path, member in arrays(file).items()
        if path != array and member.size == n and n in member.shape
        if member.dtype.kind in "biuf" or h5py.check_string_dtype(member.dtype) is not None
    }


def _named(file: h5py.File, path: str, name: str, known: dict[str, h5py.Dataset]) -> h5py.Dataset:
    full = "/" + name.strip("/")
    if full not in known:
        is_group = full in file and isinstance(file[full], h5py.Group)
        said = "is a group, not an array" if is_group else "is not in the file"
        has = _listed(list(known.values())) or "no arrays"
        raise DataError(f"{path}: --array {name}: {full} {said}; it has {has}")
    array = known[full]
    if complex_parts(array.dtype) is not None:
        return array
    if array.dtype.kind in "iuf":
        raise DataError(f"{path}: --array {name}: {_real(array)}")
    raise DataError(
        f"{path}: --array {name}: {full} holds {_kind(array)}, not complex numbers; "
        "store the channels as one complex64 array"
    )


def _real(array: h5py.Dataset) -> str:
    if array.ndim > 1 and array.shape[-1] == 2:
        return (
            f"{_listed([array])} looks like real and imaginary parts on its last axis: "
            "store it as one complex64 array"
        )
    return (
        f"{_listed([array])} is real, and a channel needs its phase, which a power-delay profile "
        "does not have: store the complex channels"
    )


def _listed(found: list[h5py.Dataset]) -> str:
    """``/H complex64 (100, 64), …``, six at most."""
    said = [f"{d.name} {_kind(d)} {tuple(d.shape or ())}" for d in found[:6]]
    return ", ".join(said) + (f" and {len(found) - 6} more" if len(found) > 6 else "")


def _kind(array: h5py.Dataset) -> str:
    dtype = array.dtype
    if h5py.check_string_dtype(dtype) is not None:
        return "text"
    if dtype.names is not None:
        return "compound {" + ", ".join(dtype.names) + "}"
    return "objects" if dtype.kind == "O" else str(dtype)


def _dtype(member: h5py.Dataset) -> np.dtype | None:
    """The type of an array; ``None`` where numpy has none for it, or it has no shape."""
    try:
        return member.dtype if member.shape is not None else None
    except TypeError:
        return None
