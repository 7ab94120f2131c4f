"""The last sessions: what they were, how long, and what they were worth.

Only descriptions and ledgers are read, no rows of data. A session that cannot be read
is listed with the reason.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from rig.bus.directory import running
from rig.errors import SpringhareError
from rig.recording.layout import SESSION_FILE, SIDECAR_FILE
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording
from rig.recording.sidecar import SessionInfo, Verdict, read_sidecar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["PastSession", "PastState", "past_sessions"]

PastState = Literal["recording", "complete", "salvaged", "cut off", "damaged"]
_DATED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_UNREADABLE = (
    SpringhareError,
    msgspec.MsgspecError,
    OSError,
    ValueError,
    KeyError,
    RuntimeError,
)
"""What a file that was spoilt makes its readers raise."""
_NEVER_BEGAN = "nothing was recorded: it ended before it began, see its log folder"


@dataclass(frozen=True, slots=True)
class PastSession:
    """A session on the disk, at a glance."""

    folder: Path
    state: PastState
    subject: str
    task: str = ""
    started: datetime | None = None
    """Wall time, with its zone."""
    length_s: float | None = None
    """None while it is recorded, or where nobody knows."""
    verdict: Verdict | None = None
    lost: int | None = None
    """Elements of all streams; None where there is no ledger."""
    reason: str = ""
    """The verdict in a sentence, or what is wrong and what to do."""


def past_sessions(roots: Iterable[Path], most: int = 30) -> list[PastSession]:
    """Return the newest sessions below some data roots, newest first.

    Parameters
    ----------
    roots
        Folders with a folder for each subject; one that is not there holds nothing.
    most
        So many are looked at, by the date in their folder's name.
    """
    folders = {folder.resolve() for root in roots for folder in _sessions_below(root)}
    newest = sorted(folders, key=_age, reverse=True)[:most]
    live = set(_recorded_into())
    return [_look(folder, live=str(folder) in live) for folder in newest]


def _recorded_into() -> Iterator[str]:
    for streams in running():
        with suppress(OSError, msgspec.MsgspecError):  # it is just ending
            yield streams.owner.session_folder


def _sessions_below(root: Path) -> Iterator[Path]:
    try:
        subjects = [path for path in root.iterdir() if path.is_dir()]
    except OSError:
        return
    for subject in subjects:
        try:
            yield from (path for path in subject.iterdir() if _is_session(path))
        except OSError:
            continue


def _is_session(path: Path) -> bool:
    if not path.is_dir():
        return False
    named = (SIDECAR_FILE, SESSION_FILE)
    return bool(_DATED.match(path.name)) or any((path / n).exists() for n in named)


def _age(folder: Path) -> str:
    """Return what sorts by time: the date in the name, or that of the folder."""
    if dated := _DATED.match(folder.name):
        return dated.group()
    changed = datetime.fromtimestamp(folder.stat().st_mtime).astimezone()
    return changed.strftime("%Y-%m-%d_%H-%M-%S")


def _look(folder: Path, *, live: bool) -> PastSession:
    try:
        info = read_sidecar(folder)
        if info is None:
            info = _without_sidecar(folder, live=live)
        if info is None:
            words = "it is just being started" if live else _NEVER_BEGAN
            state: PastState = "recording" if live else "damaged"
            return PastSession(folder, state, folder.parent.name, reason=words)
        return _described(folder, info, live=live)
    except _UNREADABLE as error:
        return PastSession(folder, "damaged", folder.parent.name, reason=str(error))


def _without_sidecar(folder: Path, *, live: bool) -> SessionInfo | None:
    """Return what the session file says of itself, where that is all there is."""
    if live or not (folder / SESSION_FILE).exists():
        return None
    with Recording.open(folder) as recording:
        return recording.own_info


def _described(folder: Path, info: SessionInfo, *, live: bool) -> PastSession:
    started = datetime.fromisoformat(info.started_utc)
    found = PastSession(
        folder, "recording", info.subject, info.task, started, verdict=info.verdict
    )
    if info.state == "recording":
        if live:
            return replace(found, reason="it is being recorded")
        words = f"it was cut off: springhare recover {folder} makes it whole"
        return replace(found, state="cut off", reason=words)
    try:
        with Recording.open(folder) as recording:
            ledger = Ledger.from_json(recording.ledger or "")
            length_s = _length_s(recording, info, started)
    except _UNREADABLE as error:
        return replace(found, state="damaged", reason=str(error))
    return replace(
        found,
        state=info.state,
        length_s=length_s,
        verdict=ledger.verdict,
        lost=sum(stream.lost for stream in ledger.streams.values()),
        reason=ledger.reason,
    )


def _length_s(
    recording: Recording, info: SessionInfo, started: datetime
) -> float | None:
    """Return how long it was: to its last row where its end was not its own."""
    if info.state == "complete" and info.finished_utc is not None:
        finished = datetime.fromisoformat(info.finished_utc)
        return (finished - started).total_seconds()
    last_ns = [
        int(recording.rows(stream, n - 1)["host_ns"][-1])
        for stream in recording.streams
        if (n := recording.count(stream))
    ]
    return (max(last_ns) - info.started_host_ns) / 1e9 if last_ns else None
