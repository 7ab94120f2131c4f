"""The parts of a recorded session: a camera with its poses, a signal, a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rig.messages import ClockRecord, row_dtype
from rig.monitor.device_time import host_times
from rig.monitor.feed import Look, Series
from rig.monitor.live.feed import TRAIL_S, box_of
from rig.monitor.recorded.paging import Pages, joined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.monitor.recorded.paging import Table
    from rig.monitor.shown import ShownSignal

__all__ = [
    "RecordedCamera",
    "RecordedClock",
    "RecordedSignal",
    "edges_between",
    "series_of",
]

_LATE_NS = 2_000_000_000
"""Samples and edges are looked for among what arrived so long after them."""
_TRAIL_NS = round(1e9 * TRAIL_S)


def series_of(times_ns: NDArray[np.int64], values: NDArray[Any], zero: int) -> Series:
    """Return a series; one whose time is before the last one's is of the same moment.

    Parameters
    ----------
    times_ns
        (n,) host times.
    values
        (n, ...).
    zero
        Host time of the session's start.
    """
    if len(times_ns):
        times_ns = np.maximum.accumulate(times_ns)
    return Series((times_ns - zero) / 1e9, values)


class RecordedClock:
    """A device's clock on the host's, as its node said at each time.

    Parameters
    ----------
    table
        Its rows; None where there are none, and things are taken to be when they came.
    """

    def __init__(self, table: Table | None) -> None:
        self._table = table
        self._rows = np.zeros(0, row_dtype(ClockRecord))
        self.grow()

    def grow(self) -> None:
        """Take in what the device's node has said since."""
        table = self._table
        if table is not None and table.count > len(self._rows):
            self._rows = table.rows(0, table.count)

    def to_host(
        self, device_ns: NDArray[np.int64], arrival_ns: NDArray[np.int64]
    ) -> NDArray[np.int64] | None:
        """Return host times of what arrived at other ones; None if none are known."""
        if not len(self._rows):
            return None
        at = np.searchsorted(self._rows["host_ns"], arrival_ns, "right") - 1
        return host_times(self._rows[np.maximum(at, 0)], device_ns)


class RecordedCamera:
    """A camera: its frames, and what is known of the animal in each.

    Parameters
    ----------
    frames
        Its frames.
    poses, estimates
        The poses of its frames and what became of them; None where there are none.
    zero
        Host time of the session's start.
    """

    def __init__(
        self, frames: Table, poses: Table | None, estimates: Table | None, zero: int
    ) -> None:
        self.frames, self.poses, self.estimates = frames, poses, estimates
        self._zero = zero
        self._last: tuple[tuple[int, ...], Look] | None = None

    def number_at(self, at_ns: int) -> int:
        """Return which frame is the newest whose exposure is not after a host time."""
        return self.frames.find(at_ns, "exposure_ns") - 1

    def exposure_ns(self, number: int) -> int | None:
        """Return the host time of a frame's exposure; None where it is damaged."""
        row = self.frames.row(number)
        return None if row is None else int(row["exposure_ns"])

    def look(self, at_ns: int, step: int) -> Look | None:
        """Return the newest frame at a host time; the same object while it is that."""
        number = self.number_at(at_ns)
        poses = 0 if self.poses is None else self.poses.count
        key = (number, step, poses)
        if self._last is None or self._last[0] != key:
            look = self._read(number, step)
            if look is None:
                return None
            self._last = key, look
        return self._last[1]

    def _read(self, number: int, step: int) -> Look | None:
        row = self.frames.row(number)
        picture = None if row is None else self.frames.picture(number)
        if row is None or picture is None:
            return None
        exposure_ns = int(row["exposure_ns"])
        found = self._pose(int(row["seq"]))
        return Look(
            picture=np.ascontiguousarray(picture[::step, ::step]),
            step=step,
            frame_id=int(row["frame_id"]),
            exposed_s=(exposure_ns - self._zero) / 1e9,
            **({} if found is None else self._known(found, exposure_ns)),
        )

    def _pose(self, frame_seq: int) -> int | None:
        """Return which pose is of a frame; None where the network did not see it."""
        if self.poses is None:
            return None
        number = self.poses.find(frame_seq, "frame_seq") - 1
        row = self.poses.row(number)
        return number if row is not None and row["frame_seq"] == frame_seq else None

    def _known(self, number: int, exposure_ns: int) -> dict[str, Any]:
        """Return what a look says of the animal, by the field's name."""
        poses = self.poses
        row = None if poses is None else poses.row(number)
        if poses is None or row is None:
            return {}
        estimate = self._estimate(int(row["seq"]))
        first = poses.find(exposure_ns - _TRAIL_NS - 1, "exposure_ns")
        known: dict[str, Any] = {
            "keypoints": poses.payload(number, number + 1)[0],
            "box_px": box_of(row),
            "trail": poses.payload(first, number + 1),
        }
        if estimate is not None:
            known["marks"] = estimate[:, 3].astype(np.uint8)
            known["predicted_px"] = estimate[:, 4:7]
        return known

    def _estimate(self, pose_seq: int) -> NDArray[np.float32] | None:
        if self.estimates is None:
            return None
        number = self.estimates.find(pose_seq, "pose_seq") - 1
        row = self.estimates.row(number)
        if row is None or row["pose_seq"] != pose_seq:
            return None
        return self.estimates.payload(number, number + 1)[0]


class RecordedSignal:
    """A signal's samples on the host's clock.

    Parameters
    ----------
    shown
        The signal.
    blocks
        Its blocks of samples.
    clock
        Of its device.
    """

    def __init__(self, shown: ShownSignal, blocks: Table, clock: RecordedClock) -> None:
        self._period_ns = 1e9 / shown.rate_hz
        self._scale = np.array(shown.scale)
        self._blocks, self._clock = blocks, clock
        self._pages = Pages(self._read, kept=24)

    def between(self, start_ns: int, end_ns: int) -> tuple[Any, NDArray[Any]]:
        """Return host times (n,) and values (n, channels), both ends included."""
        blocks = self._blocks
        first = blocks.find(start_ns - 1, "host_ns")
        stop = blocks.find(end_ns + _LATE_NS, "host_ns")
        pages = self._pages.between(first, stop, blocks.count)
        if not pages:
            return np.empty(0, np.int64), np.empty((0, len(self._scale)))
        times = joined([times for times, _ in pages])
        values = joined([values for _, values in pages])
        chosen = slice(*np.searchsorted(times, (start_ns, end_ns + 1)))
        return times[chosen], values[chosen] * self._scale

    def _read(self, start: int, stop: int) -> tuple[NDArray[Any], NDArray[Any]]:
        rows = self._blocks.rows(start, stop)
        rows = rows[rows["host_ns"] != 0]
        if not len(rows):
            return np.empty(0, np.int64), self._blocks.read_payload(0, 0)
        begin = int(rows["first_sample"][0])
        end = int(rows["first_sample"][-1] + rows["count"][-1])
        samples = self._blocks.read_payload(begin, end)
        place = np.arange(rows["count"].max())
        filled = place < rows["count"][:, None]
        where = ((rows["first_sample"] - begin)[:, None] + place)[filled]
        times = self._began_ns(rows)[:, None] + (place * self._period_ns).astype("i8")
        there = where < len(samples)
        ordered = np.maximum.accumulate(times[filled][there])
        return ordered, samples[where[there]]

    def _began_ns(self, rows: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the host time of each block's first sample."""
        known = self._clock.to_host(rows["device_ns"], rows["host_ns"])
        if known is not None:
            return known
        lasted_ns = rows["count"] * self._period_ns
        return rows["host_ns"] - lasted_ns.astype(np.int64)  # by arrival: a little late


def edges_between(
    table: Table, clock: RecordedClock, start_ns: int, end_ns: int
) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Return the edges of a time, both ends included, and their host times."""
    _, rows = table.stretch("host_ns", start_ns, end_ns + _LATE_NS)
    rows = rows[rows["host_ns"] != 0]
    times_ns = clock.to_host(rows["device_ns"], rows["host_ns"])
    if times_ns is None:
        times_ns = rows["host_ns"]
    chosen = (times_ns >= start_ns) & (times_ns <= end_ns)
    return rows[chosen], times_ns[chosen]
