"""A recorded session as a feed: any moment of it, with all that was known then.

Only what is asked for is read. A session that is still being recorded is seen to grow,
and stays blind where it is blind for others; when it is over, nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rig.messages import EDGE_RISING
from rig.monitor.feed import Mark, PointsNow, Series
from rig.monitor.health import Health
from rig.monitor.recorded.health import lights_of
from rig.monitor.recorded.parts import (
    RecordedCamera,
    RecordedSignal,
    edges_between,
    series_of,
)
from rig.monitor.recorded.playhead import Playhead
from rig.monitor.recorded.session import RecordedSession
from rig.recording.reader import Recording
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rig.monitor.feed import Look
    from rig.monitor.recorded.jumps import Jumps
    from rig.recording.sidecar import SessionInfo
    from sync.clock import Clock

__all__ = ["RecordedFeed"]

_SPACE_OF_NOW_NS = 500_000_000
"""Points in space that are older are not of this moment."""
_LATE_NS = 1_000_000_000
"""A feature is looked for among what was said so long after its last sample."""
_LONGEST_NOTE_NS = 600_000_000_000
"""A note stands at when it was begun, among rows of when it was sent."""
_SEARCH_EVERY = 4
"""Polls, while it is played: what is drawn comes first."""


class RecordedFeed:
    """What a recorded session shows.

    Parameters
    ----------
    source
        The session's folder or file, or one that was opened; it is closed with this.
    clock
        By which it is played.

    Raises
    ------
    SpringhareError
        If there is no session, or it is of another version, or damaged; the message
        says what to do.

    Examples
    --------
    ::

        feed = RecordedFeed(folder)
        feed.seek(12.5)
        look = feed.look("left")
    """

    def __init__(self, source: Path | Recording, clock: Clock | None = None) -> None:
        clock = clock or MonotonicClock()
        opened = source if isinstance(source, Recording) else Recording.open(source)
        try:
            self._session = RecordedSession(opened, clock)
            self.shown = self._session.shown
            self._zero = self._session.zero
            self._head = Playhead(clock)
            self._polls = 0
            self._begin()
            self._head.seek(self._session.begin_ns)
        except BaseException:
            opened.close()
            raise

    @property
    def folder(self) -> Path:
        """The session's folder."""
        return self._session.folder

    @property
    def info(self) -> SessionInfo:
        """What the session is."""
        return self._session.info

    @property
    def now_s(self) -> float:
        """Where the slider is."""
        return self._head.at_ns / 1e9

    @property
    def begin_s(self) -> float:
        """When each camera had exposed a picture."""
        return self._session.begin_ns / 1e9

    @property
    def end_s(self) -> float:
        """The session's last moment."""
        return self._head.end_ns / 1e9

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._head.playing

    @property
    def speed(self) -> float:
        """Seconds of the session in a second."""
        return self._head.speed

    @property
    def growing(self) -> bool:
        """Whether it is still being recorded."""
        return self._session.growing

    @property
    def blind(self) -> bool:
        """Whether shams must not be told from fires: only while it is recorded."""
        return self._session.hiding is not None

    @property
    def jumps(self) -> Jumps:
        """Moments to jump to, as far as they have been found."""
        return self._search.jumps

    @property
    def search_share(self) -> float:
        """How much of the session has been looked through for them."""
        return self._search.share_done

    @property
    def health(self) -> Health:
        """How it stands with everything, by its ledger."""
        session = self._session
        told = self.jumps.version if session.ledger is None else -1
        key = (tuple(session.faults.items()), told, self.growing, self._head.end_ns)
        if self._health is None or self._health[0] != key:
            self._health = key, Health(list(lights_of(session, self.jumps.of("gap"))))
        return self._health[1]

    def seek(self, at_s: float) -> None:
        """Go to a moment of the session."""
        self._head.seek(round(1e9 * at_s))

    def play(self, speed: float = 1.0) -> None:
        """Go on from here, at 0.01 to 20 seconds of the session in a second."""
        self._head.play(speed)

    def pause(self) -> None:
        """Stay where it is."""
        self._head.pause()

    def step(self, camera: str, frames: int) -> None:
        """Go so many frames of a camera on, or back; what is played stops."""
        self.pause()
        source = self._cameras[camera]
        number = source.number_at(self._zero + self._head.at_ns) + frames
        number = min(max(number, 0), source.frames.count - 1)
        exposure_ns = source.exposure_ns(number)
        if exposure_ns is not None:
            self._head.seek(exposure_ns - self._zero)

    def poll(self) -> None:
        """Go on by as much as time has; look through a little more for jumps."""
        self._head.advance()
        generation = self._session.generation
        if self._session.look_again():
            if self._session.generation != generation:
                self._begin()
            self._head.end_ns = self._session.end_ns
        self._polls += 1
        if self.playing and self._polls % _SEARCH_EVERY:
            return
        if not self._search.work() and self._session.ledger is not None:
            self._search.finish()

    def look_everywhere(self) -> None:
        """Look through all of the session for jumps: a second for an hour or two."""
        self._search.finish()

    def look(self, camera: str, step: int = 1) -> Look | None:
        """Return the frame of this moment, with what is known of this very frame."""
        return self._cameras[camera].look(self._zero + self._head.at_ns, step)

    def look_at(self, camera: str, at_s: float, step: int = 1) -> Look | None:
        """Return the frame of any moment; None before the first."""
        return self._cameras[camera].look(self._host_ns(at_s), step)

    def points(self) -> PointsNow | None:
        """Return the animal in space, as it was last known at this moment."""
        table = self._session.find_table("points/space")
        if table is None:
            return None
        now_ns = self._zero + self._head.at_ns
        number = table.find(now_ns, "exposure_ns") - 1
        row = table.row(number)
        if row is None or now_ns - row["exposure_ns"] > _SPACE_OF_NOW_NS:
            return None
        found = table.payload(number, number + 1)[0]
        at_s = (int(row["exposure_ns"]) - self._zero) / 1e9
        return PointsNow(at_s, found[:, :3], found[:, 3])

    def samples(self, signal: str, start_s: float, end_s: float) -> Series:
        """Return samples (n, channels) of a signal, in its units."""
        found = self._signals[signal].between(*self._span_ns(start_s, end_s))
        return series_of(*found, self._zero)

    def poses(self, camera: str, start_s: float, end_s: float) -> Series:
        """Return poses (n, bodyparts, 3) by the middle of their exposure."""
        table = self._cameras[camera].poses
        if table is None:
            return Series(np.empty(0), np.empty((0, 0, 3), np.float32))
        first, rows = table.stretch("exposure_ns", *self._span_ns(start_s, end_s))
        poses = table.payload(first, first + len(rows))
        sound = rows["host_ns"] != 0
        return series_of(rows["exposure_ns"][sound], poses[sound], self._zero)

    def feature(self, name: str, start_s: float, end_s: float) -> Series:
        """Return the values (n,) of a feature that rules were asked with."""
        table = self._session.find_table("features")
        if table is None:
            return Series(np.empty(0), np.empty(0))
        start_ns, end_ns = self._span_ns(start_s, end_s)
        _, rows = table.stretch("host_ns", start_ns, end_ns + _LATE_NS)
        mine = rows[rows["feature"] == name.encode()]
        chosen = (mine["at_ns"] >= start_ns) & (mine["at_ns"] <= end_ns)
        return series_of(mine["at_ns"][chosen], mine["value"][chosen], self._zero)

    def pulses(self, device: str, line: str, start_s: float, end_s: float) -> Series:
        """Return rising edges of a line; the values (n,) are s since the one before."""
        table = self._session.find_table(f"events/{device}")
        if table is None:
            return Series(np.empty(0), np.empty(0))
        clock = self._session.clock_of(device)
        rows, times_ns = edges_between(table, clock, *self._span_ns(start_s, end_s))
        mine = (rows["edge"] == EDGE_RISING) & (rows["line"] == line.encode())
        found = series_of(times_ns[mine], times_ns[mine], self._zero)
        return found._replace(values=np.diff(found.times_s, prepend=np.nan))

    def happened(self, start_s: float, end_s: float) -> Sequence[Mark]:
        """Return what happened, in order of time."""
        session, span = self._session, self._span_ns(start_s, end_s)
        found: list[Mark] = []
        for stream, marks_of, late_ns in (
            ("decisions", session.marks_of_decisions, 0),
            ("node_events", session.marks_of_events, _LONGEST_NOTE_NS),
        ):
            table = session.find_table(stream)
            if table is not None:
                _, rows = table.stretch("host_ns", span[0], span[1] + late_ns)
                times_ns = rows["host_ns"]
                found += marks_of(rows[(times_ns >= span[0]) & (times_ns <= span[1])])
        return sorted(found, key=lambda mark: mark.at_s)

    def close(self) -> None:
        """Close the session's file; may be called twice."""
        self._session.close()

    def _begin(self) -> None:
        self._health: tuple[object, Health] | None = None
        self._cameras = {c.name: self._camera(c.name) for c in self.shown.cameras}
        self._signals = {s.name: self._signal(s.name) for s in self.shown.signals}
        self._search = self._session.search()
        self._head.end_ns = self._session.end_ns

    def _camera(self, name: str) -> RecordedCamera:
        session = self._session
        return RecordedCamera(
            session.table(f"cameras/{name}"),
            session.find_table(f"poses/{name}"),
            session.find_table(f"estimates/{name}"),
            self._zero,
        )

    def _signal(self, name: str) -> RecordedSignal:
        shown, session = self.shown.signal(name), self._session
        clock = session.clock_of(name.partition("/")[0])
        return RecordedSignal(shown, session.table(shown.stream), clock)

    def _span_ns(self, start_s: float, end_s: float) -> tuple[int, int]:
        return self._host_ns(start_s), self._host_ns(end_s)

    def _host_ns(self, at_s: float) -> int:
        return self._zero + round(1e9 * at_s)
