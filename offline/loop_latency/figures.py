"""A loop's times in figures, held against the budget. Pure: arrays in, types out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.budget import exceeds
from offline.loop_latency.result import (
    CameraLoop,
    Judged,
    LoopLatency,
    OverTime,
    RuleLoop,
    StageTimes,
    Trend,
    Window,
)
from rig.recording.latency import COMMAND_STAGES, POSE_STAGES, Latency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from offline.loop_latency.times import LoopTimes, PoseTimes, RuleTimes, Stages
    from rig.config.latency import LatencyBudget, StageLimit

__all__ = ["loop_latency", "over_time"]

_WINDOWS = 60
_LEAST_WINDOW_S = 1.0
_ENDS_S = 60.0
"""The beginning and the end that are compared."""
_LEAST_SECONDS = 6.0
_LEAST_POSES = 1000
"""Fewer have no 99th percentile to speak of."""
_GROWN = 1.1


def loop_latency(times: LoopTimes, budget: LatencyBudget | None) -> LoopLatency:
    """Return the figures of a session's loop.

    Parameters
    ----------
    times
        What the session tells.
    budget
        What each stage may take; None: nothing is judged.
    """
    limits = () if budget is None else budget.limits
    judged = [
        *_held_against(limits, "camera", times.poses, POSE_STAGES),
        *_held_against(limits, "rule", times.rules, COMMAND_STAGES),
    ]
    return LoopLatency(
        session_id=times.session_id,
        clocks=times.clocks,
        cameras=tuple(_camera(poses) for poses in times.poses),
        rules=tuple(_rule(rule) for rule in times.rules),
        budget=tuple(judged),
        breaches=times.breaches,
        remarks=(*times.remarks, *_unjudged(limits, judged)),
    )


def over_time(at_ns: NDArray[np.int64], took_ns: NDArray[np.int64]) -> OverTime | None:
    """Return how long a stage took over the session; None of nothing.

    Parameters
    ----------
    at_ns
        (n,) when, rising.
    took_ns
        (n,) how long.
    """
    if not len(at_ns):
        return None
    at_s = (at_ns - at_ns[0]) / 1e9
    span_s = float(at_s[-1])
    width_s = max(span_s / _WINDOWS, _LEAST_WINDOW_S)
    last = max(int(np.ceil(span_s / width_s)) - 1, 0)
    number = np.minimum((at_s / width_s).astype(np.int64), last)
    windows: list[Window] = []
    for k in np.unique(number).tolist():
        part = StageTimes.of(took_ns[number == k])
        windows.append(
            Window(
                start_s=round(k * width_s, 3),
                count=part.count,
                p50_ms=part.p50_ms,
                p99_ms=part.p99_ms,
            )
        )
    return OverTime(windows=tuple(windows), trend=_trend(at_s, took_ns, span_s))


def _trend(
    at_s: NDArray[np.float64], took_ns: NDArray[np.int64], span_s: float
) -> Trend | None:
    if span_s < _LEAST_SECONDS:
        return None
    seconds = min(_ENDS_S, span_s / 3)
    first = StageTimes.of(took_ns[at_s <= seconds])
    last = StageTimes.of(took_ns[at_s >= span_s - seconds])
    p50_ratio = last.p50_ms / max(first.p50_ms, 1e-3)
    p99_ratio = last.p99_ms / max(first.p99_ms, 1e-3)
    enough = min(first.count, last.count) >= _LEAST_POSES
    return Trend(
        seconds=round(seconds, 1),
        first=first,
        last=last,
        p50_ratio=round(p50_ratio, 3),
        p99_ratio=round(p99_ratio, 3),
        grows=p99_ratio > _GROWN if enough else None,
    )


def _camera(poses: PoseTimes) -> CameraLoop:
    skipped = ~np.isin(poses.frame_seq, poses.looked_at)
    missed = int(skipped.sum())
    stages = poses.stages
    return CameraLoop(
        camera=poses.camera,
        frames=len(poses.frame_seq),
        poses=len(poses.looked_at),
        skipped=missed,
        skipped_fraction=round(missed / len(skipped), 6) if len(skipped) else 0.0,
        most_skipped=_longest_run(skipped),
        stages=_stages(stages),
        over_time=over_time(stages.at_ns, stages.took_ns["pose"]),
    )


def _rule(rule: RuleTimes) -> RuleLoop:
    return RuleLoop(
        rule=rule.rule,
        camera=rule.camera,
        fired=rule.outcomes.get("fired", 0),
        edges=len(rule.stages.at_ns),
        outcomes=rule.outcomes,
        commands=rule.commands,
        stages=_stages(rule.stages),
    )


def _stages(stages: Stages) -> dict[str, StageTimes]:
    return {
        stage: StageTimes.of(took, stages.sd_ns.get(stage))
        for stage, took in stages.took_ns.items()
        if len(took)
    }


def _held_against(
    limits: Iterable[StageLimit],
    what: str,
    subjects: Iterable[PoseTimes] | Iterable[RuleTimes],
    stages: tuple[str, ...],
) -> Iterator[Judged]:
    """Hold the stages of cameras, or those of rules, against their limits."""
    for subject in subjects:
        name = getattr(subject, what)
        for limit in limits:
            took = subject.stages.took_ns.get(limit.stage)
            if limit.stage not in stages or took is None or not len(took):
                continue
            yield Judged(
                subject=f"{what} {name}",
                stage=limit.stage,
                figure=limit.figure,
                limit_ms=limit.limit_ms,
                found_ms=getattr(Latency.of(took), f"{limit.figure}_ms"),
                count=len(took),
                over=exceeds(np.sort(took), limit),
            )


def _unjudged(limits: Iterable[StageLimit], judged: list[Judged]) -> Iterator[str]:
    held = {one.stage for one in judged}
    for stage in dict.fromkeys(limit.stage for limit in limits):
        if stage not in held:
            yield f"nothing to hold the budget of {stage} against"


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))
