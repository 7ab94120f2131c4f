"""What a session tells of its loop: how long each stage of each pose took."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from offline.loop_latency.clocks import clocks_of
from rig.messages import BY_HAND, NodeEvent, from_row
from rig.recording.latency import (
    FEATURES,
    STAGES,
    command_moments,
    durations,
    pose_moments,
)
from rig.recording.outcomes import settled
from rig.recording.remarks import OVER_BUDGET, WITHIN_BUDGET
from rig.recording.stamps import late_stamps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from offline.loop_latency.clocks import Clocks, Mapped
    from rig.recording.latency import Commands
    from rig.recording.reader import Recording

__all__ = ["LoopTimes", "PoseTimes", "RuleTimes", "Stages", "loop_times"]


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """How long each stage took, of some poses or commands (n,)."""

    at_ns: NDArray[np.int64]
    """(n,) host time of the decision or pose."""
    took_ns: dict[str, NDArray[np.int64]]
    """By stage; shorter than (n,) where a moment is not in the recording."""
    sd_ns: dict[str, NDArray[np.float64]]
    """By stage, of those that run from one clock to another; NaN where not known."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseTimes:
    """The poses of one camera."""

    camera: str
    frame_seq: NDArray[np.int64]
    """(f,) of the recorded frames."""
    looked_at: NDArray[np.int64]
    """(n,) `frame_seq` of the poses."""
    stages: Stages


@dataclass(frozen=True, slots=True, eq=False)
class RuleTimes:
    """The decisions of one rule."""

    rule: str
    camera: str
    outcomes: dict[str, int]
    commands: dict[str, int]
    """Its fired decisions by the status of their acknowledgement, as `settled`."""
    stages: Stages
    """Of the fired decisions whose edge came back."""


@dataclass(slots=True)
class LoopTimes:
    """The loop of a session."""

    session_id: str
    clocks: Literal["aligned", "live"]
    poses: list[PoseTimes] = field(default_factory=list)
    rules: list[RuleTimes] = field(default_factory=list)
    breaches: tuple[str, ...] = ()
    remarks: list[str] = field(default_factory=list)


def loop_times(recording: Recording) -> LoopTimes:
    """Read what a session tells of its loop.

    Parameters
    ----------
    recording
        Of any session; one that was not aligned goes by its live clocks.
    """
    with ExitStack() as stack:
        clocks, stored, why = clocks_of(recording)
        if stored is not None:
            stack.enter_context(closing(stored))
        found = LoopTimes(recording.info.session_id, clocks.how)
        if why:
            found.remarks.append(f"exposures and edges as they were mapped live: {why}")
        if clocks.how == "live":
            found.remarks += late_stamps(recording)
        found.breaches = _breaches(recording)
        _read(recording, clocks, found)
    return found


def _read(recording: Recording, clocks: Clocks, found: LoopTimes) -> None:
    streams = recording.streams
    cameras = [
        name.removeprefix("poses/")
        for name, spec in streams.items()
        if spec.kind == "poses"
    ]
    poses = {camera: recording.rows(f"poses/{camera}") for camera in cameras}
    exposures = {
        camera: clocks.exposures(camera, rows) for camera, rows in poses.items()
    }
    for camera in cameras:
        found.poses.append(_poses(recording, camera, poses[camera], exposures[camera]))
    if not cameras:
        found.remarks.append("no poses were recorded: the session's task has no model")
    if "decisions" not in streams:
        found.remarks.append("no decisions were recorded")
        return
    decisions = recording.rows("decisions")
    decisions = decisions[decisions["rule"] != BY_HAND.encode()]
    if not len(decisions):
        found.remarks.append("no rule decided anything")
    answered = "acknowledgements" in streams
    if not answered:
        found.remarks.append("no acknowledgements were recorded: there is no actuator")
        return
    answers = recording.rows("acknowledgements")
    commands = command_moments(decisions, answers, poses)
    stages = _commands(commands, exposures, clocks.edges(answers))
    answers = settled(answers)
    for name in sorted(set(decisions["rule"].tolist())):
        found.rules.append(_rule(name, decisions, answers, commands, stages))


def _poses(
    recording: Recording, camera: str, rows: NDArray[np.void], exposures: Mapped
) -> PoseTimes:
    moments = {**pose_moments(rows), "exposure": exposures.at_ns}
    stages = Stages(
        moments["decided"],
        durations(moments),
        {"camera": exposures.sd_ns, "pose": exposures.sd_ns},
    )
    frames = recording.rows(f"cameras/{camera}")["seq"].astype(np.int64)
    return PoseTimes(camera, frames, rows["frame_seq"].astype(np.int64), stages)


def _commands(
    commands: Commands, exposures: dict[str, Mapped], edges: Mapped
) -> Stages:
    """Return the stages of all commands (k,), on the clocks as they are mapped."""
    moments = dict(commands.moments)
    count = len(commands.decision)
    sd_ns, own_sd_ns = np.full(count, np.nan), np.full(count, np.nan)
    moments["exposure"] = moments["exposure"].copy()
    for camera, mapped in exposures.items():
        mine = commands.decision["camera"] == camera.encode()
        mine &= commands.pose >= 0
        at = commands.pose[mine]
        moments["exposure"][mine] = mapped.at_ns[at]
        sd_ns[mine], own_sd_ns[mine] = mapped.sd_ns[at], mapped.own_sd_ns[at]
    known = commands.pose >= 0
    # without a pose the exposure is as it was mapped live: so is the edge then
    moments["edge"] = np.where(known, edges.at_ns[commands.answer], moments["edge"])
    edge_sd_ns = edges.sd_ns[commands.answer]
    total_sd_ns = np.hypot(own_sd_ns, edges.own_sd_ns[commands.answer])
    return Stages(
        moments["decided"],
        durations(moments),
        {
            "camera": sd_ns,
            "pose": sd_ns,
            "board": edge_sd_ns,
            "answer": edge_sd_ns,
            "total": total_sd_ns,
        },
    )


def _rule(
    name: bytes,
    decisions: NDArray[np.void],
    answers: NDArray[np.void],
    commands: Commands,
    stages: Stages,
) -> RuleTimes:
    rows = decisions[decisions["rule"] == name]
    fired = rows["decision_id"][rows["outcome"] == b"fired"]
    statuses = answers["status"][np.isin(answers["decision_id"], fired)]
    mine = commands.decision["rule"] == name
    whole = mine & (commands.pose >= 0)
    kept = {
        stage: whole if {begin, end} & {"arrival", "dequeued", "inferred"} else mine
        for stage, (begin, end) in STAGES.items()
    }
    chosen = Stages(
        stages.at_ns[mine],
        {stage: took[kept[stage]] for stage, took in stages.took_ns.items()},
        {stage: sd[kept[stage]] for stage, sd in stages.sd_ns.items()},
    )
    return RuleTimes(
        rule=name.decode("ascii", "replace"),
        camera=rows["camera"][0].decode("ascii", "replace") or FEATURES,
        outcomes=_counts(rows["outcome"]),
        commands=_counts(statuses),
        stages=chosen,
    )


def _counts(column: NDArray[np.bytes_]) -> dict[str, int]:
    values, counts = np.unique(column, return_counts=True)
    return {
        value.decode("ascii", "replace"): int(count)
        for value, count in zip(values.tolist(), counts, strict=True)
    }


def _breaches(recording: Recording) -> tuple[str, ...]:
    if "node_events" not in recording.streams:
        return ()
    events = [from_row(NodeEvent, row) for row in recording.rows("node_events")]
    return tuple(
        f"{(event.host_ns - recording.info.started_host_ns) / 1e9:.1f} s: "
        f"{event.detail}"
        for event in events
        if event.state in {OVER_BUDGET, WITHIN_BUDGET}
    )
