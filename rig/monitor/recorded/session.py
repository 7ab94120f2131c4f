"""A recorded session's file: its tables, its ledger, and what becomes of it meanwhile.

Nothing is held that the recorder needs: rows are read through the session's own file,
and how far it has grown is asked once a second.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rig.bus.directory import running
from rig.errors import SessionError, SpringhareError
from rig.monitor.marks import add_event, mark_of_decision
from rig.monitor.recorded.paging import Table
from rig.monitor.recorded.parts import RecordedClock
from rig.monitor.recorded.searching import Search
from rig.monitor.shown import shown_of
from rig.recording.extents import segment_paths
from rig.recording.layout import SESSION_FILE
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording
from rig.supervisor.blinding import blind_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.monitor.feed import Mark
    from rig.monitor.shown import Shown
    from rig.recording.sidecar import SessionInfo
    from rig.supervisor.blinding import Blind
    from sync.clock import Clock

__all__ = ["RecordedSession"]

_LOOK_AGAIN_NS = 1_000_000_000
"""Between two looks at how far a session has grown."""
_RATED_KINDS = frozenset({"frames", "samples", "poses", "points"})
_END_KINDS = frozenset({"frames", "samples", "events", "poses", "decisions"})


class RecordedSession:
    """A session that was opened for a look.

    Parameters
    ----------
    recording
        Its file.
    clock
        Tells when to look again how far it has grown.

    Raises
    ------
    SessionError
        If its configs cannot be understood.
    """

    def __init__(self, recording: Recording, clock: Clock) -> None:
        self.folder = recording.folder
        self.shown: Shown = _shown(recording)
        self.zero = self.shown.started_host_ns
        """Host time of its start."""
        self.generation = 0
        """Rises when its file was replaced, as at its end: all is to be read anew."""
        self._clock = clock
        self._recording = recording
        self._tables: dict[str, Table] = {}
        self._clocks: dict[str, RecordedClock] = {}
        self._take(recording)

    @property
    def faults(self) -> dict[str, str]:
        """What could not be read, by stream."""
        read = {name: t.fault for name, t in self._tables.items() if t.fault}
        return read | self._missing

    @property
    def rates_hz(self) -> dict[str, float]:
        """Rows per second, of the streams that have a rate and were looked at."""
        found: dict[str, float] = {}
        for name, table in self._tables.items():
            first, last = table.row(0), table.last("host_ns")
            if table.spec.kind in _RATED_KINDS and first is not None and last:
                lasted_s = (last - int(first["host_ns"])) / 1e9
                if lasted_s > 0:
                    found[name] = (table.count - 1) / lasted_s
        return found

    @property
    def begin_ns(self) -> int:
        """When each camera had a picture, since its start; 0 where there is none."""
        firsts = [
            self.table(name).row(0)
            for name, spec in self.shown.streams.items()
            if spec.kind == "frames"
        ]
        times = [int(row["exposure_ns"]) for row in firsts if row is not None]
        return max(max(times) - self.zero, 0) if times else 0

    @property
    def end_ns(self) -> int:
        """Its last moment, since its start."""
        lasts = [
            self.table(name).last("host_ns")
            for name, spec in self.shown.streams.items()
            if spec.kind in _END_KINDS
        ]
        return max((last - self.zero for last in lasts if last is not None), default=0)

    def table(self, stream: str) -> Table:
        """Return a stream that there is."""
        if stream not in self._tables:
            self._tables[stream] = Table(self._recording, stream)
        return self._tables[stream]

    def find_table(self, stream: str) -> Table | None:
        """Return a stream; None if there is none of that name."""
        return self.table(stream) if stream in self.shown.streams else None

    def clock_of(self, device: str) -> RecordedClock:
        """Return a device's clock."""
        if device not in self._clocks:
            table = self.find_table(f"clocks/{device}")
            self._clocks[device] = RecordedClock(table)
        return self._clocks[device]

    def look_again(self) -> bool:
        """See what has become of it, if it is time to; tell whether that was done."""
        now_ns = self._clock.now()
        if self.ledger is not None or now_ns - self._looked_ns < _LOOK_AGAIN_NS:
            return False
        self._looked_ns = now_ns
        if _identity(self.folder) != self._opened:
            with suppress(SpringhareError):  # it is being replaced: the next time
                fresh = Recording.open(self.folder)
                self._recording.close()
                self._take(fresh)
                self.generation += 1
            return True
        self.growing = _is_recorded(self.folder)
        self.hiding = self._hidden()
        self._grow()
        return True

    def search(self) -> Search:
        """Return what looks through it for moments to jump to."""
        search = Search(self.zero, self.ledger)
        for name, spec in self.shown.streams.items():
            match spec.kind:
                case "decisions":
                    search.marks(self.table(name), self.marks_of_decisions)
                case "node_events":
                    search.marks(self.table(name), self.marks_of_events)
                case "losses":
                    search.losses(self.table(name))
                case "poses":
                    search.likelihood(self.table(name), name.removeprefix("poses/"))
                case "frames":
                    search.numbers(self.table(name), "frame_id")
                case "samples":
                    search.numbers(self.table(name), "device_sample", "count")
                case _:
                    pass
        return search

    def marks_of_decisions(self, rows: NDArray[np.void]) -> list[Mark]:
        """Return decisions as marks."""
        blind = self.hiding is not None
        return [mark_of_decision(row, self._seconds, blind=blind) for row in rows]

    def marks_of_events(self, rows: NDArray[np.void]) -> list[Mark]:
        """Return events as marks, without those that would tell fires from shams."""
        marks: list[Mark] = []
        for row in rows:
            about = row["detail"].decode(errors="replace").replace(" ", "_")
            if self.hiding is None or not self.hiding.hides(about):
                add_event(marks, row, self._seconds)
        return marks

    def close(self) -> None:
        """Close its file; may be called twice."""
        self._recording.close()

    def _take(self, recording: Recording) -> None:
        """Take it as its file says that it is."""
        self._opened = _identity(self.folder)
        self._looked_ns = self._clock.now()
        self._recording = recording
        self.info: SessionInfo = recording.info
        found = recording.ledger
        self.ledger = None if found is None else Ledger.from_json(found)
        self.growing = self.ledger is None and _is_recorded(self.folder)
        """Whether it is being recorded."""
        self.hiding = self._hidden()
        """What keeps shams blind: only while it is recorded."""
        self._missing = _missing_files(recording)
        for table in self._tables.values():
            table.reopen(recording)
        self._grow()

    def _grow(self) -> None:
        for table in self._tables.values():
            table.grow()
        for clock in self._clocks.values():
            clock.grow()

    def _hidden(self) -> Blind | None:
        rig, plan = self.shown.rig, self.shown.plan
        if not self.growing or rig is None:
            return None
        return blind_of(rig, plan, unblind=False)

    def _seconds(self, host_ns: int) -> float:
        return (host_ns - self.zero) / 1e9


def _shown(recording: Recording) -> Shown:
    info = recording.info
    try:
        return shown_of(info, recording.streams.values())
    except ValueError as error:
        msg = (
            f"Expected the configs of {recording.folder} to be of this version of "
            f"springhare, got: {error}: use the version that recorded it, "
            f"{info.versions.get('springhare', 'which it does not say')}"
        )
        raise SessionError(msg) from error


def _identity(folder: Path) -> tuple[int, int]:
    """Return what changes when another session file takes the place of this one."""
    try:
        found = (folder / SESSION_FILE).stat()
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def _is_recorded(folder: Path) -> bool:
    """Tell whether a session of this machine is being recorded there."""
    place = folder.resolve()
    for streams in running():
        with suppress(SpringhareError, OSError):
            if Path(streams.owner.session_folder).resolve() == place:
                return True
    return False


def _missing_files(recording: Recording) -> dict[str, str]:
    """Return which segments of a closed session lack, by stream."""
    if recording.folded or recording.ledger is None:
        return {}
    found: dict[str, str] = {}
    for name, layout in recording.layouts.items():
        wanted = -(-recording.room(name) // layout.rows_per_segment)
        there = len(segment_paths(recording.folder, layout))
        if there < wanted:
            found[name] = f"{layout.segment_file(there)} is not there"
    return found
