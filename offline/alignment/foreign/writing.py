"""Where the results of foreign files go, and the tables among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.result import NO_TIME
from rig.errors import SessionError
from rig.recording.disk import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from offline.alignment.result import AlignedStream

__all__ = ["Outputs", "output_files", "write_tables"]

_HEAD = "row,time_ns,sd_ns"
_BAD = '/\\:*?"<>|'


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that an alignment of foreign files makes."""

    aligned: Path
    """``<stem>.aligned.h5``"""
    report: Path
    """``<stem>.sync-report.html``"""
    tables: Mapping[str, Path]
    """``<train>.aligned.csv``, by train."""


def output_files(
    paths: Sequence[Path], names: Iterable[str], out: Path | None = None
) -> Outputs:
    """Return where results go: beside the first file, or in a folder.

    Parameters
    ----------
    paths
        The files that were read.
    names
        Of the trains.
    out
        Folder for the results.

    Raises
    ------
    SessionError
        If a result would take the place of a file that was read.
    """
    folder = paths[0].parent if out is None else out
    stem = paths[0].name.split(".", 1)[0] or paths[0].name
    tables: dict[str, Path] = {}
    for name in names:
        plain = "".join("_" if letter in _BAD else letter for letter in name)
        taken = {path.name for path in tables.values()}
        number, file = 2, f"{plain}.aligned.csv"
        while file in taken:
            number, file = number + 1, f"{plain} {number}.aligned.csv"
        tables[name] = folder / file
    found = Outputs(
        folder / f"{stem}.aligned.h5", folder / f"{stem}.sync-report.html", tables
    )
    inputs = {path.resolve() for path in paths}
    for path in (found.aligned, found.report, *tables.values()):
        if path.resolve() in inputs:
            msg = (
                f"Expected to write {path.name} beside the files, got a file of that "
                "name that was read: give another folder with --out"
            )
            raise SessionError(msg)
    return found


def write_tables(
    outputs: Outputs, streams: Mapping[str, AlignedStream], origin_ns: int
) -> tuple[Path, ...]:
    """Write each train's times on the reference's own clock as a table.

    A row for each time in the file, in its order: its row in the file (from 0), the
    time by the reference's clock in ns, and its standard deviation; both empty where
    a train, or a stretch of it, has no time.

    Parameters
    ----------
    origin_ns
        `Alignment.origin_ns`, which is added, so that the times can be laid beside
        the reference's file.
    """
    for name, stream in streams.items():
        path = outputs.tables[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, _table(stream, origin_ns).encode())
    return tuple(outputs.tables[name] for name in streams)


def _table(stream: AlignedStream, origin_ns: int) -> str:
    count = len(stream.time_ns)
    rows = np.arange(count) if stream.row is None else stream.row
    lines = [
        f"{row},," if time == NO_TIME else f"{row},{time + origin_ns},{sd:.1f}"
        for row, time, sd in zip(
            rows.tolist(), stream.time_ns.tolist(), stream.sd_ns.tolist(), strict=True
        )
    ]
    return "\n".join([_HEAD, *lines, ""])
