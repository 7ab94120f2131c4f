"""A session that ended badly, looked at file by file; nothing is changed here.

Whatever can be read tells: the session file if it opens, else the segments, each
of which says itself what stream it is of, and the folder's own name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import msgspec
import numpy as np

from rig.errors import SessionError
from rig.recording.extents import committed_prefix, segment_fault
from rig.recording.hdf5 import read_segment_layout
from rig.recording.layout import (
    SEGMENT_INDEX,
    SESSION_FILE,
    SIDECAR_FILE,
    segment_name,
    segments_folder,
)
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo, read_sidecar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.recording.layout import StreamLayout

__all__ = ["SessionFile", "StreamWreck", "Wreck", "survey"]

_SEGMENT = re.compile(r"(?P<stream>[^.].*)-(?P<number>\d+)\.h5")
_FOLDER = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_(?P<task>.+)")
_h5: Any = h5py


@dataclass(frozen=True, slots=True)
class SessionFile:
    """What a session file that can be read says."""

    info: SessionInfo
    layouts: Mapping[str, StreamLayout]
    ledger: Ledger | None
    """None for one that was being recorded."""
    rows: Mapping[str, int]
    """Length of each stream's table; empty for one that was being recorded."""
    folded: bool


@dataclass(frozen=True, slots=True)
class StreamWreck:
    """The segments of one stream."""

    layout: StreamLayout
    segments: int
    """How many can be read, from the first on."""
    seqs: NDArray[np.int64]
    """(n,) `seq` of the rows in these, up to the last that is marked as committed."""
    host_ns: NDArray[np.int64]
    """(n,) marks of these rows; 0 where one was lost."""
    fault: str
    """What is wrong with the next segment; empty if there is none."""
    later: Mapping[str, int | None]
    """Committed rows in the segments from there on, by file; None where unreadable."""
    later_seq: int
    """One more than the last `seq` in these; 0 if nothing can be read."""
    later_ns: int
    """Host time of the last row in these; 0 if nothing can be read."""

    @property
    def rows(self) -> int:
        """Rows up to the last that is marked as committed."""
        return len(self.seqs)

    @property
    def unbroken(self) -> int:
        """Rows before the first that is not marked."""
        return committed_prefix(self.host_ns)


@dataclass(frozen=True, slots=True)
class Wreck:
    """What is left of a session."""

    folder: Path
    file: SessionFile | None
    """None where there is none that can be read."""
    file_fault: str
    """Why; empty if it can be read."""
    info: SessionInfo
    info_fault: str
    """Why `session.json` could not tell it; empty if it could."""
    streams: Mapping[str, StreamWreck]
    strange: tuple[str, ...]
    """Segment files of which nobody can say what stream they are of."""

    @property
    def layouts(self) -> dict[str, StreamLayout]:
        """Layout of each stream, by name."""
        return {name: stream.layout for name, stream in self.streams.items()}


def survey(folder: Path, place: Path | None = None) -> Wreck:
    """Look at what is left of a session.

    Parameters
    ----------
    folder
        The session's folder.
    place
        The folder of its segments, if that is another than its own.

    Raises
    ------
    SessionError
        If the folder holds no session.
    VersionError
        If it is of another version.
    """
    place = place or segments_folder(folder)
    _require_session(folder, place)
    file, file_fault = _session_file(folder / SESSION_FILE)
    info, info_fault = _identity(folder, file)
    numbers, strange = _segments(place), list[str]()
    layouts = dict(file.layouts) if file is not None else {}
    for name in sorted(numbers.keys() - layouts.keys()):
        layout = _layout_of(place, name, numbers[name])
        if layout is not None:
            layouts[name] = layout
        else:
            strange += [segment_name(name, number) for number in sorted(numbers[name])]
    rows: Mapping[str, int] = file.rows if file is not None else {}
    streams = {
        name: _stream(place, layout, numbers.get(name, set()), rows.get(name, 0))
        for name, layout in layouts.items()
        if file is None or not file.folded
    }
    return Wreck(folder, file, file_fault, info, info_fault, streams, tuple(strange))


def _require_session(folder: Path, place: Path) -> None:
    if not folder.is_dir():
        got = "a file" if folder.exists() else "no folder"
        msg = f"Expected a session at {folder}, got {got}: give a session's folder"
        raise SessionError(msg)
    begun = (folder / SESSION_FILE).exists() or any(_segments(place).values())
    if begun:
        return
    if (folder / SIDECAR_FILE).exists() or segments_folder(folder).is_dir():
        msg = (
            f"Expected a recording in {folder}, got a session that never began: "
            "nothing was recorded; you may remove the folder"
        )
    else:
        msg = f"Expected a session in {folder}, got none: give a session's folder"
        if sessions := [path.parent for path in folder.glob(f"*/{SIDECAR_FILE}")]:
            msg += f", such as {max(sessions, key=lambda path: path.stat().st_mtime)}"
    raise SessionError(msg)


def _session_file(path: Path) -> tuple[SessionFile | None, str]:
    if not path.exists():
        return None, "missing"
    try:
        with Recording.open(path) as recording:
            return _read(recording), ""
    except (
        SessionError,
        OSError,
        RuntimeError,
        KeyError,
        ValueError,
        msgspec.MsgspecError,
    ) as error:
        return None, f"damaged ({error.__cause__ or error})"


def _read(recording: Recording) -> SessionFile:
    ledger = recording.ledger
    rows = {
        name: recording.room(name) for name in recording.layouts if ledger is not None
    }
    return SessionFile(
        recording.own_info,
        recording.layouts,
        None if ledger is None else Ledger.from_json(ledger),
        rows,
        recording.folded,
    )


def _identity(folder: Path, file: SessionFile | None) -> tuple[SessionInfo, str]:
    try:
        info = read_sidecar(folder)
        fault = "missing"
    except SessionError as error:
        info, fault = None, f"damaged ({error.__cause__ or error})"
    if info is not None:
        return info, ""
    if file is not None:
        return file.info, fault
    named = _FOLDER.fullmatch(folder.resolve().name)
    subject = folder.resolve().parent.name
    return (
        SessionInfo(
            session_id=f"{subject}_{folder.resolve().name}",
            subject=subject,
            task=named["task"] if named else "unknown",
            started_utc="unknown",
            started_host_ns=0,
        ),
        fault,
    )


def _segments(place: Path) -> dict[str, set[int]]:
    """Return the numbers of the segment files that are there, by stream.

    A stream that has only one under its hidden name, made ahead, has none.
    """
    numbers: dict[str, set[int]] = {}
    for path in place.glob("*.h5"):
        hidden = path.name.startswith(".")
        found = _SEGMENT.fullmatch(path.name.removeprefix("."))
        if found is not None:
            mine = numbers.setdefault(found["stream"].replace("+", "/"), set())
            if not hidden:
                mine.add(int(found["number"]))
    return numbers


def _layout_of(place: Path, name: str, numbers: Iterable[int]) -> StreamLayout | None:
    """Ask the segments of a stream what it is; the hidden ones too."""
    paths = [place / segment_name(name, number) for number in sorted(numbers)]
    for path in [*paths, *sorted(place.glob(f".{segment_name(name, '*')}"))]:
        try:
            layout = read_segment_layout(path)
        except (OSError, KeyError, msgspec.MsgspecError):
            continue
        if layout.name == name:
            return layout
    return None


def _stream(
    place: Path, layout: StreamLayout, numbers: set[int], claimed: int
) -> StreamWreck:
    """Look at a stream's segments, of which the session file claims so many rows."""
    last = max(max(numbers, default=-1), (claimed - 1) // layout.rows_per_segment)
    seqs: list[NDArray[np.int64]] = []
    marks: list[NDArray[np.int64]] = []
    fault, number = "", 0
    for number in range(last + 1):
        fault = _fault(place, layout, number)
        if fault:
            break
        rows = _index(place / layout.segment_file(number))
        seqs.append(rows["seq"].copy())
        marks.append(rows["host_ns"].copy())
    later, last_row = _later(place, layout, number, last) if fault else ({}, None)
    host_ns = np.concatenate([np.zeros(0, np.int64), *marks])
    marked = np.flatnonzero(host_ns)
    end = int(marked[-1]) + 1 if len(marked) else 0
    return StreamWreck(
        layout=layout,
        segments=len(seqs),
        seqs=np.concatenate([np.zeros(0, np.int64), *seqs])[:end],
        host_ns=host_ns[:end],
        fault=fault,
        later=later,
        later_seq=0 if last_row is None else int(last_row["seq"]) + 1,
        later_ns=0 if last_row is None else int(last_row["host_ns"]),
    )


def _fault(place: Path, layout: StreamLayout, number: int) -> str:
    path = place / layout.segment_file(number)
    return segment_fault(path, layout) if path.exists() else f"{path.name} is missing"


def _later(
    place: Path, layout: StreamLayout, first: int, last: int
) -> tuple[dict[str, int | None], np.void | None]:
    """Return how many rows there are in segments from `first` on, and the last row."""
    counts: dict[str, int | None] = {}
    last_row = None
    for number in range(first, last + 1):
        path = place / layout.segment_file(number)
        if not path.exists():
            continue
        if segment_fault(path, layout):
            counts[path.name] = None
            continue
        rows = _index(path)
        marked = rows[rows["host_ns"] != 0]
        counts[path.name] = len(marked)
        if len(marked):
            last_row = marked[-1]
    return counts, last_row


def _index(path: Path) -> NDArray[np.void]:
    with _h5.File(path, "r") as file:
        return file[SEGMENT_INDEX][:]
