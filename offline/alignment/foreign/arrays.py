"""NumPy files of pulse times: an array, a table of columns, or arrays by name."""

from __future__ import annotations

import struct
import zlib
from tokenize import TokenError
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from offline.alignment.foreign.columns import Columns, chosen, unit_for
from offline.alignment.foreign.train import UNITS, Train
from offline.alignment.foreign.units import tick_of, to_ns, unwrapped
from rig.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.alignment.foreign.train import Options

__all__ = ["read_arrays"]

_COARSE_NS = 1_000
_DAMAGE = (
    ValueError,
    EOFError,
    OSError,
    BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,
    TokenError,
    KeyError,
    TypeError,
    RuntimeError,
    MemoryError,
    OverflowError,
)
"""What NumPy raises on files that are not what they should be."""


def read_arrays(path: Path, label: str, sha256: str, options: Options) -> list[Train]:
    """Read the trains of an ``.npy`` or ``.npz`` file: one for each array or column.

    Raises
    ------
    SessionError
        If it is damaged, holds no times, or does not tell what its numbers are.
    """
    found = _columns(path)
    good = {name: row for name, row in found.items() if row.dtype.kind in "iufmM"}
    skipped = [name for name in found if name not in good]
    if not good:
        kinds = sorted({str(row.dtype) for row in found.values()})
        msg = (
            f"Expected rows of numbers in {path.name}, got "
            f"{', '.join(kinds) or 'nothing'}: save the times alone"
        )
        raise SessionError(msg)
    headed = not all(name.isdecimal() for name in found)
    names = tuple(good)
    columns = Columns(path.name, names, headed, each_is_a_train=path.suffix == ".npz")
    picked = [names[k] for k in chosen(columns, options)]
    return [
        _train(
            good[name],
            label if len(picked) == 1 else f"{label}.{name.replace('/', '_')}",
            name if headed else "",
            path.name,
            sha256,
            options,
            skipped,
        )
        for name in picked
    ]


def _columns(path: Path) -> dict[str, NDArray[Any]]:
    """Return every row of values in the file, by name."""
    try:
        with path.open("rb") as file:
            loaded: Any = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return _rows_of(loaded, path.name)
            with loaded:
                arrays = {name: loaded[name] for name in loaded.files}
    except _DAMAGE as error:
        msg = (
            f"Expected NumPy arrays of numbers in {path.name}, got what NumPy does not "
            f"read ({error}): save the times with numpy.save or numpy.savez"
        )
        raise SessionError(msg) from error
    return {name: rows.ravel() for name, rows in arrays.items() if _is_row(rows)}


def _is_row(array: NDArray[Any]) -> bool:
    return array.ndim > 0 and array.size == max(array.shape)


def _rows_of(array: NDArray[Any], file: str) -> dict[str, NDArray[Any]]:
    if array.dtype.names and array.ndim == 1:
        return {name: array[name] for name in array.dtype.names}
    if _is_row(array):
        return {"1": array.ravel()}
    if array.ndim == 2 and array.size:
        return {str(k + 1): array[:, k] for k in range(array.shape[1])}
    msg = (
        f"Expected a row or a table of times in {file}, got an array of shape "
        f"{array.shape}: save the times alone"
    )
    raise SessionError(msg)


def _train(
    values: NDArray[Any],
    name: str,
    head: str,
    file: str,
    sha256: str,
    options: Options,
    skipped: list[str],
) -> Train:
    notes: list[str] = []
    known = ~np.isnat(values) if values.dtype.kind in "mM" else np.isfinite(values)
    if values.dtype.kind == "f" and np.isinf(values).any():
        at = int(np.flatnonzero(np.isinf(values))[0])
        msg = f"Expected times in {file}, got {values[at]} in row {at}: mend the file"
        raise SessionError(msg)
    row = None if known.all() else np.flatnonzero(known)
    if row is not None:
        notes.append(f"{len(values) - len(row)} rows without a time were left out")
    kept = values[known]
    if not len(kept):
        msg = f"Expected times in {name} of {file}, got none: choose another one"
        raise SessionError(msg)
    times, finest_ns = _times(kept, head, file, options, notes)
    if skipped:
        notes.append(f"not read, since no rows of numbers: {', '.join(skipped)}")
    return Train(
        name=name,
        clock=name,
        file=file,
        column=head,
        times_ns=times,
        tick_ns=tick_of(times, finest_ns),
        row=row,
        notes=tuple(notes),
        sha256=sha256,
    )


def _times(
    values: NDArray[Any], head: str, file: str, options: Options, notes: list[str]
) -> tuple[NDArray[np.int64], int]:
    """Return the times, and the finest step that could have been written."""
    if values.dtype.kind in "mM":
        notes.append(f"times by their type, {values.dtype}")
        kind = "datetime64[ns]" if values.dtype.kind == "M" else "timedelta64[ns]"
        return values.astype(kind).astype(np.int64), 1
    unit, how = unit_for(head, file, options)
    notes.append(f"times {how}")
    times, wraps = unwrapped(to_ns(values, unit, file), unit)
    if wraps:
        notes.append(f"a 32-bit counter had gone round {wraps} times: undone")
    if values.dtype.kind in "iu":
        return times, UNITS[unit]
    grain = float(np.spacing(np.abs(values).max())) * UNITS[unit]
    if grain > _COARSE_NS:
        notes.append(f"{values.dtype} of this size tells no less than {grain:,.0f} ns")
    return times, max(1, round(grain))
