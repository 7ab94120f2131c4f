"""The budget of the loop's time: how long each stage may take.

What the stages are is said by `rig.recording.latency`; the names are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig.config.base import Closed, Fault, Faults

__all__ = ["Figure", "LatencyBudget", "StageBudget", "StageLimit"]

Figure = Literal["p50", "p95", "p99", "max"]

_Milliseconds = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class StageLimit:
    """One figure of one stage, and what it may be."""

    stage: str
    figure: Figure
    limit_ms: float

    @property
    def key(self) -> str:
        """Name of the figure among a node's: ``network_p99_ms``."""
        return f"{self.stage}_{self.figure}_ms"


class StageBudget(Closed):
    """How long a stage may take; what is left out may be anything."""

    p50_ms: _Milliseconds | None = None
    """Half of the times are at most this."""
    p95_ms: _Milliseconds | None = None
    p99_ms: _Milliseconds | None = None
    max_ms: _Milliseconds | None = None
    """No time is longer."""

    @model_validator(mode="after")
    def _sound(self) -> StageBudget:
        given = [(f"{figure}_ms", limit) for figure, limit in self.figures]
        if not given:
            text = "expected at least one of p50_ms, p95_ms, p99_ms, max_ms, got none"
            raise Faults([Fault((), text)])
        raise_for = [
            Fault((later,), f"expected at least {low:g} as {before}, got {high:g}")
            for (before, low), (later, high) in pairwise(given)
            if high < low
        ]
        if raise_for:
            raise Faults(raise_for)
        return self

    @property
    def figures(self) -> list[tuple[Figure, float]]:
        """The figures that have a limit, the smallest first."""
        limits: list[tuple[Figure, float | None]] = [
            ("p50", self.p50_ms),
            ("p95", self.p95_ms),
            ("p99", self.p99_ms),
            ("max", self.max_ms),
        ]
        return [(figure, limit) for figure, limit in limits if limit is not None]


class LatencyBudget(Closed):
    """How long the loop may take from light to edge, in all and by stage.

    Going over it is recorded as an event and makes the session's verdict a warning;
    nothing is held back: that is what a rule's max_pose_age_ms is for.
    """

    total: StageBudget | None = None
    """Middle of the exposure to the edge at the board."""
    pose: StageBudget | None = None
    """Middle of the exposure to the published pose."""
    camera: StageBudget | None = None
    """Middle of the exposure to the frame's arrival at the host."""
    wait: StageBudget | None = None
    """Arrival until the frame is taken from the ring."""
    network: StageBudget | None = None
    """Taken from the ring until the keypoints are there."""
    decide: StageBudget | None = None
    """Keypoints until the pose is published."""
    send: StageBudget | None = None
    """Published pose until the command leaves the host: rules included."""
    board: StageBudget | None = None
    """Command sent until the edge at the board."""
    answer: StageBudget | None = None
    """Edge until its acknowledgement is at the host; not part of the total."""

    @property
    def limits(self) -> tuple[StageLimit, ...]:
        """Every limit that was given."""
        stages: dict[str, StageBudget | None] = {
            stage: getattr(self, stage) for stage in type(self).model_fields
        }
        return tuple(
            StageLimit(stage, figure, limit_ms)
            for stage, budget in stages.items()
            if budget is not None
            for figure, limit_ms in budget.figures
        )
