"""Attributes and structure of HDF5 files: taken over, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["copy_attributes", "differences", "object_names"]

_h5: Any = h5py


def object_names(file: Any) -> list[str]:
    """Return the names of all groups and datasets of a file, and of the file itself."""
    names = ["/"]
    file.visit(lambda name: names.append(f"/{name}"))
    return names


def copy_attributes(source: Any, target: Any) -> None:
    """Give an object the attributes of another one, type by type."""
    for name, value in source.attrs.items():
        target.attrs.create(name, value, dtype=source.attrs.get_id(name).dtype)


def differences(old: Any, new: Any, added: frozenset[str]) -> Iterator[str]:
    """Yield in what two files differ, apart from the entries of their datasets.

    Parameters
    ----------
    added
        Attributes of the whole file that the new one has, and the old one may.
    """
    ours, theirs = set(object_names(old)), set(object_names(new))
    yield from (f"{name} is in one file only" for name in sorted(ours ^ theirs))
    for name in sorted(ours & theirs):
        skipped = added if name == "/" else frozenset[str]()
        yield from _object_differences(name, old[name], new[name], skipped)


def _object_differences(
    name: str, old: Any, new: Any, skipped: frozenset[str]
) -> Iterator[str]:
    if type(old) is not type(new):
        yield f"{name} is another kind of object"
    elif isinstance(old, _h5.Dataset) and (
        old.shape != new.shape or old.id.get_type() != new.id.get_type()
    ):
        yield f"{name} has another shape or type"
    for attribute in sorted((set(old.attrs) | set(new.attrs)) - skipped):
        if not _same_attribute(old, new, attribute):
            yield f"attribute {attribute!r} of {name} differs"


def _same_attribute(old: Any, new: Any, name: str) -> bool:
    if name not in old.attrs or name not in new.attrs:
        return False
    ours, theirs = old.attrs.get_id(name), new.attrs.get_id(name)
    if ours.get_type() != theirs.get_type() or ours.shape != theirs.shape:
        return False
    value, copy = np.asarray(old.attrs[name]), np.asarray(new.attrs[name])
    if value.dtype.hasobject:
        return bool(np.array_equal(value, copy))
    return value.tobytes() == copy.tobytes()  # so that NaN is NaN
