"""What came of a replay, in figures: is it the same, and what would have been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.replay.compare import sameness
from offline.replay.keypoints import keypoint_sameness
from offline.replay.result import ReplayResult
from offline.replay.what_if import what_if
from rig.messages import Decision, from_row

if TYPE_CHECKING:
    from offline.replay.compare import Sameness
    from offline.replay.looking import NetworkSight
    from offline.replay.network import Origin
    from offline.replay.play import Replay
    from offline.replay.recorded import RecordedSession
    from offline.replay.result import Looked
    from rig.config.task import TaskConfig
    from rig.recording.reader import Recording

__all__ = ["Seen", "summary"]

_WITHIN_MS = 100.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A replay, and what looked."""

    session: RecordedSession
    """As it was played."""
    replay: Replay
    origin: Origin | None = None
    """With the two that follow, None where the poses are the recorded ones."""
    sight: NetworkSight | None = None
    looked: Looked | None = None


def summary(
    recording: Recording,
    session: RecordedSession,
    task: TaskConfig,
    seen: Seen,
    *,
    within_ms: float | None,
) -> ReplayResult:
    """Return the figures of a replay.

    Parameters
    ----------
    recording, session
        The session, and what was read of it.
    task
        Under which it was played.
    seen
        What came of it.
    within_ms
        Fires that are farther apart are not the same one; None is 100 ms of the
        animal's time.
    """
    replay, origin = seen.replay, seen.origin
    compared = _sameness(recording, session, seen)
    within_ms = _WITHIN_MS * session.slow if within_ms is None else within_ms
    recorded = [from_row(Decision, row) for row in session.decisions]
    rules, fires = what_if(
        recorded,
        replay.played.decisions,
        (_rules(session, recorded), [rule.name for rule in task.rules]),
        within_ns=round(within_ms * 1e6),
        started_ns=session.started_ns,
    )
    return ReplayResult(
        session_id=session.session_id,
        folder=str(session.folder),
        task=task.name,
        own=replay.own,
        armed=replay.armed,
        seconds=_seconds(seen.session),
        poses={camera: len(each.rows) for camera, each in seen.session.poses.items()},
        looked=seen.looked,
        must_be_same=bool(compared) and not (origin and origin.differs),
        sameness=compared,
        within_ms=within_ms,
        rules=rules,
        fires=fires,
        remarks=(*replay.remarks, *_remarks(session, seen)),
    )


def _sameness(
    recording: Recording, session: RecordedSession, seen: Seen
) -> tuple[Sameness, ...]:
    """Compare what can be: keypoints of the same network, decisions of the task."""
    if seen.session.network != "recorded":
        return ()
    found: list[Sameness] = []
    if seen.sight is not None:
        found += keypoint_sameness(session, seen.sight.keypoints)
    if seen.replay.own:
        found += sameness(recording, session, seen.replay.played)
    return tuple(found)


def _remarks(session: RecordedSession, seen: Seen) -> list[str]:
    found: list[str] = []
    if session.slow != 1:
        found.append(f"the world ran {session.slow:g} times slower: all times are so")
    if seen.sight is not None and seen.sight.without_frame:
        count, what = seen.sight.without_frame, "stand as they were recorded"
        found.append(f"{count} poses whose frame was lost to the recorder {what}")
    left = sum(len(each.rows) for each in session.poses.values())
    left -= sum(len(each.rows) for each in seen.session.poses.values())
    if seen.session.network == "other" and left:
        found.append(
            f"{left} poses are left out: of no camera of the task, or without a frame"
        )
    return found


def _rules(session: RecordedSession, recorded: list[Decision]) -> list[str]:
    if session.task is None:
        return sorted({decision.rule for decision in recorded})
    return [rule.name for rule in session.task.rules]


def _seconds(session: RecordedSession) -> float:
    times = [each.rows["exposure_ns"] for each in session.poses.values()]
    times = [at for at in times if len(at)]
    if not times:
        return 0.0
    return (max(int(at[-1]) for at in times) - min(int(at[0]) for at in times)) / 1e9
