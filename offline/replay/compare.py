"""Whether a replay is what was recorded, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from rig.messages import Decision, PointsInSpace, row_dtype, to_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from offline.replay.play import Played
    from offline.replay.recorded import RecordedSession
    from rig.messages import Record
    from rig.recording.reader import Recording

__all__ = ["Sameness", "sameness"]

_POINTS = "points/space"


class Sameness(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream of the replay compares with the recorded one."""

    stream: str
    recorded: int
    replayed: int
    same: int
    """Those that are the same, bit for bit."""
    first: str | None = None
    """The first difference; None where all is the same."""

    @property
    def whole(self) -> bool:
        """Whether all is the same."""
        return self.recorded == self.replayed == self.same


def sameness(
    recording: Recording, session: RecordedSession, played: Played
) -> tuple[Sameness, ...]:
    """Compare a replay of the session's own task with what was recorded.

    Decisions always; estimates and points in space where the session has them.
    """
    found = [_decisions(session, played.decisions)]
    for camera, estimates in sorted(played.estimates.items()):
        recorded = session.poses[camera].estimates
        if recorded is not None:
            found.append(_estimates(camera, session, recorded, estimates))
    if len(session.points):
        found.append(_points(recording, session, played))
    return tuple(found)


def _decisions(session: RecordedSession, decisions: Sequence[Decision]) -> Sameness:
    recorded = session.decisions
    again = _rows(Decision, decisions, recorded.dtype)
    # what the recorder may have lost has its number all the same
    both, mine, theirs = np.intersect1d(
        recorded["decision_id"], again["decision_id"], return_indices=True
    )
    again["seq"][theirs] = recorded["seq"][mine]
    alike = _alike(recorded[mine], again[theirs])
    first = None
    if not alike.all():
        k = int(np.argmin(alike))
        one, other = recorded[mine[k]], again[theirs[k]]
        first = _difference(one, other, session.started_ns)
    elif len(recorded) != len(again):
        only, which = (
            (again, "replayed")
            if len(again) > len(recorded)
            else (recorded, "recorded")
        )
        alone = only[~np.isin(only["decision_id"], both)]
        first = _lonely(alone[0], which, session.started_ns)
    return Sameness(
        stream="decisions",
        recorded=len(recorded),
        replayed=len(again),
        same=int(alike.sum()),
        first=first,
    )


def _difference(one: Any, other: Any, started_ns: int) -> str:
    names = [
        name
        for name in one.dtype.names or ()
        if one[name].tobytes() != other[name].tobytes()
    ]
    told = "; ".join(
        f"{name} {_shown(one[name])} recorded, {_shown(other[name])} replayed"
        for name in names
    )
    return f"{_named(one, started_ns)}: {told}"


def _lonely(row: Any, which: str, started_ns: int) -> str:
    return f"{_named(row, started_ns)}: only {which} ({_shown(row['outcome'])})"


def _named(row: Any, started_ns: int) -> str:
    at_s = _since(started_ns, row)
    return f"decision {row['decision_id']} ({_shown(row['rule'])}, at {at_s:.3f} s)"


def _since(started_ns: int, row: Any) -> float:
    """Return when a row was, in s since the session's start."""
    return (int(row["host_ns"]) - started_ns) / 1e9


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _estimates(
    camera: str,
    session: RecordedSession,
    recorded: NDArray[np.float32],
    again: Sequence[NDArray[np.float32]],
) -> Sameness:
    there = ~np.isnan(recorded[:, :, 3]).any(axis=1)  # a mark is never NaN
    made = np.stack(again)
    alike = [
        one.tobytes() == other.tobytes()
        for one, other in zip(recorded[there], made[there], strict=True)
    ]
    first = None
    if not all(alike):
        k = int(np.flatnonzero(there)[alike.index(False)])
        bits = recorded[k].view(np.uint32) != made[k].view(np.uint32)
        parts = [session.bodyparts[part] for part in np.flatnonzero(bits.any(axis=1))]
        row = session.poses[camera].rows[k]
        at_s = _since(session.started_ns, row)
        first = f"pose {row['seq']} (at {at_s:.3f} s): {', '.join(parts)} differ"
    return Sameness(
        stream=f"estimates/{camera}",
        recorded=int(there.sum()),
        replayed=int(there.sum()),
        same=sum(alike),
        first=first,
    )


def _points(recording: Recording, session: RecordedSession, played: Played) -> Sameness:
    recorded = session.points
    payload = recording.payload(_POINTS, 0, len(recorded))
    again = _rows(
        PointsInSpace, (each.record for each in played.points), recorded.dtype
    )
    count = min(len(recorded), len(again))
    rows = _alike(recorded[:count], again[:count])
    alike = [
        bool(rows[k]) and payload[k].tobytes() == played.points[k].points.tobytes()
        for k in range(count)
    ]
    first = None
    if not all(alike):
        k = alike.index(False)
        at_s = _since(session.started_ns, recorded[k])
        first = f"moment {k} (at {at_s:.3f} s) differs"
    elif len(recorded) != len(again):
        first = f"moment {count} is only in one of the two"
    return Sameness(
        stream=_POINTS,
        recorded=len(recorded),
        replayed=len(again),
        same=sum(alike),
        first=first,
    )


def _rows(
    record: type[Record], records: Iterable[Record], dtype: np.dtype[np.void]
) -> NDArray[np.void]:
    made = np.array([to_row(each) for each in records], row_dtype(record))
    rows = np.zeros(len(made), dtype)
    for name in dtype.names or ():
        rows[name] = made[name]
    return rows


def _alike(one: NDArray[np.void], other: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which rows are the same in every bit of every column."""
    found = np.ones(len(one), bool)
    for name in one.dtype.names or ():
        a, b = np.ascontiguousarray(one[name]), np.ascontiguousarray(other[name])
        size = a.dtype.itemsize
        found &= (a.view("u1").reshape(-1, size) == b.view("u1").reshape(-1, size)).all(
            axis=1
        )
    return found
