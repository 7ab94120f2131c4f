"""The end of a session: the rest of the rings, the ledger, the verdict.

The same for a session that was stopped in order, for one whose recorder died,
and for one whose supervisor died and whose rings were found later.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rig.errors import BusyError, SessionError
from rig.recorder.emptying import Emptying, readable_rings
from rig.recording import disk
from rig.recording.balance import build_ledger
from rig.recording.count import count_recording, limits_of, with_writers
from rig.recording.finish import finish_session
from rig.recording.layout import SEGMENT_SECONDS, SESSION_FILE, segments_folder
from rig.recording.ledger import CUT_OFF, RECORDER, STOPPED, Ledger
from rig.recording.reader import Recording
from rig.recording.sidecar import (
    SessionInfo,
    SessionState,
    Verdict,
    describe_host,
    installed_versions,
    models_of,
    read_sidecar,
)
from sync.clock import MonotonicClock, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bus.directory import StreamDirectory
    from rig.bus.ring import Ring
    from rig.config.rig import LedgerLimits
    from sync.clock import Clock

__all__ = ["CUT_OFF", "SalvageReport", "close_recording", "salvage"]

_TRIES = 50
_PAUSE_S = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SalvageReport:
    """What was done with the rings of a session that nobody stopped."""

    session_folder: Path
    note: str
    """What was found, in a sentence."""
    salvaged: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rows that were still only in memory and are recorded now, by stream."""
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why a ring could not be read, by stream."""
    verdict: Verdict | None = None


def close_recording(
    folder: Path,
    streams: StreamDirectory,
    limits: LedgerLimits,
    *,
    died: Mapping[str, str] | None = None,
    ended: str = STOPPED,
    clock: Clock | None = None,
) -> Ledger:
    """Record what is left in the rings, close the ledger and finish the session.

    To be called when the recorder has stopped, or is dead.

    Parameters
    ----------
    folder
        The session's folder.
    streams
        Its rings; they stay.
    limits
        When a loss is a warning and when a failure.
    died
        Why a node died, by name; "recorder" for the recorder itself.
    ended
        How the session ended, if it was not stopped in order.

    Raises
    ------
    SessionError
        If nothing was ever begun, or the disk refuses the last few bytes.
    BusyError
        If the recorder still runs.
    """
    rings, _ = readable_rings(streams)
    died = dict(died or {})
    try:
        _record_rest(streams, rings, folder, clock or MonotonicClock())
    except BusyError:
        raise
    except SessionError as error:
        logger.error("What was left in memory is lost: %s", error)  # noqa: TRY400
        died.setdefault(RECORDER, str(error))
    return _finish(folder, rings, limits, died, ended)


def salvage(streams: StreamDirectory, clock: Clock | None = None) -> SalvageReport:
    """Save what is in the rings of a session whose supervisor is gone; remove them.

    Raises
    ------
    SessionError
        If the disk refuses; the rings stay.
    BusyError
        If its recorder does not end; the rings stay.
    """
    folder = Path(streams.owner.session_folder)
    rings, unreadable = readable_rings(streams)
    for name, fault in unreadable.items():
        logger.warning("Cannot salvage %s: %s", name, fault)
    try:
        report = _salvage(streams, rings, folder, clock or MonotonicClock())
    except OSError as error:
        msg = (
            f"Expected to read the recording in {folder}, got: {error}: make it whole "
            "with springhare recover"
        )
        raise SessionError(msg) from error
    if unreadable:
        report = SalvageReport(
            folder, report.note, report.salvaged, unreadable, report.verdict
        )
    streams.remove()
    logger.warning("Session %s: %s", folder, report.note)
    return report


def _salvage(
    streams: StreamDirectory, rings: Sequence[Ring], folder: Path, clock: Clock
) -> SalvageReport:
    heads = {ring.spec.name: ring.head for ring in rings}
    if not folder.is_dir():
        gone = {name: head for name, head in heads.items() if head}
        note = f"its folder is gone; what was in memory is dropped: {gone or 'nothing'}"
        return SalvageReport(folder, note)
    if not (folder / SESSION_FILE).exists() and not any(heads.values()):
        return SalvageReport(folder, "it never began")
    info = read_sidecar(folder)
    state: SessionState = info.state if info else "recording"
    salvaged = _patiently(streams, rings, folder, clock)
    if state != "recording" and not salvaged:
        verdict = info.verdict if info else None
        return SalvageReport(folder, "it was finished already", verdict=verdict)
    with Recording.open(folder) as recording:
        limits = limits_of(recording)
    ledger = _finish(folder, rings, limits, {}, CUT_OFF)
    note = f"{CUT_OFF}; {sum(salvaged.values())} rows salvaged, {ledger.reason}"
    return SalvageReport(folder, note, salvaged, verdict=ledger.verdict)


def _patiently(
    streams: StreamDirectory, rings: Sequence[Ring], folder: Path, clock: Clock
) -> dict[str, int]:
    """Record the rest; a recorder that is just ending is waited for."""
    for _ in range(_TRIES):
        try:
            return _record_rest(streams, rings, folder, clock)
        except BusyError:
            time.sleep(_PAUSE_S)
    return _record_rest(streams, rings, folder, clock)


def _record_rest(
    streams: StreamDirectory, rings: Sequence[Ring], folder: Path, clock: Clock
) -> dict[str, int]:
    """Record what the files lack; return how many rows that were, by stream."""
    before = _recorded(folder)
    if before is not None and not any(
        ring.head > before.get(ring.spec.name, (0, 0))[1] for ring in rings
    ):
        return {}
    emptying = Emptying.open(
        streams,
        rings,
        folder,
        lambda: _identity(folder, rings),
        SEGMENT_SECONDS,
        clock,
    )
    try:
        emptying.finish(wait=False)
    finally:
        emptying.close()
    after = _recorded(folder) or {}
    rows = {
        name: n - (before or {}).get(name, (0, 0))[0] for name, (n, _) in after.items()
    }
    return {name: n for name, n in rows.items() if n}


def _recorded(folder: Path) -> dict[str, tuple[int, int]] | None:
    """Return rows and next `seq` of each stream; None where nothing was begun."""
    if not (folder / SESSION_FILE).exists():
        return None
    with Recording.open(folder) as recording:
        counts = count_recording(recording).streams
    return {
        name: (stream.recorded, stream.published) for name, stream in counts.items()
    }


def _finish(
    folder: Path,
    rings: Sequence[Ring],
    limits: LedgerLimits,
    died: Mapping[str, str],
    ended: str,
) -> Ledger:
    with Recording.open(folder) as recording:
        count = with_writers(
            count_recording(recording),
            {ring.spec.name: ring.head for ring in rings},
            {ring.spec.name: ring.counters for ring in rings},
            died=died,
            ended=ended,
        )
    ledger = build_ledger(count, limits)
    _clear(folder)
    finish_session(folder, ledger, "complete" if ended == STOPPED else "salvaged")
    return ledger


def _clear(folder: Path) -> None:
    """Remove what a recorder that was killed had laid out ahead and held back.

    Raises
    ------
    BusyError
        If a recorder still has it.
    """
    place = segments_folder(folder)
    try:
        lock = disk.lock_folder(place)
        try:
            for hidden in place.glob(".*"):
                hidden.unlink()
        finally:
            os.close(lock)
    except OSError as error:
        logger.warning("What was laid out ahead in %s stays: %s", folder, error)


def _identity(folder: Path, rings: Sequence[Ring]) -> SessionInfo:
    """Return what a session is whose recorder did not come to write it down."""
    return read_sidecar(folder) or SessionInfo(
        session_id=f"{folder.parent.name}_{folder.name}",
        subject=folder.parent.name,
        task=folder.name.split("_", 2)[-1],
        started_utc=utc_now().isoformat(),
        started_host_ns=0,
        models=dict(models_of(ring.spec for ring in rings)),
        host=describe_host(),
        versions=installed_versions(),
    )
