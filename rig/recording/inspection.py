"""Does a session hold together? Everything is asked of the files anew.

The ledger says whether everything is accounted for; the questions here say
whether the files mean what the ledger counts: rows without holes, stamps that
do not run backwards, numbers that refer to rows that are there, bytes that can
be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from rig.recording.count import ledger_from_recording
from rig.recording.extents import (
    committed_extent,
    committed_prefix,
    segment_fault,
    segment_paths,
)
from rig.recording.ledger import Ledger, StreamLedger
from rig.recording.links import link_faults
from rig.recording.notes import Note, is_note, notes_of
from rig.recording.outcomes import RuleOutcomes, outcomes_of
from rig.recording.sidecar import SessionState, Verdict
from rig.recording.verification import named_rows, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from rig.recording.layout import StreamLayout
    from rig.recording.reader import Recording

__all__ = [
    "Finding",
    "Inspection",
    "StreamInspection",
    "bytes_to_compare",
    "inspect_recording",
]

_SAMPLED = 32
"""Rows of a stream that a quick look compares, spread over it; the last one always."""


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it must be."""

    severity: Verdict
    stream: str
    text: str


class StreamInspection(msgspec.Struct, frozen=True):
    """One stream, as it was found."""

    rows: int
    segments: int
    verified: int
    """Rows that were compared, payload and all, with their checksums."""


class Inspection(msgspec.Struct, frozen=True):
    """A session, as it was found."""

    session_id: str
    state: SessionState
    verdict: Verdict
    reason: str
    """The verdict in a sentence."""
    findings: list[Finding]
    streams: dict[str, StreamInspection]
    ledger: Ledger
    """Added up anew."""
    outcomes: dict[str, RuleOutcomes] = {}
    """What became of the decisions, by rule."""
    notes: list[Note] = []
    """What was noted while it was recorded, in order of time."""


def inspect_recording(
    recording: Recording,
    *,
    quick: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> Inspection:
    """Ask everything of a session.

    Parameters
    ----------
    quick
        Whether to compare some payloads only with their checksums, spread over the
        session, not all.
    told
        Is told of each further byte that was compared, out of `bytes_to_compare`.

    Returns
    -------
    Inspection
        Its verdict is the worst of the ledger's and of what was found.
    """
    damaged = [
        Finding("FAIL", name, fault)
        for name, layout in recording.layouts.items()
        for fault in _segments(recording, layout)
        if not recording.folded
    ]
    info = recording.info
    if damaged:
        ledger = _unreadable(recording)
        verdict, reason = _judge(damaged, ledger)
        return Inspection(
            info.session_id, info.state, verdict, reason, damaged, {}, ledger
        )
    findings = list(_damage(recording))
    streams: dict[str, StreamInspection] = {}
    for name, layout in recording.layouts.items():
        verified, wrong = _verify(recording, layout, quick=quick, told=told)
        streams[name], found = _inspect_stream(recording, layout, verified)
        findings += [Finding("FAIL", name, fault) for fault in wrong]
        findings += found
    ledger = ledger_from_recording(recording)
    findings += _ledger_findings(recording, ledger)
    findings += [Finding(*fault) for fault in link_faults(recording, ledger)]
    verdict, reason = _judge(findings, ledger)
    return Inspection(
        info.session_id,
        info.state,
        verdict,
        reason,
        findings,
        streams,
        ledger,
        outcomes_of(recording),
        notes_of(recording),
    )


def _unreadable(recording: Recording) -> Ledger:
    if recording.ledger is not None:
        return Ledger.from_json(recording.ledger)
    return Ledger(
        verdict="FAIL",
        reason="the files are damaged",
        closes=False,
        ended="unknown",
        streams={},
    )


def _judge(findings: list[Finding], ledger: Ledger) -> tuple[Verdict, str]:
    severities = {ledger.verdict, *(finding.severity for finding in findings)}
    worst = [finding for finding in findings if finding.severity == "FAIL"] or findings
    if not worst:
        return ledger.verdict, ledger.reason
    count = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    stream = f"{worst[0].stream}: " if worst[0].stream else ""
    text = f"{stream}{worst[0].text}{count}"
    if ledger.verdict != "PASS":
        text = f"{ledger.reason}; {text}"
    return ("FAIL" if "FAIL" in severities else "WARN"), text


def _ledger_findings(recording: Recording, ledger: Ledger) -> Iterator[Finding]:
    if recording.ledger is None:
        yield Finding(
            "FAIL",
            "",
            "the session was not closed: it is being recorded, or its end was cut "
            "off; springhare recover closes it",
        )
        return
    old = Ledger.from_json(recording.ledger)
    for name, stream in ledger.streams.items():
        told = old.streams.get(name, StreamLedger(published=0, recorded=0))
        # what was counted; how it is added up may change from version to version
        if (told.recorded, told.lost) != (stream.recorded, stream.lost):
            yield Finding(
                "FAIL", name, "the ledger in the file does not agree with the rows"
            )
    info = recording.info
    if info.verdict != old.verdict:
        yield Finding(
            "WARN",
            "",
            f"the sidecar says {info.verdict or 'nothing'}, the ledger {old.verdict}",
        )


def _inspect_stream(
    recording: Recording, layout: StreamLayout, verified: int
) -> tuple[StreamInspection, list[Finding]]:
    name = layout.name
    findings: list[Finding] = []
    rows = recording.raw_rows(name)
    filled = committed_prefix(rows["host_ns"])
    closed = recording.ledger is not None
    held = len(rows)
    if not recording.folded and name not in recording.recovered.cut:
        held = committed_extent(recording.folder, layout).rows
    if (rows["host_ns"][filled:] != 0).any():
        findings.append(Finding("FAIL", name, f"a hole among the rows, at {filled}"))
    elif closed and not filled == len(rows) == held:
        text = f"session.h5 shows {filled} rows, the segments hold {held}"
        findings.append(Finding("FAIL", name, text))
    rows = rows[:filled]
    findings += [
        Finding("FAIL", name, fault)
        for fault in (*_stamps(layout, rows), *_blocks(layout, rows))
    ]
    segments = len(segment_paths(recording.folder, layout))
    return StreamInspection(filled, segments, verified), findings


def _segments(recording: Recording, layout: StreamLayout) -> Iterator[str]:
    paths = segment_paths(recording.folder, layout)
    if layout.name in recording.recovered.cut:
        rows, per_segment = recording.count(layout.name), layout.rows_per_segment
        paths = paths[: -(-rows // per_segment)]
    for path in paths:
        if fault := segment_fault(path, layout):
            yield fault


def _damage(recording: Recording) -> Iterator[Finding]:
    """Yield what `recover` found to be damaged, and left out."""
    for name, text in recording.recovered.damage.items():
        yield Finding("FAIL", name, text)


def _stamps(layout: StreamLayout, rows: NDArray[np.void]) -> Iterator[str]:
    every = timed = np.arange(len(rows))
    if layout.spec.kind == "node_events":
        timed = np.flatnonzero(~is_note(rows))  # a note stands at when it was begun
    for field, least, asked in (("seq", 1, every), ("host_ns", 0, timed)):
        steps = np.diff(rows[field][asked])
        if (steps < least).any():
            at = int(asked[int(np.argmax(steps < least)) + 1])
            yield f"{field} runs backwards at row {at}"


def _blocks(layout: StreamLayout, rows: NDArray[np.void]) -> Iterator[str]:
    if layout.spec.kind != "samples" or not len(rows):
        return
    expected = np.cumsum(rows["count"]) - rows["count"]
    if (rows["first_sample"] != expected).any():
        at = int(np.argmax(rows["first_sample"] != expected))
        yield f"first_sample does not go on where the last block ended, at row {at}"


def bytes_to_compare(recording: Recording) -> int:
    """Return what `inspect_recording` compares, if it is not to be quick."""
    return sum(
        recording.count(name) * layout.row_bytes
        for name, layout in recording.layouts.items()
    )


def _verify(
    recording: Recording,
    layout: StreamLayout,
    *,
    quick: bool,
    told: Callable[[int], None],
) -> tuple[int, list[str]]:
    total, done = recording.count(layout.name), 0
    wrong: list[int] = []
    try:
        for start, stop in _spread(total) if quick else [(0, total)]:
            for compared, bad in verify(recording, layout.name, start, stop):
                done += compared
                wrong += bad.tolist()
                told(compared * layout.row_bytes)
    except OSError as error:
        return done, [f"the rows after {done} cannot be read: {error}"]
    if not wrong:
        return done, []
    return done, [named_rows(wrong)]


def _spread(total: int) -> Iterable[tuple[int, int]]:
    places = np.linspace(0, total - 1, min(total, _SAMPLED)).astype(np.int64)
    return [(at, at + 1) for at in places.tolist()]
