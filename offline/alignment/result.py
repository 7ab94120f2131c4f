"""What an alignment says: times with errors, the evidence for them, and a verdict.

`Alignment` is the answer of one run. Its figures become JSON as they stand; the arrays
behind them (`Evidence`, the streams' times) go to `aligned.h5` and into the pictures
of the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = [
    "NO_TIME",
    "AlignedStream",
    "Alignment",
    "Candidate",
    "Cue",
    "Evidence",
    "Finding",
    "Latency",
    "Level",
    "LostRun",
    "RelationSummary",
    "StreamSummary",
    "worst",
]

NO_TIME = int(np.iinfo(np.int64).min)
"""Time of an element that has none, such as a command that made no edge."""

Level = Literal["PASS", "WARN", "FAIL"]
_RANK: dict[Level, int] = {"PASS": 0, "WARN": 1, "FAIL": 2}

How = Literal["sync_line", "pulses", "triggers", "exposures", "exchanges", "online"]
"""What two clocks were brought together by: a sync line with barcodes; pulses that
both have seen; triggers and the frames they made; a camera's exposure line; questions
and answers between host and device; the map that ran live, where nothing else is."""


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of some levels; PASS of none."""
    found: Level = "PASS"
    for level in levels:
        if _RANK[level] > _RANK[found]:
            found = level
    return found


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check: what was looked at, what was found, and what it means."""

    check: str
    """Name of the limit in the rig file's `alignment`, such as ``drift_ppm``."""
    subject: str
    """Stream (``cameras/left``) or relation (``scope - daq``) it is about."""
    level: Level
    value: float | None
    """What was measured, in the unit that the check's name ends in; None where there
    was nothing to measure."""
    words: str
    """In one sentence for a person: what is, what was expected, what to do."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One alignment that was weighed, slid by whole pulses against the best one."""

    shift_pulses: int
    shift_ns: int
    matched: int
    residual_ns: float
    z: float
    ratio: float


class RelationSummary(msgspec.Struct, frozen=True, kw_only=True):
    """How two clocks were brought together, in figures."""

    source: str
    """The clock that was mapped, by its device; ``host`` is the computer's."""
    target: str
    """The clock that it was mapped to, one step nearer to the session's."""
    how: How
    verdict: Literal["unique", "ambiguous", "no_match"]
    reason: str
    pulses: int
    """Pairs that the model was fitted to."""
    source_only: int
    """Pulses that only the source has, within the stretch that both cover."""
    target_only: int
    segments: int
    """1, and one more for each time that one of the clocks began anew or leapt."""
    residual_ns: float
    """Robust standard deviation of the pairs about the model."""
    jitter_ns: float
    """Standard deviation of a pair's jitter, as the model was fitted with it."""
    nis: float
    """Mean of squared innovations over what was expected; about 1."""
    drift_ppm: float
    """How much faster the target clock runs, in the mean."""
    drift_change_ppm_per_h: float
    """Largest change of that within an hour, from the fit (slope of ppm(t))."""
    constant_sd_ns: float
    """What pairs cannot show: half a round trip, as a standard deviation; 0 if none."""
    sd_ns: float
    """Median standard deviation of the model within the pulses, with the constant."""
    worst_sd_ns: float
    """Of the worst minute."""
    longest_gap_s: float
    """Longest time without a pair."""
    held_out: int
    """Pulses that were left out to be predicted."""
    held_out_rms_ns: float | None
    held_out_coverage: float | None
    """Share of them within their 95 % band."""
    candidates: tuple[Candidate, ...] = ()
    z: float = 0.0
    ratio: float = 0.0
    primary: bool = True
    """False for a second way between clocks that are joined already: a check."""
    disagreement_ns: float | None = None
    """Of a second way: median of its difference from the first one."""

    @property
    def subject(self) -> str:
        """What findings about it are filed under."""
        ends = f"{self.source} - {self.target}"
        second = not self.primary and self.pulses > 0
        return f"{ends} by {self.how.replace('_', ' ')}" if second else ends


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The pairs behind a relation. Times are in s of the session (n,), errors in ns."""

    source_ns: NDArray[np.int64]
    """Of the pairs, as the source clock stamped them, (n,)."""
    target_ns: NDArray[np.int64]
    """The same on the target clock, (n,)."""
    time_s: NDArray[np.float64]
    """Session time of the pairs, (n,)."""
    residual_ns: NDArray[np.float64]
    """Target minus model, (n,)."""
    sd_ns: NDArray[np.float64]
    """Of the model there, (n,)."""
    ppm: NDArray[np.float64]
    """How much faster the target clock runs there, (n,)."""
    source_only_s: NDArray[np.float64]
    """Session times of pulses that only the source has."""
    target_only_s: NDArray[np.float64]
    held_out_s: NDArray[np.float64]
    """Session times of the pulses that were left out, (m,)."""
    held_out_error_ns: NDArray[np.float64]
    held_out_band_ns: NDArray[np.float64]
    """Half of the band that should hold 95 % of them, (m,)."""


class LostRun(msgspec.Struct, frozen=True, kw_only=True):
    """Elements that follow one another and are not in the recording."""

    first_id: int
    """Frame ID or device's sample number of the first one."""
    count: int
    time_s: float
    """Session time of the first one."""
    cause: str
    """As the recording tells; empty where it does not."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The constant delay that was taken off a stream's times."""

    stream: str
    delay_ns: float
    sd_ns: float
    count: int
    """Pulses it was measured with."""
    method: str
    """``LED``, ``wire`` …"""
    made_utc: str
    rig_matches: bool
    """Whether the rig file is still what it was when this was measured."""


class StreamSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One stream in figures."""

    stream: str
    kind: str
    clock: str
    """The clock that stamped it."""
    path: tuple[str, ...]
    """Clocks from that one to the session's, both included."""
    level: Level
    sentence: str
    """``camera left: frames known to ± 12 µs (95 %), 7 lost, alignment unique``."""
    recorded: int
    lost: int
    rate_hz: float | None
    sd_ns: float
    """Median standard deviation of an element's time."""
    worst_sd_ns: float
    """The same of the worst minute."""
    first_s: float
    """Session time of the first element; NaN of none."""
    last_s: float
    unique: bool
    """Whether no relation on the path is ambiguous."""
    losses: tuple[LostRun, ...] = ()
    latency: Latency | None = None


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """An independent look: an LED against its line, motion against force."""

    name: Literal["led", "motion"]
    stream: str
    """The camera that was looked at."""
    against: str
    """The line (``events/daq sync``) or signal it was compared with."""
    level: Level
    words: str
    offset_ns: float | None
    """Cue minus line, median; None where the cue did not tell."""
    sd_ns: float | None
    """Of one event."""
    offset_frames: float | None
    events: int
    shift_frames: int | None
    """Whole frames by which the camera seems to be off; 0 when right."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedStream:
    """The session times of one stream's elements."""

    name: str
    time_ns: NDArray[np.int64]
    """(n,) ns since the session's start on its reference clock; `NO_TIME` of none."""
    sd_ns: NDArray[np.float32]
    """(n,) standard deviations; NaN where there is no time."""
    row: NDArray[np.int64] | None = None
    """(n,) which recorded frame each is, -1 for a lost one; None: all are recorded."""
    frame_id: NDArray[np.int64] | None = None
    """(n,) of frames."""


class Alignment(msgspec.Struct, frozen=True, kw_only=True):
    """A session, or a set of files, on one clock."""

    source: str
    """Session ID, or the names of the files."""
    started_utc: str | None
    made_utc: str
    reference: str
    """The clock that the session's time is counted on."""
    origin_ns: int
    """What that clock showed at session time 0."""
    level: Level
    sentence: str
    """The verdict in one sentence, of the stream that is known least."""
    findings: tuple[Finding, ...]
    relations: tuple[RelationSummary, ...]
    streams: tuple[StreamSummary, ...]
    cues: tuple[Cue, ...] = ()
    counts: dict[str, dict[str, int]] = {}
    """Raw counts, by stream: what the page's last table shows."""
    sha256: dict[str, str] = {}
    """Of the files that were read."""
    versions: dict[str, str] = {}

    def to_json(self) -> str:
        """Return the figures as JSON; what is not a number becomes null."""
        return msgspec.json.format(
            msgspec.json.encode(_finite(self)), indent=2
        ).decode()


def _finite(value: Any) -> Any:
    plain = msgspec.to_builtins(value)
    return _without_nan(plain)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
