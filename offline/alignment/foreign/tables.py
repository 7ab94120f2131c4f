"""Plain tables of pulse times: CSV, TSV, or columns apart by blanks.

Numbers are taken as they are written, digit by digit: a Unix time in nanoseconds has
more of them than a float holds.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.foreign.columns import Columns, chosen, unit_for
from offline.alignment.foreign.train import UNITS, Train
from offline.alignment.foreign.units import LONGEST_NS, says_time, tick_of, unwrapped
from rig.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.alignment.foreign.train import Options, Unit

__all__ = ["read_table"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_NOTHING = {"", "nan", "na", "n/a", "null", "none", "nat"}
_COMMENTS = ("#", "%")
_EDGE_HEADS = {"rising", "edge", "polarity", "state", "level"}
_UP = {"1", "1.0", "+1", "true", "rising", "rise", "up", "on", "high"}
_DOWN = {"0", "0.0", "-1", "-1.0", "false", "falling", "fall", "down", "off", "low"}
_SHOWN = 3
_TURNS = 0.8
"""Of the edges of a line so many go the other way than the one before, at least."""
_HINTS = (
    (re.compile(r"\d,\d"), "write points for decimal commas"),
    (re.compile(r"\d{4}-\d\d-\d\d|\d:\d\d"), "write dates as seconds"),
)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class _Table:
    file: str
    heads: tuple[str, ...] | None
    rows: list[_Row]

    @property
    def width(self) -> int:
        return max(len(row.cells) for row in self.rows)


def read_table(path: Path, label: str, sha256: str, options: Options) -> list[Train]:
    """Read the trains of a table: one for each column of times.

    Parameters
    ----------
    label
        What the file is called among those that are read together.

    Raises
    ------
    SessionError
        If it holds no times, something else than numbers, or does not tell what its
        numbers are.
    """
    table = _parsed(path)
    heads = table.heads or tuple(str(k + 1) for k in range(table.width))
    columns = Columns(path.name, heads, headed=table.heads is not None)
    picked = chosen(columns, options)
    rising = _edge_column(table, picked)
    return [
        _train(
            table, k, rising, label if len(picked) == 1 else "", label, sha256, options
        )
        for k in picked
    ]


def _train(
    table: _Table,
    column: int,
    edge_column: int | None,
    only: str,
    label: str,
    sha256: str,
    options: Options,
) -> Train:
    head = table.heads[column] if table.heads else ""
    unit, how = unit_for(head, table.file, options)
    numbers, rows = _numbers(table, column)
    times, tick_ns = _times(numbers, unit, table.file)
    times, wraps = unwrapped(times, unit)
    left_out = len(table.rows) - len(rows)
    rising = None if edge_column is None else _rising(table, edge_column, rows)
    name = only or f"{label}.{head.strip().replace('/', '_') or column + 1}"
    notes = [f"times {how}"]
    if left_out:
        notes.append(f"{left_out} rows without a time were left out")
    if wraps:
        notes.append(f"a 32-bit counter had gone round {wraps} times: undone")
    if edge_column is not None and rising is None:
        notes.append("its column of edges does not go up and down: each row is a pulse")
    return Train(
        name=name,
        clock=name,
        file=table.file,
        column=head,
        times_ns=times,
        rising=rising,
        tick_ns=tick_of(times, tick_ns),
        row=np.array(rows, np.int64) if left_out else None,
        notes=tuple(notes),
        sha256=sha256,
    )


def _parsed(path: Path) -> _Table:
    lines = _text(path).splitlines()
    kept = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith(_COMMENTS)
    ]
    if not kept:
        msg = f"Expected times in {path.name}, got an empty file: choose another one"
        raise SessionError(msg)
    delimiter = _delimiter([line for _, line in kept])
    rows = [_Row(number, _cells(line, delimiter)) for number, line in kept]
    words = rows[0].cells
    if delimiter is None and len(words) > len(rows[-1].cells):
        rows[0] = _Row(rows[0].line, [" ".join(words)])
    if _is_head(rows):
        table = _Table(path.name, None, _rows(rows[1:], path.name))
        heads = rows[0].cells
    else:
        table = _Table(path.name, None, rows)
        heads = _commented_heads(lines[: kept[0][0] - 1], delimiter)
        heads = heads if len(heads) == table.width else []
    blank = [""] * (table.width - len(heads))
    return _Table(path.name, (*heads, *blank) if heads else None, table.rows)


def _rows(rows: list[_Row], file: str) -> list[_Row]:
    if not rows:
        msg = f"Expected times in {file}, got a head and no rows: choose another file"
        raise SessionError(msg)
    return rows


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        msg = f"Expected a table of numbers in {path.name}, got bytes that are no text"
        raise SessionError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _delimiter(lines: Sequence[str]) -> str | None:
    """Return what stands between the cells; None for blanks."""
    last = lines[-1]
    for mark in ("\t", ";", ","):
        if mark in last:
            return mark
    return next((mark for mark in ("\t", ";", ",") if mark in lines[0]), None)


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return [cell.strip('"') for cell in line.split()]
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _is_head(rows: list[_Row]) -> bool:
    """Tell whether the first row names what is below: words above numbers."""
    first = rows[0].cells
    if not any(map(_is_number, first)) and any(map(says_time, first)):
        return True
    if len(rows) == 1:
        return not any(map(_is_number, first))
    return any(
        head.casefold() not in _NOTHING and not _is_number(head) and _is_number(cell)
        for head, cell in zip(first, rows[1].cells, strict=False)
    )


def _commented_heads(lines: Sequence[str], delimiter: str | None) -> list[str]:
    comments = [line.strip().lstrip("#% ") for line in lines if line.strip()]
    return _cells(comments[-1], delimiter) if comments else []


def _numbers(table: _Table, column: int) -> tuple[list[Decimal], list[int]]:
    """Return the numbers of a column, and the rows that they stand in."""
    numbers: list[Decimal] = []
    rows: list[int] = []
    wrong: list[str] = []
    for k, row in enumerate(table.rows):
        cell = row.cells[column] if column < len(row.cells) else ""
        if _is_number(cell):
            numbers.append(Decimal(cell))
            rows.append(k)
        elif cell.casefold() not in _NOTHING:
            wrong.append(f"{cell[:40]!r} in line {row.line}")
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        hint = next((say for form, say in _HINTS if form.search(wrong[0])), "mend them")
        msg = (
            f"Expected numbers in {_column_name(table, column)} of {table.file}, got "
            f"{', '.join(wrong[:_SHOWN])}{more}: {hint}, or name another --column"
        )
        raise SessionError(msg)
    if not numbers:
        where = _column_name(table, column)
        msg = f"Expected times in {where} of {table.file}, got none: name another one"
        raise SessionError(msg)
    return numbers, rows


def _column_name(table: _Table, column: int) -> str:
    head = table.heads[column] if table.heads else ""
    return f"column {head or column + 1}"


def _times(
    numbers: list[Decimal], unit: Unit, file: str
) -> tuple[NDArray[np.int64], int]:
    """Return the times, and the finest step that could have been written."""
    scale = Decimal(UNITS[unit])
    largest = max(abs(number) for number in numbers) * scale
    if largest > LONGEST_NS:
        msg = (
            f"Expected times in {unit} in {file}, got {largest / scale:.6g}, which "
            f"would be {largest / Decimal('3.15576e16'):.0f} years: give the right "
            "--unit, or name another --column"
        )
        raise SessionError(msg)
    exponents = (number.normalize().as_tuple().exponent for number in numbers)
    finest = min(e for e in exponents if isinstance(e, int))
    step = Decimal(10) ** min(finest, 0) * scale
    ns = [int((number * scale).to_integral_value()) for number in numbers]
    return np.array(ns, np.int64), max(1, int(step))


def _edge_column(table: _Table, picked: list[int]) -> int | None:
    """Return the column that says which way a line went, if there is one."""
    if table.heads is None or len(picked) != 1:
        return None
    for k, head in enumerate(table.heads):
        if head.strip().casefold() in _EDGE_HEADS and k != picked[0]:
            return k
    return None


def _rising(table: _Table, column: int, rows: list[int]) -> NDArray[np.bool_] | None:
    cells = [table.rows[k].cells for k in rows]
    said = [row[column].casefold() if column < len(row) else "" for row in cells]
    if not all(word in _UP or word in _DOWN for word in said):
        return None
    rising = np.array([word in _UP for word in said])
    turns = np.count_nonzero(np.diff(rising))
    mixed = rising.any() and not rising.all()
    return None if mixed and turns < _TURNS * (len(rising) - 1) else rising
