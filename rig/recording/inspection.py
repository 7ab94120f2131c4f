"""Does a session hold together? Everything is asked of the files anew.

The ledger says whether everything is accounted for; the questions here say
whether the files mean what the ledger counts: rows without holes, stamps that
do not run backwards, numbers that refer to rows that are there, bytes that can
be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import msgspec
import numpy as np

from rig.recording.count import ledger_from_recording
from rig.recording.extents import committed_extent, committed_prefix, segment_paths
from rig.recording.ledger import Ledger, StreamLedger
from rig.recording.links import link_faults
from rig.recording.sidecar import SessionState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rig.recording.layout import StreamLayout
    from rig.recording.reader import Recording

__all__ = ["Finding", "Inspection", "StreamInspection", "inspect_recording"]

_SAMPLED = 32
"""Payloads of a stream that are read, spread over it; the last one always."""

_h5: Any = h5py


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it must be."""

    severity: Verdict
    stream: str
    text: str


class StreamInspection(msgspec.Struct, frozen=True):
    """One stream, as it was found."""

    rows: int
    segments: int
    payload_read: int
    """Payloads that were read."""


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


def inspect_recording(recording: Recording) -> Inspection:
    """Ask everything of a session.

    Returns
    -------
    Inspection
        Its verdict is the worst of the ledger's and of what was found.
    """
    damaged = [
        Finding("FAIL", name, fault)
        for name, layout in recording.layouts.items()
        for fault in _segments(recording, layout)
    ]
    info = recording.info
    if damaged:
        ledger = _unreadable(recording)
        verdict, reason = _judge(damaged, ledger)
        return Inspection(
            info.session_id, info.state, verdict, reason, damaged, {}, ledger
        )
    findings: list[Finding] = []
    streams: dict[str, StreamInspection] = {}
    for name, layout in recording.layouts.items():
        streams[name], found = _inspect_stream(recording, layout)
        findings += found
    ledger = ledger_from_recording(recording)
    findings += _ledger_findings(recording, ledger)
    findings += [Finding(*fault) for fault in link_faults(recording, ledger)]
    verdict, reason = _judge(findings, ledger)
    return Inspection(
        info.session_id, info.state, verdict, reason, findings, streams, ledger
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
            "off; the next session salvages what is still in memory",
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
    recording: Recording, layout: StreamLayout
) -> tuple[StreamInspection, list[Finding]]:
    name = layout.name
    findings: list[Finding] = []
    rows = recording.raw_rows(name)
    filled = committed_prefix(rows["host_ns"])
    closed = recording.ledger is not None
    extent = committed_extent(recording.folder, layout)
    if (rows["host_ns"][filled:] != 0).any():
        findings.append(Finding("FAIL", name, f"a hole among the rows, at {filled}"))
    elif closed and not filled == len(rows) == extent.rows:
        text = f"session.h5 shows {filled} rows, the segments hold {extent.rows}"
        findings.append(Finding("FAIL", name, text))
    rows = rows[:filled]
    findings += [
        Finding("FAIL", name, fault)
        for fault in (*_stamps(rows), *_blocks(layout, rows))
    ]
    read, faults = _read_some(recording, layout)
    findings += [Finding("FAIL", name, fault) for fault in faults]
    segments = len(segment_paths(recording.folder, layout))
    return StreamInspection(filled, segments, read), findings


def _segments(recording: Recording, layout: StreamLayout) -> Iterator[str]:
    for path in segment_paths(recording.folder, layout):
        try:
            with _h5.File(path, "r") as file:
                for dataset in layout.datasets:
                    found = file[dataset.segment_name]
                    shape = (dataset.entries_per_segment, *dataset.entry_shape)
                    end = found.id.get_offset() + dataset.nbytes
                    if found.shape != shape or found.dtype != dataset.dtype:
                        yield f"{path.name}: {dataset.segment_name} has another layout"
                    elif end > path.stat().st_size:
                        yield f"{path.name} was cut off"
        except (OSError, KeyError) as error:
            yield f"{path.name} cannot be read: {error}"


def _stamps(rows: NDArray[np.void]) -> Iterator[str]:
    for field, least in (("seq", 1), ("host_ns", 0)):
        steps = np.diff(rows[field])
        if (steps < least).any():
            at = int(np.argmax(steps < least)) + 1
            yield f"{field} runs backwards at row {at}"


def _blocks(layout: StreamLayout, rows: NDArray[np.void]) -> Iterator[str]:
    if layout.spec.kind != "samples" or not len(rows):
        return
    expected = np.cumsum(rows["count"]) - rows["count"]
    if (rows["first_sample"] != expected).any():
        at = int(np.argmax(rows["first_sample"] != expected))
        yield f"first_sample does not go on where the last block ended, at row {at}"


def _read_some(recording: Recording, layout: StreamLayout) -> tuple[int, list[str]]:
    if layout.payload is None:
        return 0, []
    total = recording.payload_count(layout.name)
    places = np.unique(np.linspace(0, total - 1, _SAMPLED).astype(np.int64))
    read = 0
    for at in places[places >= 0].tolist():
        try:
            payload = recording.payload(layout.name, at, at + 1)
        except OSError as error:
            return read, [f"the payload at {at} cannot be read: {error}"]
        if len(payload) != 1:
            return read, [f"the payload at {at} is not there"]
        read += 1
    return read, []
