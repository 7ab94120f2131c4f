"""What `recover` found and did: for people, first the sentence they look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rig.messages import StreamKind
from rig.recording.recovery.reckoning import (
    cut_of,
    in_memory_of,
    last_known_ns,
    was_restarted,
)
from rig.recording.sidecar import Verdict
from rig.recording.verification import named_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rig.recording.inspection import Inspection
    from rig.recording.ledger import Ledger
    from rig.recording.reader import Recording
    from rig.recording.recovery.plan import Plan
    from rig.recording.recovery.wreck import StreamWreck

__all__ = [
    "RecoveryReport",
    "StreamRecovery",
    "headline",
    "report_of",
    "report_of_folded",
]

_NAMED = 3
"""Streams that the first line names; the table has all."""
_UNITS: dict[StreamKind, tuple[str, str]] = {
    "samples": ("block of samples", "blocks of samples"),
    "clocks": ("clock model", "clock models"),
    "points": ("moment in space", "moments in space"),
    "features": ("value of a feature", "values of features"),
    "losses": ("note of a loss", "notes of losses"),
    "node_events": ("node event", "node events"),
}
"""Names of one and of many, where they are not simply the kind's."""


class StreamRecovery(msgspec.Struct, frozen=True, kw_only=True):
    """One stream, after the recovery."""

    kind: StreamKind
    rows: int
    """Committed rows that the session has now."""
    salvaged: int = 0
    """Of these, rows that were only in memory before."""
    in_memory: int = 0
    """Rows that are in memory only, still."""
    cut: int = 0
    """Rows that were committed and are not kept."""
    cut_ms: float | None = None
    """How long these took, by the nominal rate; None for a stream without one."""
    left_out: int = 0
    """Rows that the segments hold and the session does not show."""
    lost: int = 0
    """All that the ledger lists as missing: frames, samples, events."""
    lost_ms: float | None = None
    """How long these took; None where nobody can tell."""
    ends_before_ms: float | None = None
    """How long before the last known instant of the session its last row is; None
    where there is no row."""
    compared: int = 0
    """Rows that were compared with their checksums."""
    wrong: list[int] = []
    """Rows that are kept, and are not what was recorded."""


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a session, and what was done to it."""

    session_id: str
    folder: str
    dry_run: bool
    changed: bool
    """Whether anything was changed, or would be, in a dry run."""
    restarted: bool | None
    """Whether the computer was restarted since the recording began: then its memory
    is gone, and so is what was not on the disk. None where nobody can tell."""
    headline: str
    """What is lost of what was recorded, in a sentence."""
    ended: str
    """How the session ended."""
    done: list[str]
    """Each thing that was done, or would be."""
    findings: list[str]
    """What a person must know."""
    streams: dict[str, StreamRecovery]
    verdict: Verdict
    reason: str
    """The verdict in a sentence."""


def report_of(
    plan: Plan, done: Sequence[str], *, dry_run: bool, memory_waits: bool = False
) -> RecoveryReport:
    """Return the report of a recovery.

    Parameters
    ----------
    done
        What was done, each in a sentence.
    memory_waits
        Whether rows are in memory still: nothing is said of what they may explain.
    """
    streams = {
        name: _stream(plan, stream, memory_waits=memory_waits)
        for name, stream in plan.wreck.streams.items()
    }
    wrong = [f"{len(s.wrong)} of {name}" for name, s in streams.items() if s.wrong]
    causes = sorted({cause for _, cause in cut_of(plan.ledger).values()})
    reason = plan.inspection.reason
    if wrong:
        reason = f"rows are not what was recorded: {', '.join(wrong)}; {reason}"
    return RecoveryReport(
        session_id=plan.info.session_id,
        folder=str(plan.wreck.folder),
        dry_run=dry_run,
        changed=bool(done),
        restarted=was_restarted(plan.wreck),
        headline=headline(streams, "; ".join(causes)),
        ended=plan.ledger.ended,
        done=list(done),
        findings=list(_findings(plan, streams, memory_waits=memory_waits)),
        streams=streams,
        verdict="FAIL" if wrong else plan.inspection.verdict,
        reason=reason,
    )


def report_of_folded(
    recording: Recording, inspection: Inspection, *, dry_run: bool
) -> RecoveryReport:
    """Return the report on a session that was only looked at."""
    streams = {
        name: StreamRecovery(
            kind=recording.streams[name].kind,
            rows=stream.rows,
            compared=stream.verified,
            lost=inspection.ledger.streams[name].lost,
            lost_ms=_lost_ms(inspection.ledger, name),
        )
        for name, stream in inspection.streams.items()
    }
    return RecoveryReport(
        session_id=inspection.session_id,
        folder=str(recording.folder),
        dry_run=dry_run,
        changed=False,
        restarted=None,
        headline=headline(streams, ""),
        ended=inspection.ledger.ended,
        done=[],
        findings=[
            "the session is folded into one file: it was only looked at",
            *_told(inspection),
        ],
        streams=streams,
        verdict=inspection.verdict,
        reason=inspection.reason,
    )


def headline(streams: Mapping[str, StreamRecovery], cause: str) -> str:
    """Return what is lost of what was recorded, in a sentence.

    Examples
    --------
    >>> left = StreamRecovery(kind="frames", rows=5, cut=2, cut_ms=10.0)
    >>> headline({"cameras/left": left}, "not on the disk")
    'Lost: 2 frames (10 ms) of cameras/left, not on the disk'
    >>> headline({}, "")
    'Nothing that was recorded is lost'
    """
    cut = {name: stream for name, stream in streams.items() if stream.cut}
    if not cut:
        return "Nothing that was recorded is lost"
    named = [
        f"{_amount(cut[name].kind, cut[name].cut, cut[name].cut_ms)} of {name}"
        for name in sorted(cut, key=lambda name: _weight(cut[name]), reverse=True)
    ]
    if len(named) > _NAMED:
        named[_NAMED:] = [f"and some of {len(named) - _NAMED} more streams"]
    return f"Lost: {', '.join(named)}, {cause}"


def _stream(plan: Plan, stream: StreamWreck, *, memory_waits: bool) -> StreamRecovery:
    name, rate_hz = stream.layout.name, stream.layout.spec.rate_hz
    kept, recovered = plan.kept[name], plan.ledger.recovered
    cut, _ = cut_of(plan.ledger).get(name, (0, ""))
    lost, lost_ms = plan.ledger.streams[name].lost, _lost_ms(plan.ledger, name)
    if memory_waits and (waiting := in_memory_of(plan.ledger).get(name, 0)):
        lost -= waiting * stream.layout.units_per_row
        lost_ms = None
    ends_ms = None
    if kept.rows:
        last_ns = last_known_ns(plan.wreck, plan.kept)
        ends_ms = (last_ns - int(stream.host_ns[kept.rows - 1])) / 1e6
    return StreamRecovery(
        kind=stream.layout.spec.kind,
        rows=kept.rows,
        cut=cut,
        cut_ms=1e3 * cut / rate_hz if cut and rate_hz else None,
        left_out=recovered.left_out.get(name, 0) if recovered is not None else 0,
        lost=lost,
        lost_ms=lost_ms,
        ends_before_ms=ends_ms,
        compared=kept.compared,
        wrong=list(kept.wrong),
    )


def _lost_ms(ledger: Ledger, name: str) -> float | None:
    known = [
        missing.duration_ms
        for missing in ledger.streams[name].missing
        if missing.duration_ms is not None
    ]
    return sum(known) if known else None


def _findings(
    plan: Plan, streams: Mapping[str, StreamRecovery], *, memory_waits: bool
) -> Iterator[str]:
    wreck = plan.wreck
    if wreck.file is None:
        yield f"session.h5 was {wreck.file_fault}: the segments told what it showed"
    if wreck.info_fault:
        yield (
            f"session.json was {wreck.info_fault}: the three configs that it held are "
            "not known"
        )
    for name in wreck.strange:
        yield f"{name}: nobody can say what stream it is of; it was left out"
    for name, stream in streams.items():
        if stream.left_out:
            yield f"{name}: {stream.left_out:,} rows behind its end stay in segments/"
        if stream.wrong:
            yield f"{name}: {named_rows(stream.wrong)}"
    yield from _told(plan.inspection, memory_waits=memory_waits)


def _told(inspection: Inspection, *, memory_waits: bool = False) -> Iterator[str]:
    for finding in inspection.findings:
        if memory_waits and finding.severity == "WARN":
            continue
        where = f"{finding.stream}: " if finding.stream else ""
        yield f"{where}{finding.text}"


def _amount(kind: StreamKind, count: int, duration_ms: float | None) -> str:
    one, many = _UNITS.get(kind, (kind.removesuffix("s"), kind))
    duration = "" if duration_ms is None else f" ({duration_ms:,.0f} ms)"
    return f"{count:,} {one if count == 1 else many}{duration}"


def _weight(stream: StreamRecovery) -> tuple[bool, float]:
    return stream.cut_ms is not None, stream.cut_ms or stream.cut
