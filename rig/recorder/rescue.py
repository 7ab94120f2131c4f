"""What a session that ended badly has still in memory: recorded before all else.

The memory outlives every process and no restart of the computer. It is found by the
folder that it belongs to.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rig.bus.directory import abandoned, running
from rig.errors import BusyError, SessionError, SpringhareError
from rig.recorder.closing import salvage
from rig.recorder.emptying import readable_rings
from rig.recording.layout import SESSION_FILE, segments_folder
from rig.recording.reader import Recording
from rig.recording.recovery import keeping_old, make_recordable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.bus.directory import StreamDirectory
    from rig.recording.recovery import RecoveryReport

__all__ = ["Rescue", "rescue_memory"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rescue:
    """What was found in memory, and what became of it."""

    salvaged: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rows that are recorded now, by stream."""
    waiting: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rows that are still in memory only, by stream."""
    done: tuple[str, ...] = ()
    """What had to be mended before, each in a sentence."""
    faults: tuple[str, ...] = ()
    """Why something could not be salvaged."""

    def told_in(self, report: RecoveryReport) -> RecoveryReport:
        """Return the report on a session's files with what was in its memory."""
        done, streams = list(self.done), dict(report.streams)
        for name, stream in streams.items():
            streams[name] = replace(
                stream,
                salvaged=self.salvaged.get(name, 0),
                in_memory=self.waiting.get(name, 0),
            )
        rows = self.waiting if report.dry_run else self.salvaged
        if rows:
            were = "are" if report.dry_run else "were"
            done.append(f"{_total(rows)}, which {were} in memory only, recorded")
        if self.waiting:
            advice = "springhare recover records them"
            if not report.dry_run:
                advice = "mend what is wrong, then recover again"
            report = replace(
                report,
                verdict="WARN" if report.dry_run else "FAIL",
                reason=f"{_total(self.waiting)} are in memory only: {advice}",
            )
        return replace(
            report,
            streams=streams,
            done=[*done, *report.done],
            findings=[*self.faults, *report.findings],
            changed=bool(done) or report.changed,
        )


def rescue_memory(folder: Path, *, dry_run: bool = False) -> Rescue:
    """Record what a session has still in memory.

    What cannot be recorded stays in memory and is told.

    Parameters
    ----------
    dry_run
        Whether to look only.

    Raises
    ------
    BusyError
        If the session is being recorded.
    """
    _require_ended(folder)
    for streams in abandoned():
        if _belongs(streams, folder) and folder.is_dir():
            return _look(streams, folder) if dry_run else _rescue(streams, folder)
    return Rescue()


def _total(rows: Mapping[str, int]) -> str:
    streams = "stream" if len(rows) == 1 else "streams"
    return f"{sum(rows.values()):,} rows of {len(rows)} {streams}"


def _require_ended(folder: Path) -> None:
    for streams in running():
        if _belongs(streams, folder):
            msg = (
                f"Expected a session that has ended in {folder}, got one that is being "
                f"recorded (process {streams.owner.pid}): stop it with Ctrl-C where it "
                "runs; that closes it, and there is nothing to recover"
            )
            raise BusyError(msg)


def _belongs(streams: StreamDirectory, folder: Path) -> bool:
    return Path(streams.owner.session_folder).resolve() == folder.resolve()


def _rescue(streams: StreamDirectory, folder: Path) -> Rescue:
    rings, _ = readable_rings(streams)
    done: list[str] = []
    try:
        with keeping_old(folder / SESSION_FILE) as replaced:
            if (folder / SESSION_FILE).exists() or segments_folder(folder).is_dir():
                done = make_recordable(folder, [ring.spec for ring in rings])
            report = salvage(streams)
        done = [*done, *replaced]
    except BusyError:
        raise
    except (SpringhareError, OSError) as error:
        logger.warning("What is in memory is not recorded: %s", error)
        fault = f"what is in memory could not be recorded, and stays there: {error}"
        return Rescue(
            waiting=_look(streams, folder).waiting, done=tuple(done), faults=(fault,)
        )
    faults = tuple(
        f"{name} could not be read from memory: {fault}"
        for name, fault in report.unreadable.items()
    )
    return Rescue(salvaged=report.salvaged, done=tuple(done), faults=faults)


def _look(streams: StreamDirectory, folder: Path) -> Rescue:
    """Count what is in memory and not in the files; nothing is changed."""
    rings, unreadable = readable_rings(streams)
    ends = _recorded_ends(folder)
    waiting = {
        ring.spec.name: min(n, ring.slots)
        for ring in rings
        if (n := ring.head - ends.get(ring.spec.name, 0)) > 0
    }
    faults = tuple(
        f"{name} cannot be read from memory: {fault}"
        for name, fault in unreadable.items()
    )
    return Rescue(waiting=waiting, faults=faults)


def _recorded_ends(folder: Path) -> dict[str, int]:
    """Return one more than the last `seq` of each stream; none if nothing can tell."""
    try:
        with Recording.open(folder) as recording:
            return {
                name: int(rows["seq"][-1]) + 1
                for name in recording.streams
                if len(rows := recording.rows(name))
            }
    except (SessionError, OSError, KeyError):
        return {}
