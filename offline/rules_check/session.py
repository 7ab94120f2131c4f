"""A task's rules on one recorded session: played, counted, held against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from offline.replay import play, recorded_session, sameness
from offline.rules_check.figures import Actions, against_truth, rule_figures
from offline.rules_check.frames import frame_agreement
from offline.rules_check.labels import read_labels
from offline.rules_check.lines import refused
from offline.rules_check.result import SessionCheck
from offline.rules_check.simulated import simulation_of
from offline.rules_check.truths import Truths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from offline.replay import RecordedSession, Replay
    from offline.replay.play import How
    from offline.rules_check.labels import Labels
    from offline.rules_check.result import RuleFigures
    from offline.rules_check.truths import Truth
    from rig.config.rules import RuleConfig
    from rig.config.task import TaskConfig
    from rig.messages import Decision
    from rig.recording.reader import Recording

__all__ = ["Asked", "Checked", "check_session", "chosen"]

_WITHIN_NS = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a session is to be asked."""

    rules: tuple[str, ...] = ()
    """Only these; empty for all."""
    truths: Mapping[str, str]
    """Event by rule."""
    labels: Path | None = None
    within_ns: int | None = None
    """None is 100 ms of the animal's time."""
    armed: How | None = None
    watch: bool = False
    """Whether what each condition says is kept, for a picture."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A session that was checked, with all that a picture needs."""

    figures: SessionCheck
    session: RecordedSession
    replay: Replay
    actions: Actions
    truths: Mapping[str, Truth]
    """By rule, of those that have one."""

    def decisions(self, rule: str) -> list[Decision]:
        """Return what a rule decided."""
        return [each for each in self.replay.played.decisions if each.rule == rule]


def check_session(recording: Recording, task: TaskConfig, asked: Asked) -> Checked:
    """Play a session under a task, and say what its rules did.

    Raises
    ------
    SessionError
        If the session does not have what the task, or the truth, asks for.
    ConfigError
        If the task does not fit the body parts of the session's model.
    """
    session = recorded_session(recording)
    labels = _labels(recording, session, task, asked)
    framed = labels is not None and labels.keypoints is not None
    replay = play(
        recording, session, task, armed=asked.armed, watch=asked.watch or framed
    )
    actions = Actions.of(session, replay)
    simulation = simulation_of(session)
    within_ns = _WITHIN_NS if asked.within_ns is None else asked.within_ns
    if asked.within_ns is None and session.slow != 1:
        within_ns = round(within_ns * session.slow)
    source = Truths(session, task, simulation, None if framed else labels, asked.truths)
    remarks, truths = list(replay.remarks), dict[str, "Truth"]()
    if labels is not None and labels.remark:
        remarks.append(labels.remark)
    if session.slow != 1:
        remarks.append(f"the world ran {session.slow:g} times slower: all times are so")
    else:
        remarks += refused(replay.played.decisions, session.rig)
    rules: list[RuleFigures] = []
    for rule in chosen(task, asked.rules):
        mine = [each for each in replay.played.decisions if each.rule == rule.name]
        figures = rule_figures(rule, mine, session.started_ns)
        truth, why = source.of(rule)
        if truth is not None:
            truths[rule.name] = truth
            judged = against_truth(mine, truth, actions, within_ns)
            figures = msgspec.structs.replace(figures, truth=judged)
        if framed and labels is not None:
            found, more = frame_agreement(rule, task, labels, replay)
            figures = msgspec.structs.replace(figures, frames=found)
            remarks += [more] if more else []
        remarks += [why] if why else []
        rules.append(figures)
    check = SessionCheck(
        session_id=session.session_id,
        folder=str(session.folder),
        poses={camera: len(poses.rows) for camera, poses in session.poses.items()},
        seconds=_seconds(session),
        own=replay.own,
        armed=replay.armed,
        landing_ms=None if actions.landing_ns is None else actions.landing_ns / 1e6,
        rules=tuple(rules),
        sameness=_sameness(recording, session, replay),
        remarks=tuple(remarks),
    )
    return Checked(check, session, replay, actions, truths)


def chosen(task: TaskConfig, names: Sequence[str]) -> list[RuleConfig]:
    """Return the rules of some names, or all, in the order of the task file."""
    return [rule for rule in task.rules if not names or rule.name in names]


def _labels(
    recording: Recording, session: RecordedSession, task: TaskConfig, asked: Asked
) -> Labels | None:
    if asked.labels is None or task.inference is None:
        return None
    return read_labels(asked.labels, recording, session, task.inference.cameras)


def _sameness(recording: Recording, session: RecordedSession, replay: Replay) -> tuple:
    if not replay.own or replay.armed != "recorded":
        return ()
    return sameness(recording, session, replay.played)


def _seconds(session: RecordedSession) -> float:
    times = [poses.rows["exposure_ns"] for poses in session.poses.values()]
    if not times:
        return 0.0
    first, last = min(int(at[0]) for at in times), max(int(at[-1]) for at in times)
    return (last - first) / 1e9
