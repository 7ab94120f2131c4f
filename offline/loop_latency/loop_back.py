"""From a recording of the loop test to its verdict: go, or why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from offline.loop_latency.figures import loop_latency
from offline.loop_latency.light import Fires, Pulses, answered
from offline.loop_latency.loop_task import RULE
from offline.loop_latency.result import Judged, StageTimes
from offline.loop_latency.spot import host_line, spot_levels
from offline.loop_latency.times import loop_times
from rig.config.latency import StageLimit
from rig.recording.latency import Latency
from rig.recording.ledger import Ledger
from rig.recording.outcomes import settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from offline.loop_latency.light import Answered
    from offline.loop_latency.loop_task import LoopPlan
    from offline.loop_latency.spot import Levels
    from rig.config.latency import LatencyBudget
    from rig.recording.reader import Recording
    from rig.recording.sidecar import Verdict

__all__ = ["LEAST_SEEN", "LIGHT", "LoopTest", "judge_loop"]

LEAST_SEEN = 20
"""Fewer lights, or fewer edges, say nothing of a 99th percentile."""
LIGHT = "light"
"""Stage from the light to the edge; what the total may take and a frame period more."""
_WITH_NETWORK = ("pose", "total", LIGHT)


class LoopTest(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop test found."""

    session: str
    """Folder of the recording."""
    camera: str
    led: str
    """The line that it hangs on: ``daq sync``."""
    line: str
    """The line that was fired: ``daq laser``."""
    pulses: int
    seen: int
    """Times that the camera saw the light come on."""
    answered: int
    """Of these, with an edge that came back."""
    held_back: int
    """Of these, not fired at on purpose."""
    held_by: dict[str, int]
    """What was not fired, by what the test's own rule said."""
    missed: int
    false: int
    """Fires without light."""
    refused: dict[str, int]
    """Fires that made no edge, by what the board said."""
    light_to_frame: StageTimes | None
    """Light to the middle of the exposure that was fired on: up to a frame period."""
    light_to_edge: StageTimes | None
    stages: dict[str, StageTimes]
    network: StageTimes | None
    """Of the task's own network, measured by itself; in the test, a mean of the LED's
    pixels is in its place. None without a task."""
    budget: tuple[Judged, ...]
    """With the time of the task's network added where it belongs."""
    go: bool
    reasons: tuple[str, ...]
    """Why not."""
    remarks: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()


def judge_loop(
    recording: Recording,
    plan: LoopPlan,
    levels: Levels,
    *,
    budget: LatencyBudget | None,
    network_ns: NDArray[np.int64] | None,
) -> LoopTest:
    """Return what a recording of the loop test says.

    Parameters
    ----------
    recording
        Of the session that ran `loop_task`.
    plan, levels
        As the task was made of.
    budget
        What is kept to; None: only that nothing is missed.
    network_ns
        Times of the task's own network, if it has one.

    Raises
    ------
    SessionError
        If the LED's line was not recorded.
    """
    found, statuses, held_by = _answered(recording, plan, levels)
    times = loop_times(recording)
    rules = loop_latency(times, None).rules
    stages = rules[0].stages if rules else {}
    took = times.rules[0].stages.took_ns if times.rules else {}
    limits = () if budget is None else budget.limits
    if len(found.light_to_edge_ns):
        took = {**took, LIGHT: found.light_to_edge_ns}
    period_ms = 1e3 / plan.rate_hz
    judged = tuple(
        _judged(limit, took, network_ns)
        for limit in (*limits, *_of_light(limits, period_ms))
        if len(took.get(limit.stage, ()))
    )
    reasons = [*_reasons(found, statuses, held_by, plan), *_late(judged)]
    remarks: list[str] = []
    for verdict, why in _ledger(recording):
        (reasons if verdict == "FAIL" else remarks).append(why)
    if plan.board != plan.led.source:
        remarks.append(
            "light and edge are of two boards: what lies between is as their clocks "
            "were mapped live"
        )
    if budget is None:
        remarks.append("no latency_budget to judge by: give a task file with one")
    return LoopTest(
        session=str(recording.folder),
        camera=plan.camera,
        led=f"{plan.led.source} {plan.led.line}",
        line=f"{plan.board} {plan.line}",
        pulses=found.pulses,
        seen=found.seen,
        answered=len(found.light_to_edge_ns),
        held_back=found.held_back,
        held_by=held_by,
        missed=len(found.missed),
        false=found.false,
        refused=statuses,
        light_to_frame=_times(found.light_to_frame_ns),
        light_to_edge=_times(found.light_to_edge_ns),
        stages=stages,
        network=None if network_ns is None else _times(network_ns),
        budget=judged,
        go=not reasons,
        reasons=tuple(reasons),
        remarks=tuple(remarks),
    )


def _answered(
    recording: Recording, plan: LoopPlan, levels: Levels
) -> tuple[Answered, dict[str, int], dict[str, int]]:
    own, host = host_line(recording, plan.led.source, plan.led.line)
    frames = recording.rows(f"cameras/{plan.camera}")
    decisions = recording.rows("decisions")
    decisions = decisions[decisions["rule"] == RULE.encode()]
    poses = recording.rows(f"poses/{plan.camera}")
    frame = _frame_of(decisions, poses, frames)
    fired = (decisions["outcome"] == b"fired") & (frame >= 0)
    held = (decisions["outcome"] != b"fired") & (frame >= 0)
    answers = settled(recording.rows("acknowledgements"))
    same = plan.board == plan.led.source
    edge = np.full(len(decisions), -1, np.int64)
    at = {number: k for k, number in enumerate(decisions["decision_id"].tolist())}
    statuses: dict[str, int] = {}
    for row in answers:
        k = at.get(int(row["decision_id"]))
        if k is None:
            continue
        if row["edge_device_ns"] >= 0:
            edge[k] = row["edge_device_ns"] if same else row["edge_host_ns"]
        else:
            status = row["status"].decode("ascii", "replace")
            statuses[status] = statuses.get(status, 0) + 1
    share = levels.share(spot_levels(recording, plan.camera, plan.box))
    found = answered(
        Pulses(host.rise_ns, own.rise_ns if same else host.rise_ns),
        frames["exposure_ns"][: len(share)].astype(np.int64),
        share,
        Fires(frame[fired], edge[fired], frame[held]),
    )
    causes, counts = np.unique(decisions["outcome"][held], return_counts=True)
    names = (cause.decode("ascii", "replace") for cause in causes.tolist())
    return found, statuses, dict(zip(names, counts.tolist(), strict=True))


def _frame_of(
    decisions: NDArray[np.void], poses: NDArray[np.void], frames: NDArray[np.void]
) -> NDArray[np.int64]:
    """Return the place of the frame that each was decided on; -1 of one not there."""
    rows = {seq: k for k, seq in enumerate(frames["seq"].tolist())}
    seen = dict(zip(poses["seq"].tolist(), poses["frame_seq"].tolist(), strict=True))
    found = [rows.get(seen.get(seq, -1), -1) for seq in decisions["pose_seq"].tolist()]
    return np.array(found, np.int64)


def _of_light(limits: Iterable[StageLimit], period_ms: float) -> Iterator[StageLimit]:
    """Return what the light may take where the exposure may take so much.

    It may come on just after an exposure: then the next one is the first to see it.
    """
    for limit in limits:
        if limit.stage == "total":
            most_ms = round(limit.limit_ms + period_ms, 3)
            yield StageLimit(LIGHT, limit.figure, most_ms)


def _judged(
    limit: StageLimit,
    took: dict[str, NDArray[np.int64]],
    network_ns: NDArray[np.int64] | None,
) -> Judged:
    """Hold a stage against its limit, with the task's own network in its place."""
    stage = limit.stage
    found, count = _figure(took[stage], limit), len(took[stage])
    if network_ns is not None and stage == "network":
        found, count = _figure(network_ns, limit), len(network_ns)
    elif network_ns is not None and stage in _WITH_NETWORK:
        found += _figure(network_ns, limit)
    return Judged(
        subject="loop",
        stage=stage,
        figure=limit.figure,
        limit_ms=limit.limit_ms,
        found_ms=round(found, 3),
        count=count,
        over=found > limit.limit_ms,
    )


def _figure(took_ns: NDArray[np.int64], limit: StageLimit) -> float:
    return float(getattr(Latency.of(took_ns), f"{limit.figure}_ms"))


def _ledger(recording: Recording) -> Iterator[tuple[Verdict, str]]:
    """Yield what the session of the test is worth, if it is not all there."""
    if recording.ledger is None:
        return
    ledger = Ledger.from_json(recording.ledger)
    if ledger.verdict != "PASS":
        yield (
            ledger.verdict,
            f"the test's own session is {ledger.verdict}: {ledger.reason}",
        )


def _reasons(
    found: Answered, statuses: dict[str, int], held_by: dict[str, int], plan: LoopPlan
) -> Iterator[str]:
    edges, held = len(found.light_to_edge_ns), ""
    if "suppressed_refractory" in held_by:
        held = (
            f"; {plan.line} may be fired every {plan.apart_ms:g} ms only (its "
            "max_rate_hz, max_duty), and lights came sooner"
        )
    if found.seen < LEAST_SEEN:
        yield (
            f"the light was seen {found.seen} times, at least {LEAST_SEEN} are needed: "
            "let it run longer (--seconds), or look why the camera does not see it"
        )
    elif edges < LEAST_SEEN:
        yield (
            f"{edges} edges were measured, at least {LEAST_SEEN} are needed: let it "
            f"run longer (--seconds){held}"
        )
    if len(found.missed):
        yield f"{len(found.missed)} of {found.seen} lights were not answered"
    if found.false:
        yield f"{found.false} fires without light: is anything else in the LED's place?"
    for status, count in statuses.items():
        yield f"{count} commands without an edge: {status}"


def _late(judged: tuple[Judged, ...]) -> Iterator[str]:
    for one in judged:
        if one.over:
            yield (
                f"{one.stage} {one.figure} {one.found_ms:.1f} ms, budget "
                f"{one.limit_ms:g} ms"
            )


def _times(took_ns: NDArray[np.int64]) -> StageTimes | None:
    return StageTimes.of(took_ns) if len(took_ns) else None
