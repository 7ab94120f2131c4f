"""What a task asks for beside poses: features, the time until an action lands."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from inference.landing import Landing
from offline.replay.hearing import MadeHearing, RecordedHearing, Silence
from rig.config.rules import OF_SIGNALS

if TYPE_CHECKING:
    from offline.replay.hearing import Hearing
    from offline.replay.recorded import RecordedSession
    from rig.config.task import InferenceConfig, TaskConfig
    from rig.recording.reader import Recording

__all__ = ["asks_signals", "hearing_of", "landing_of", "landings_ns", "processed"]


def asks_signals(task: TaskConfig) -> bool:
    """Return whether a rule is about signals alone."""
    return any(rule.source == OF_SIGNALS for rule in task.rules)


def hearing_of(
    recording: Recording, session: RecordedSession, task: TaskConfig
) -> Hearing:
    """Return the features of a task: as recorded where they are the same.

    Raises
    ------
    SessionError
        If the session lacks a signal or a channel.
    """
    if not task.features:
        return Silence()
    before = session.task
    same = before is not None and before.features == task.features
    if before is not None and same and session.timed:
        known = asks_signals(before) or not asks_signals(task)
        if known and len(session.features):
            return RecordedHearing(session.features)
    return MadeHearing(task.features, recording)


def landing_of(
    session: RecordedSession, inference: InferenceConfig
) -> tuple[int | None, list[str]]:
    """Return over what time poses are predicted, and what to say of it.

    None takes for each pose what was recorded of it, or that nothing is predicted.
    """
    asked = inference.prediction
    known = None if session.task is None else session.task.inference
    before = None if known is None else known.prediction
    if asked is None:
        return None, []
    if before and before.landing_ms == asked.landing_ms and session.timed:
        return None, []
    if asked.landing_ms != "measured":
        return round(asked.landing_ms * 1e6), []
    took_ns = landings_ns(session)
    if took_ns:
        return round(median(took_ns)), []
    usual_ns = Landing().latency_ns
    told = (
        f"poses are predicted over {usual_ns / 1e6:g} ms from decision to action: "
        "nothing was acknowledged"
    )
    return usual_ns, [told]


def landings_ns(session: RecordedSession) -> list[int]:
    """Return the times from decision to edge that a session has shown."""
    columns = (session.decisions[name].tolist() for name in ("decision_id", "host_ns"))
    decided = dict(zip(*columns, strict=True))
    names = ("decision_id", "edge_host_ns")
    answers = zip(*(session.answers[name].tolist() for name in names), strict=True)
    return [
        edge_ns - decided[number]
        for number, edge_ns in answers
        if number in decided and edge_ns >= decided[number]
    ]


def processed(
    session: RecordedSession, inference: InferenceConfig
) -> tuple[bool, list[str]]:
    """Return whether a processor's output is there, and what to say of it."""
    asked, before = inference.processor, session.task
    known = None if before is None or before.inference is None else before.inference
    recorded = None if known is None else known.processor
    if asked is None or (asked == recorded and session.network == "recorded"):
        return asked is not None, []
    told = (
        f"the Processor {asked.use} is not run: the rules see poses as the network "
        "gave them"
    )
    return False, [told]
