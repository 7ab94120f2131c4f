"""The session time of every element of every stream.

What a device stamped goes by that stamp, over the relations of its clock; a frame is
placed in the middle of its exposure, and what is known of a stream's constant latency
is taken off. Nothing is moved to make it fit: a lost frame keeps its place, empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from offline.alignment.frames import lay_frames
from offline.alignment.recorded import HOST
from offline.alignment.result import NO_TIME, AlignedStream, LostRun
from offline.alignment.samples import lay_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from offline.alignment.frames import LaidFrames
    from offline.alignment.recorded import Recorded
    from offline.alignment.result import Latency
    from sync.alignment import ClockTree

__all__ = ["Placed", "Session", "place_streams"]


@dataclass(frozen=True, slots=True)
class Session:
    """All that a stream's times are made with."""

    recorded: Recorded
    tree: ClockTree
    origin_ns: int
    """Of the reference clock at session time 0."""
    stamp_sd_ns: Mapping[str, float]
    """Standard deviation of one stamp of a device, by clock."""
    latencies: Mapping[str, Latency]
    """By stream."""

    def to_session(
        self, clock: str, times_ns: NDArray[np.int64], stream: str = ""
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return session times (n,) of stamps, and their standard deviations.

        Parameters
        ----------
        clock
            That stamped.
        times_ns
            (n,) on its timeline.
        stream
            Whose constant latency is taken off, if it is known.
        """
        found, sd_ns = self.tree.to_reference(clock, times_ns)
        variance = sd_ns**2 + self.stamp_sd_ns.get(clock, 0.0) ** 2
        latency = self.latencies.get(stream)
        if latency is not None:
            found = found - round(latency.delay_ns)
            variance += latency.sd_ns**2
        return found - self.origin_ns, np.sqrt(variance)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A stream with its times, and what is missing from it."""

    stream: AlignedStream
    clock: str
    recorded: int
    lost: tuple[LostRun, ...] = ()


def place_streams(session: Session) -> dict[str, Placed]:
    """Return every stream of a session whose clock is joined, by name."""
    joined = session.tree.clocks
    placed: dict[str, Placed] = {}
    for name, spec in session.recorded.recording.streams.items():
        lay = _LAID.get(spec.kind)
        clocks = {spec.node, HOST} if spec.kind == "frames" else {HOST}
        if spec.kind in _BY_BOARD:
            clocks = {spec.node}
        if lay is not None and clocks.intersection(joined):
            placed[name] = lay(session, name)
    for name, spec in session.recorded.recording.streams.items():
        if spec.kind == "poses" and f"cameras/{name[len('poses/') :]}" in placed:
            placed[name] = _poses(session, name, placed)
    return placed


def _frames(session: Session, name: str) -> Placed:
    camera = name.removeprefix("cameras/")
    laid = lay_frames(session.recorded, camera)
    clock = camera if laid.stamped and camera in session.tree.clocks else HOST
    middles = laid.middle_ns
    if laid.stamped and clock == HOST:
        rows = session.recorded.rows(name)
        middles = _evenly(laid.row, rows["exposure_ns"].astype(np.int64))
    time_ns, sd_ns = session.to_session(clock, middles, name)
    lost = laid.row < 0
    sd_ns[lost] = np.hypot(sd_ns[lost], laid.scatter_ns)
    if laid.board in session.tree.clocks:
        _rebuild(session, laid, time_ns, sd_ns)
    stream = AlignedStream(
        name, time_ns, sd_ns.astype(np.float32), laid.row, laid.frame_id
    )
    runs = _runs(stream, lost, laid.frame_id, laid.causes)
    return Placed(stream, clock, int((~lost).sum()), runs)


def _evenly(row: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return times of all places, those of lost frames evenly between the others."""
    there = np.flatnonzero(row >= 0)
    origin = int(times_ns[0]) if len(times_ns) else 0
    relative = (times_ns - origin).astype(np.float64)
    if not len(there):
        return np.empty(0, np.int64)
    filled = np.interp(np.arange(len(row)), there, relative)
    return np.rint(filled).astype(np.int64) + origin


def _rebuild(
    session: Session,
    laid: LaidFrames,
    time_ns: NDArray[np.int64],
    sd_ns: NDArray[np.float64],
) -> None:
    """Give lost frames the time of their trigger, and of what frames follow it by."""
    lost = laid.row < 0
    known = laid.trigger_ns != NO_TIME
    asked_ns, asked_sd = session.to_session(laid.board, laid.trigger_ns[known])
    places = np.flatnonzero(known)
    made = ~lost[places]
    if not made.any() or made.all():
        return
    after_ns = time_ns[places[made]] - asked_ns[made]
    delay_ns = round(float(np.median(after_ns)))
    spread_ns = 1.4826 * float(np.median(np.abs(after_ns - delay_ns)))
    time_ns[places[~made]] = asked_ns[~made] + delay_ns
    sd_ns[places[~made]] = np.hypot(asked_sd[~made], spread_ns)


def _runs(
    stream: AlignedStream,
    missing: NDArray[np.bool_],
    numbers: NDArray[np.int64],
    causes: Mapping[int, str],
) -> tuple[LostRun, ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(int), [0]])))
    return tuple(
        LostRun(
            first_id=int(numbers[first]),
            count=int(end - first),
            time_s=float(stream.time_ns[first]) / 1e9,
            cause=causes.get(int(first), ""),
        )
        for first, end in edges.reshape(-1, 2)
    )


def _samples(session: Session, name: str) -> Placed:
    clock = session.recorded.recording.streams[name].node
    laid = lay_samples(session.recorded, name)
    time_ns, sd_ns = session.to_session(clock, laid.block_ns, name)
    begins, sd = laid.spread(time_ns, sd_ns)
    lost = tuple(
        LostRun(
            first_id=number, count=count, time_s=float(begins[row - 1]) / 1e9, cause=""
        )
        for number, count, row in laid.gaps
    )
    stream = AlignedStream(name, begins, sd.astype(np.float32))
    return Placed(stream, clock, len(begins), lost)


def _events(session: Session, name: str) -> Placed:
    clock = session.recorded.recording.streams[name].node
    rows = session.recorded.rows(name)
    time_ns, sd_ns = session.to_session(clock, session.recorded.stamps(name), name)
    stream = AlignedStream(name, time_ns, sd_ns.astype(np.float32))
    numbers = rows["device_seq"]
    # another start of the board counts from 0 again: no loss
    steps = np.diff(numbers)
    lost = tuple(
        LostRun(
            first_id=int(numbers[at]) + 1,
            count=int(steps[at]) - 1,
            time_s=float(time_ns[at]) / 1e9,
            cause="",
        )
        for at in np.flatnonzero(steps > 1)
    )
    return Placed(stream, clock, len(rows), lost)


def _acknowledgements(session: Session, name: str) -> Placed:
    clock = session.recorded.recording.streams[name].node
    rows = session.recorded.rows(name)
    edge = rows["edge_device_ns"] >= 0
    stamps = session.recorded.stamps(name, "edge_device_ns")
    time_ns = np.full(len(rows), NO_TIME)
    sd_ns = np.full(len(rows), np.nan)
    time_ns[edge], sd_ns[edge] = session.to_session(clock, stamps[edge])
    stream = AlignedStream(name, time_ns, sd_ns.astype(np.float32))
    return Placed(stream, clock, len(rows))


def _poses(session: Session, name: str, placed: Mapping[str, Placed]) -> Placed:
    """Give each pose the time of its frame."""
    rows = session.recorded.rows(name)
    frames = placed[f"cameras/{name.removeprefix('poses/')}"]
    at = np.full(frames.recorded, -1)
    chosen = frames.stream.row
    if chosen is not None:
        at[chosen[chosen >= 0]] = np.flatnonzero(chosen >= 0)
    known = (rows["frame_seq"] >= 0) & (rows["frame_seq"] < len(at))
    place = at[rows["frame_seq"][known]]
    time_ns = np.full(len(rows), NO_TIME)
    sd_ns = np.full(len(rows), np.nan, np.float32)
    time_ns[known] = frames.stream.time_ns[place]
    sd_ns[known] = frames.stream.sd_ns[place]
    return Placed(AlignedStream(name, time_ns, sd_ns), frames.clock, len(rows))


def _by_exposure(session: Session, name: str) -> Placed:
    rows = session.recorded.rows(name)
    return _of_host(session, name, rows["exposure_ns"])


def _by_sample(session: Session, name: str) -> Placed:
    rows = session.recorded.rows(name)
    return _of_host(session, name, rows["at_ns"])


def _by_arrival(session: Session, name: str) -> Placed:
    rows = session.recorded.rows(name)
    return _of_host(session, name, rows["host_ns"])


def _of_host(session: Session, name: str, host_ns: NDArray[np.int64]) -> Placed:
    time_ns, sd_ns = session.to_session(HOST, host_ns.astype(np.int64))
    stream = AlignedStream(name, time_ns, sd_ns.astype(np.float32))
    return Placed(stream, HOST, len(host_ns))


_BY_BOARD = {"samples", "events", "acknowledgements"}
_LAID: dict[str, Callable[[Session, str], Placed]] = {
    "frames": _frames,
    "samples": _samples,
    "events": _events,
    "acknowledgements": _acknowledgements,
    **dict.fromkeys(("estimates", "points"), _by_exposure),
    "features": _by_sample,
    **dict.fromkeys(("decisions", "losses", "clocks", "node_events"), _by_arrival),
}
