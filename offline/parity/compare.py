"""A session, live against offline: poses, frames and fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.parity.armed import armed_as_noted
from offline.parity.camera_task import task_of_camera
from offline.parity.chosen import cameras_seen, offline_of
from offline.parity.evidence import Evidence
from offline.parity.pixels import coverage, pixel_errors
from offline.parity.result import CameraParity, Parity
from offline.parity.sides import sides_of
from offline.parity.stages import Ladder
from offline.parity.triggers import Limits, judge
from offline.parity.who import cropped, live_model, offline_model
from offline.replay import recorded_session
from rig.config.rules import IN_SPACE, OF_SIGNALS
from rig.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offline.parity.chosen import Asked
    from offline.parity.result import Difference, RuleParity
    from offline.parity.sides import Sides
    from offline.parity.stages import Decided
    from offline.replay import RecordedSession
    from rig.config.task import TaskConfig
    from rig.recording.reader import Recording

__all__ = ["Compared", "compare"]

_WITHIN_NS, _SHIFT_NS = 100_000_000, 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was compared, with all that a picture needs."""

    result: Parity
    session: RecordedSession
    sides: Mapping[str, Sides]
    """By camera."""
    stages: Mapping[str, Mapping[str, Sequence[Decided]]]
    """By camera, those whose rules were asked."""


def compare(recording: Recording, asked: Asked) -> Compared:
    """Hold what was seen and decided live against poses that were made afterwards.

    Raises
    ------
    SessionError
        If nobody looked at the session live, it has no offline poses, or they are of
        other frames.
    """
    session = recorded_session(recording)
    slow = session.slow
    limits = Limits(
        within_ns=asked.within_ns or round(_WITHIN_NS * slow),
        shift_ns=asked.shift_ns or round(_SHIFT_NS * slow),
    )
    offline = offline_of(recording, session, asked)
    remarks: list[str] = []
    if slow != 1:
        remarks.append(f"the world ran {slow:g} times slower: all times are so")
    cameras: list[CameraParity] = []
    all_sides: dict[str, Sides] = {}
    stages: dict[str, Mapping[str, Sequence[Decided]]] = {}
    for camera, poses in offline.items():
        sides = sides_of(recording, session, camera, session.bodyparts, poses)
        all_sides[camera] = sides
        climbed, why = _climbed(recording, session, sides)
        remarks += why
        if climbed:
            stages[camera] = climbed
        judged = _judged(session, sides, climbed, limits)
        cameras.append(_camera(recording, session, sides, judged))
        if poses.info is None:
            remarks.append(f"{camera}: nobody has noted who saw {poses.path}")
    if asked.poses is None:
        remarks += [
            f"{camera} is left out: it has no offline poses"
            for camera in cameras_seen(session, asked)
            if camera not in offline
        ]
    remarks += _left_out(session.task)
    result = Parity(
        session_id=session.session_id,
        folder=str(session.folder),
        within_ms=limits.within_ns / 1e6,
        shift_limit_ms=limits.shift_ns / 1e6,
        cameras=tuple(cameras),
        remarks=tuple(remarks),
    )
    return Compared(result=result, session=session, sides=all_sides, stages=stages)


def _climbed(
    recording: Recording, session: RecordedSession, sides: Sides
) -> tuple[Mapping[str, Sequence[Decided]], list[str]]:
    """Return what a camera's rules decide in each stage, or why they were not asked."""
    whole, camera = session.task, sides.camera
    if whole is None:
        told = "this version does not understand the session's task: no rule is asked"
        return {}, [f"{camera}: {told}"]
    task = task_of_camera(whole, camera)
    if not task.rules or task.inference is None:
        return {}, []
    if task.inference.processor is not None:
        use = task.inference.processor.use
        told = (
            f"the rules saw what the Processor {use} made of the poses, and it is not"
        )
        return {}, [f"{camera}: {told} run here: they are not compared"]
    ladder = Ladder(
        recording=recording,
        session=session,
        task=task,
        sides=sides,
        live_parts=session.bodyparts,
        armed=armed_as_noted(recording, session, whole),
    )
    try:
        return ladder.climb(), []
    except ConfigError as error:
        return {}, [
            f"{camera}: its rules cannot be asked of the offline poses: {error}"
        ]


def _judged(
    session: RecordedSession,
    sides: Sides,
    climbed: Mapping[str, Sequence[Decided]],
    limits: Limits,
) -> list[tuple[RuleParity, tuple[Difference, ...]]]:
    if not climbed or session.task is None:
        return []
    return [
        judge(rule.name, climbed, Evidence.of(sides, rule, session.started_ns), limits)
        for rule in session.task.rules
        if rule.source == sides.camera
    ]


def _camera(
    recording: Recording,
    session: RecordedSession,
    sides: Sides,
    judged: Sequence[tuple[RuleParity, tuple[Difference, ...]]],
) -> CameraParity:
    live = live_model(recording, sides.camera)
    offline = offline_model(sides.offline)
    both = live.sha256 and offline.sha256
    how = [(m.engine, m.provider, m.resize) for m in (live, offline)]
    rules = () if session.task is None else session.task.rules
    limits_ns = {
        rule.name: round(rule.max_pose_age_ms * 1e6)
        for rule in rules
        if rule.source == sides.camera
    }
    return CameraParity(
        camera=sides.camera,
        file=str(sides.offline.path),
        live=live,
        offline=offline,
        same_model=live.sha256 == offline.sha256 if both else None,
        same_engine=how[0] == how[1],
        cropped=cropped(recording, sides),
        pixels=pixel_errors(sides),
        coverage=coverage(sides, limits_ns, session.started_ns),
        rules=tuple(figures for figures, _ in judged),
        differences=tuple(each for _, differences in judged for each in differences),
    )


def _left_out(task: TaskConfig | None) -> list[str]:
    """Return which rules are not compared, and why."""
    why = {
        OF_SIGNALS: "it is about signals alone, of which there is one recording only",
        IN_SPACE: "it is about points in space, which offline poses are not made into",
    }
    rules = () if task is None else task.rules
    return [
        f"{rule.name} is not compared: {why[rule.source]}"
        for rule in rules
        if rule.source in why
    ]
