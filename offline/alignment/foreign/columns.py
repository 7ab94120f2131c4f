"""Which columns of a table hold times, and in what unit: as told, or as they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from offline.alignment.foreign.train import Unit
from offline.alignment.foreign.units import says_time, unit_of
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.alignment.foreign.train import Options

__all__ = ["Columns", "chosen", "unit_for", "wanted"]

_MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file: of a table, or the arrays in an archive."""

    file: str
    names: tuple[str, ...]
    """As they are headed; a number from 1 where nothing heads them."""
    headed: bool
    each_is_a_train: bool = False
    """Whether all are times where none says so, as with arrays saved together."""

    def listed(self) -> str:
        """Return the names for a message."""
        shown = [name or "(no name)" for name in self.names[:_MOST_NAMED]]
        rest = len(self.names) - len(shown)
        more = f" and {rest} more" if rest else ""
        if not self.headed:
            return f"1 to {len(self.names)}"
        return ", ".join(shown) + more


def wanted(names: Sequence[str], options: Options) -> list[int]:
    """Return the columns that the user has asked for, of those that are here."""
    found: list[int] = []
    for column in options.columns:
        plain = [name.strip().casefold() for name in names]
        asked = column.strip().casefold()
        if asked in plain:
            found.append(plain.index(asked))
        elif column.isdecimal() and 1 <= int(column) <= len(names):
            found.append(int(column) - 1)
    return list(dict.fromkeys(found))


def chosen(columns: Columns, options: Options) -> list[int]:
    """Return the columns that hold times, those asked for before all.

    Raises
    ------
    SessionError
        If none says that it does, and the user has not named one.
    """
    asked = wanted(columns.names, options)
    if asked:
        return asked
    if len(columns.names) == 1:
        return [0]
    if columns.headed:
        times = [k for k, name in enumerate(columns.names) if says_time(name)]
        if times:
            return times
    if columns.each_is_a_train and not options.columns:
        return list(range(len(columns.names)))
    given = f" (not {', '.join(options.columns)})" if options.columns else ""
    msg = (
        f"Expected to know which column of {columns.file} holds times, got "
        f"{len(columns.names)} columns, none of which says so{given}: name it with "
        f"--column ({columns.listed()})"
    )
    raise SessionError(msg)


def unit_for(column: str, file: str, options: Options) -> tuple[Unit, str]:
    """Return the unit of a column's times, and in words how it is known.

    Raises
    ------
    SessionError
        If neither the column, nor the file's name, nor the user says it.
    """
    stem = file.rsplit(".", 1)[0]
    for said, by in ((column, "its name"), (stem, "the file's name")):
        unit = unit_of(said)
        if unit is not None:
            return unit, f"in {unit}, by {by}"
    if options.unit is not None:
        return options.unit, f"in {options.unit}, as told"
    what = f"column {column} of {file}" if column else file
    *some, last = get_args(Unit)
    msg = (
        f"Expected to know the unit of the times in {what}, got a name that does not "
        f"say it: give --unit {', '.join(some)} or {last}; the numbers do not tell, "
        "and a wrong guess may fit"
    )
    raise SessionError(msg)
