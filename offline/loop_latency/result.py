"""What is said of a loop's time, as types: the JSON is these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from rig.recording.latency import Latency
from rig.recording.outcomes import DELIVERED

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CameraLoop",
    "Judged",
    "LoopLatency",
    "OverTime",
    "RuleLoop",
    "StageTimes",
    "Trend",
    "Window",
]


class StageTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long one stage took. Percentiles are times that were measured."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    sd_ms: float | None = None
    """Median standard deviation of one time, where it runs from one clock to another;
    None where it is all on the host's clock, or nobody knows."""

    @staticmethod
    def of(
        took_ns: NDArray[np.int64], sd_ns: NDArray[np.float64] | None = None
    ) -> StageTimes:
        """Return what some times come to.

        Parameters
        ----------
        took_ns
            (n,) of one or more.
        sd_ns
            (n,) standard deviation of each, NaN where nobody knows; None for none.
        """
        known = np.empty(0) if sd_ns is None else sd_ns[np.isfinite(sd_ns)]
        found = Latency.of(took_ns)
        return StageTimes(
            count=found.count,
            p50_ms=found.p50_ms,
            p95_ms=found.p95_ms,
            p99_ms=found.p99_ms,
            max_ms=found.max_ms,
            sd_ms=round(float(np.median(known)) / 1e6, 6) if len(known) else None,
        )


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the session."""

    start_s: float
    """Since the first pose."""
    count: int
    p50_ms: float
    p99_ms: float


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Exposure to pose, at the session's beginning and at its end."""

    seconds: float
    """Length of either: a minute, or a third of a session shorter than three."""
    first: StageTimes
    last: StageTimes
    p50_ratio: float
    """Last over first."""
    p99_ratio: float
    grows: bool | None
    """Whether the 99th percentile of the end is more than 1.1 times the beginning's;
    None of too few poses to tell."""


class OverTime(msgspec.Struct, frozen=True, kw_only=True):
    """Exposure to pose over the session."""

    windows: tuple[Window, ...]
    trend: Trend | None
    """None of a session too short to have a beginning and an end."""


class CameraLoop(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a camera's frames."""

    camera: str
    frames: int
    """Recorded ones."""
    poses: int
    skipped: int
    """Recorded frames that were never looked at: a newer one was there."""
    skipped_fraction: float
    most_skipped: int
    """In a row."""
    stages: dict[str, StageTimes]
    over_time: OverTime | None = None
    """None without poses."""


class RuleLoop(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a rule's decisions."""

    rule: str
    camera: str
    fired: int
    edges: int
    """Fired decisions whose edge came back."""
    outcomes: dict[str, int]
    """Decisions by what was decided; all but fired and sham are suppressed fires."""
    commands: dict[str, int]
    """Fired decisions by what the board, or the node before it, did with them."""
    stages: dict[str, StageTimes]
    """Of the decisions whose edge came back; empty of none."""

    @property
    def late(self) -> int:
        """Edges of which nothing was heard until their command had timed out."""
        return self.commands.get("done_late", 0)

    @property
    def suppressed(self) -> dict[str, int]:
        """Fires that did not happen, by cause, those at the board included."""
        kept = {"fired", "sham"}
        found = {name: n for name, n in self.outcomes.items() if name not in kept}
        for name, n in self.commands.items():
            if name not in DELIVERED:
                found[name] = found.get(name, 0) + n
        return found


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of the budget, held against one camera or rule."""

    subject: str
    """``camera left`` or ``rule take_off``."""
    stage: str
    figure: str
    limit_ms: float
    found_ms: float
    count: int
    over: bool
    """Whether more times are beyond the limit than the figure allows; of fewer than a
    hundred, one may be."""


class LoopLatency(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a session's loop, from light to edge."""

    session_id: str
    clocks: Literal["aligned", "live"]
    """Whether exposures and edges are mapped by ``derived/aligned.h5``, or as they were
    live."""
    cameras: tuple[CameraLoop, ...]
    rules: tuple[RuleLoop, ...]
    budget: tuple[Judged, ...] = ()
    breaches: tuple[str, ...] = ()
    """What was said live of the budget."""
    remarks: tuple[str, ...] = ()
    """What else is to be known: what there is none of, and why."""

    @property
    def over(self) -> tuple[Judged, ...]:
        """The limits that are broken."""
        return tuple(judged for judged in self.budget if judged.over)

    def to_json(self) -> str:
        """Return the figures as JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()
