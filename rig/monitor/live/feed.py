"""A running session as a feed: newest pictures, and the last minutes of the rest."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.errors import SpringhareError
from rig.messages import EDGE_RISING
from rig.monitor.device_time import host_times
from rig.monitor.feed import Look, Mark, PointsNow, Series
from rig.monitor.health.watcher import Watcher
from rig.monitor.history import History
from rig.monitor.marks import add_event, mark_of_decision
from rig.recording.notes import EXPERIMENTER
from rig.supervisor.blinding import blind_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rig.bus.reader import StreamReader
    from rig.monitor.health.lights import Health
    from rig.monitor.live.link import Link
    from rig.monitor.live.pictures import Pictures
    from rig.monitor.shown import Shown, ShownCamera, ShownSignal

__all__ = ["KEPT_S", "LiveFeed"]

KEPT_S = 300.0
"""So much can be scrolled back."""
TRAIL_S = 0.15
_MOST_ROWS = 512
"""Read from a stream at once."""
_KEPT_MARKS = 20_000
_RECENT_POSES = 64
_POSE_OF_NOW_NS = 500_000_000
"""A pose that is older is not waited for: the newest picture is shown without."""
_LEAST_HZ = 50.0


class LiveFeed:
    """What a running session shows.

    Parameters
    ----------
    link
        The session.
    shown
        What there is to be shown of it.
    kept_s
        How far back traces go.
    """

    def __init__(
        self,
        link: Link,
        shown: Shown,
        kept_s: float = KEPT_S,
    ) -> None:
        self.shown = shown
        self.link = link
        self._ended_ns: int | None = None
        self._concluded: Health | None = None
        self._judged = False
        self._watcher = Watcher(shown)
        self._cameras = {c.name: _Camera(c, link, kept_s) for c in shown.cameras}
        self._signals = {s.name: _Signal(s, link, kept_s) for s in shown.signals}
        self._clocks = {
            device: _Clock(device, link)
            for device in {line.device for line in shown.pulses}
        }
        self._pulses = {
            (line.device, line.line): History(round(kept_s * 2 * line.rate_hz) + 16)
            for line in shown.pulses
        }
        self._features: dict[str, History] = {
            name: History(round(kept_s * 200))
            for name in (shown.plan.features if shown.plan else ())
        }
        self._points: PointsNow | None = None
        self._marks: deque[Mark] = deque(maxlen=_KEPT_MARKS)
        self._readers = self._read_every(link, shown)
        self._hiding = (
            None
            if shown.rig is None
            else blind_of(shown.rig, shown.plan, unblind=False)
        )

    @property
    def now_s(self) -> float:
        """Seconds since the session's start."""
        return self._seconds(self.now_ns)

    @property
    def now_ns(self) -> int:
        """Host time there; after the end, when that was."""
        return self.link.clock.now() if self._ended_ns is None else self._ended_ns

    @property
    def health(self) -> Health:
        """How it stands with everything; after the end, as its ledger has it."""
        if self._concluded is not None:
            return self._concluded
        if not self._judged:
            self._judge()
        return self._watcher.health

    @property
    def blind(self) -> bool:
        """Whether shams must not be told from fires."""
        status = self.link.status
        return self._hiding is not None if status is None else status.blind

    def poll(self) -> None:
        """Take in what is new."""
        if self._ended_ns is not None:
            return
        self.link.poll()
        for camera in self._cameras.values():
            camera.listen()
        for signal in self._signals.values():
            signal.listen()
        for stream, reader in self._readers.items():
            batch = reader.read(_MOST_ROWS)
            if len(batch):
                self._take(stream, batch.rows, batch.payload)
        self._judged = False  # when somebody asks: more seldom than this is called

    def look(self, camera: str, step: int = 1) -> Look | None:
        """Return a camera's picture, with the keypoints of this very frame."""
        return self._cameras[camera].look(step, self.now_ns, self.shown.started_host_ns)

    def points(self) -> PointsNow | None:
        """Return the animal in space, as of the newest moment."""
        return self._points

    def samples(self, signal: str, start_s: float, end_s: float) -> Series:
        """Return samples (n, channels) of a signal, in its units."""
        source = self._signals[signal]
        found = self._series(source.history, start_s, end_s)
        return found._replace(values=found.values * source.scale)

    def poses(self, camera: str, start_s: float, end_s: float) -> Series:
        """Return poses (n, bodyparts, 3) by the middle of their exposure."""
        return self._series(self._cameras[camera].poses, start_s, end_s)

    def feature(self, name: str, start_s: float, end_s: float) -> Series:
        """Return the values (n,) of a feature that rules were asked with."""
        return self._series(self._features[name], start_s, end_s)

    def pulses(self, device: str, line: str, start_s: float, end_s: float) -> Series:
        """Return rising edges of a line; the values (n,) are s since the one before."""
        found = self._series(self._pulses[device, line], start_s, end_s)
        return found._replace(values=np.diff(found.times_s, prepend=np.nan))

    def happened(self, start_s: float, end_s: float) -> Sequence[Mark]:
        """Return what happened, in order of time."""
        return [mark for mark in self._marks if start_s <= mark.at_s <= end_s]

    def end(self, health: Health | None = None) -> None:
        """Let go of the session's memory, and keep what was seen.

        Rings that are mapped take memory, though their session has ended, and the
        next one needs it.

        Parameters
        ----------
        health
            How the session stands by its ledger, if that can be read from here.
        """
        self.poll()
        self._judge()
        self._concluded = health
        self._ended_ns = self.now_ns
        self._readers.clear()
        self._clocks.clear()
        for part in (*self._cameras.values(), *self._signals.values()):
            part.let_go()

    def _read_every(self, link: Link, shown: Shown) -> dict[str, StreamReader]:
        kinds = {"events", "decisions", "node_events", "losses", "features", "points"}
        found: dict[str, StreamReader] = {}
        for name, spec in shown.streams.items():
            if spec.kind in kinds:
                with suppress(SpringhareError):
                    found[name] = link.reader(name, 0)
        return found

    def _take(self, stream: str, rows: NDArray[np.void], payload: NDArray[Any]) -> None:
        match self.shown.streams[stream].kind:
            case "events":
                self._take_edges(stream.removeprefix("events/"), rows)
            case "decisions":
                self._marks += [
                    mark_of_decision(row, self._seconds, blind=self.blind)
                    for row in rows
                ]
            case "node_events":
                self._watcher.heard(rows)
                for row in rows:
                    if not self._hides(row):
                        add_event(self._marks, row, self._seconds)
            case "losses":
                self._watcher.lost(rows)
            case "features":
                self._take_features(rows)
            case _:
                row, points = rows[-1], payload[-1]
                at_s = self._seconds(int(row["exposure_ns"]))
                self._points = PointsNow(at_s, points[:, :3], points[:, 3])

    def _judge(self) -> None:
        link, self._judged = self.link, True
        self._watcher.look(
            link.status,
            silent_s=link.silent_s,
            gone=link.gone,
            verdict=link.verdict,
            trouble=link.trouble,
        )

    def _hides(self, row: np.void) -> bool:
        """Tell whether an event would give away which fires are shams.

        A note does not, whatever word it begins with.
        """
        if row["node"] == EXPERIMENTER.encode():
            return False
        about = row["detail"].decode(errors="replace").replace(" ", "_")
        return self.blind and self._hiding is not None and self._hiding.hides(about)

    def _take_edges(self, device: str, rows: NDArray[np.void]) -> None:
        if device not in self._clocks:
            return
        clock = self._clocks[device]
        clock.listen()
        rising = rows[rows["edge"] == EDGE_RISING]
        for (owner, line), history in self._pulses.items():
            if owner == device:
                mine = rising[rising["line"] == line.encode()]
                times_ns = clock.to_host(mine["device_ns"])
                at_ns = mine["host_ns"] if times_ns is None else times_ns
                history.add(at_ns, np.zeros(len(mine)))

    def _take_features(self, rows: NDArray[np.void]) -> None:
        for name, history in self._features.items():
            mine = rows[rows["feature"] == name.encode()]
            history.add(mine["at_ns"], mine["value"])

    def _series(self, history: History, start_s: float, end_s: float) -> Series:
        zero = self.shown.started_host_ns
        start_ns, end_ns = (zero + round(1e9 * at_s) for at_s in (start_s, end_s))
        found = history.between(start_ns, end_ns)
        return Series((found.times_ns - zero) / 1e9, found.values)

    def _seconds(self, host_ns: int) -> float:
        return (host_ns - self.shown.started_host_ns) / 1e9


class _Camera:
    """A camera: its pictures, and the poses of the last minutes."""

    def __init__(self, shown: ShownCamera, link: Link, kept_s: float) -> None:
        self.shown = shown
        self._pictures: Pictures | None = link.pictures(shown.name)
        self._last: Look | None = None
        n = len(shown.bodyparts)
        rate_hz = shown.rate_hz or _LEAST_HZ
        capacity = round(kept_s * rate_hz) + 16 if n else 1
        self.poses = History(capacity, (n, 3), np.float32)
        self._recent: deque[tuple[np.void, NDArray[np.float32]]] = deque(
            maxlen=_RECENT_POSES
        )
        self._estimates: deque[tuple[int, NDArray[np.float32]]] = deque(
            maxlen=_RECENT_POSES
        )
        self._pose_reader = self._reader(link, "poses") if n else None
        self._estimate_reader = self._reader(link, "estimates") if n else None

    def listen(self) -> None:
        """Take in new poses and what became of them."""
        if self._pose_reader is not None:
            batch = self._pose_reader.read(_MOST_ROWS)
            self.poses.add(batch.rows["exposure_ns"], batch.payload)
            self._recent.extend(zip(batch.rows, batch.payload, strict=True))
        if self._estimate_reader is not None:
            batch = self._estimate_reader.read(_MOST_ROWS)
            numbers = batch.rows["pose_seq"].tolist()
            self._estimates.extend(zip(numbers, batch.payload, strict=True))

    def look(self, step: int, now_ns: int, zero_ns: int) -> Look | None:
        """Return the newest picture that has a pose, or the newest of all."""
        wanted = None
        if self._recent:
            row = self._recent[-1][0]
            if now_ns - row["host_ns"] < _POSE_OF_NOW_NS:
                wanted = int(row["frame_seq"])
        taken = self._pictures.take(wanted, step) if self._pictures else None
        if taken is None:
            return self._last
        frame = taken.row
        exposure_ns = int(frame["exposure_ns"])
        look = Look(
            picture=taken.pixels,
            step=taken.step,
            frame_id=int(frame["frame_id"]),
            exposed_s=(exposure_ns - zero_ns) / 1e9,
        )
        self._last = self._with_pose(look, int(frame["seq"]), exposure_ns)
        return self._last

    def let_go(self) -> None:
        """Read nothing any more."""
        self._pictures = self._pose_reader = self._estimate_reader = None

    def _with_pose(self, look: Look, frame_seq: int, exposure_ns: int) -> Look:
        """Return a look with the pose of its very frame, if there is one."""
        poses = (
            pose for pose in reversed(self._recent) if pose[0]["frame_seq"] == frame_seq
        )
        found = next(poses, None)
        if found is None:
            return look
        row, keypoints = found
        seq = int(row["seq"])
        estimate = next((e for k, e in reversed(self._estimates) if k == seq), None)
        since_ns = exposure_ns - round(1e9 * TRAIL_S)
        return replace(
            look,
            keypoints=keypoints,
            marks=None if estimate is None else estimate[:, 3].astype(np.uint8),
            predicted_px=None if estimate is None else estimate[:, 4:7],
            box_px=box_of(row),
            trail=self.poses.between(since_ns, exposure_ns).values.copy(),
        )

    def _reader(self, link: Link, kind: str) -> StreamReader | None:
        try:
            return link.reader(f"{kind}/{self.shown.name}")
        except SpringhareError:
            return None


class _Clock:
    """A device's clock on the host's, as its node last said."""

    def __init__(self, device: str, link: Link) -> None:
        self._reader = link.reader(f"clocks/{device}", 0)
        self._newest: np.void | None = None

    def listen(self) -> None:
        """Take in what the device's node has said."""
        rows = self._reader.read(_MOST_ROWS).rows
        if len(rows):
            self._newest = rows[-1]

    def to_host(self, device_ns: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return host times; None while the clock is not known."""
        return None if self._newest is None else host_times(self._newest, device_ns)


class _Signal:
    """A signal's samples of the last minutes, on the host's clock."""

    def __init__(self, shown: ShownSignal, link: Link, kept_s: float) -> None:
        self.scale = np.array(shown.scale, np.float32)
        self._rate_hz = shown.rate_hz
        device = shown.name.partition("/")[0]
        self._reader: StreamReader | None = link.reader(shown.stream)
        self._clock: _Clock | None = _Clock(device, link)
        payload = self._reader.spec.payload
        self.history = History(
            round(kept_s * shown.rate_hz) + 4096,
            (len(shown.channels),),
            payload.dtype if payload else np.float64,
        )

    def listen(self) -> None:
        """Take in new blocks, each sample at its host time."""
        if self._reader is None or self._clock is None:
            return
        self._clock.listen()
        batch = self._reader.read(_MOST_ROWS)
        if len(batch):
            times_ns = self._clock.to_host(batch.rows["device_ns"])
            self.history.add(*self._flat(batch.rows, times_ns, batch.payload))

    def let_go(self) -> None:
        """Read nothing any more."""
        self._reader = self._clock = None

    def _flat(
        self,
        rows: NDArray[np.void],
        began_ns: NDArray[np.int64] | None,
        payload: NDArray[Any],
    ) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return each sample with its time; by arrival while the clock is unknown."""
        if began_ns is None:
            lasted_ns = rows["count"] * (1e9 / self._rate_hz)
            began_ns = rows["host_ns"] - lasted_ns.astype(np.int64)
        counts = rows["count"]
        place = np.arange(payload.shape[1])
        offsets_ns = (place * (1e9 / self._rate_hz)).astype(np.int64)
        filled = place < counts[:, None]
        return (began_ns[:, None] + offsets_ns)[filled], payload[filled]


def box_of(row: np.void) -> tuple[int, int, int, int] | None:
    """Return the part of the picture that the network looked at.

    None where nobody has said, as in poses of older contracts.
    """
    names = row.dtype.names or ()
    if "box_x1_px" not in names or row["box_x1_px"] <= 0:
        return None
    return (
        int(row["box_x0_px"]),
        int(row["box_y0_px"]),
        int(row["box_x1_px"]),
        int(row["box_y1_px"]),
    )
