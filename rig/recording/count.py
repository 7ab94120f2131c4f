"""What a session's own rows say about what was recorded and what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from rig.messages import EDGE_RISING, Loss, from_row
from rig.recording.balance import Numbers, SessionCount, StreamCount, build_ledger
from rig.recording.gaps import gaps_of
from rig.recording.latency import latencies
from rig.recording.ledger import STOPPED, Ledger
from rig.recording.outcomes import TIMEOUT, settled
from rig.recording.remarks import read_remarks
from rig.recording.stamps import late_stamps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rig.config.rig import LedgerLimits
    from rig.messages import StreamKind
    from rig.recording.reader import Recording

__all__ = [
    "count_recording",
    "device_numbers",
    "ledger_from_recording",
    "limits_of",
    "numbers_of",
    "triggers_of",
    "with_writers",
]

_NUMBER: dict[StreamKind, str] = {
    "frames": "frame_id",
    "samples": "device_sample",
    "events": "device_seq",
}
"""Field that holds the device's own number."""


def count_recording(recording: Recording) -> SessionCount:
    """Count what is committed in a session.

    As published counts what is known without the rings: the last recorded
    number, the recorder's losses after it included.
    """
    losses = [
        from_row(Loss, row)
        for name, spec in recording.streams.items()
        if spec.kind == "losses"
        for row in recording.rows(name)
    ]
    info = recording.info
    rig = info.configs.rig
    lines = _trigger_lines(rig)
    streams = {
        name: _count(recording, name, losses, lines.get(name), info.started_host_ns)
        for name in recording.streams
    }
    answers, timed_out, answered_late = None, 0, 0
    if "acknowledgements" in streams:
        rows = recording.rows("acknowledgements")
        standing = settled(rows)
        answers = standing["decision_id"].tolist()
        timed_out = int((rows["status"] == TIMEOUT).sum())
        answered_late = len(rows) - len(standing)
    fired: list[int] = []
    if "decisions" in streams:
        rows = recording.rows("decisions")
        fired = rows["decision_id"][rows["outcome"] == b"fired"].tolist()
    return SessionCount(
        streams=streams,
        started_host_ns=info.started_host_ns,
        losses=losses,
        fired=fired,
        acknowledged=answers,
        timed_out=timed_out,
        answered_late=answered_late,
        triggers=triggers_of(rig),
        remarks=[*read_remarks(recording, losses), *late_stamps(recording)],
        latency=latencies(recording),
    )


def with_writers(
    count: SessionCount,
    published: Mapping[str, int],
    counters: Mapping[str, Mapping[str, int]],
    *,
    died: Mapping[str, str] | None = None,
    ended: str = STOPPED,
) -> SessionCount:
    """Return a count that also knows what the writers said.

    Parameters
    ----------
    published
        Head of each stream's ring, by stream.
    counters
        Counters in its header, by stream.
    died
        Why a node died, by name.
    ended
        How the session ended.
    """
    streams = {
        name: replace(
            stream,
            published=published.get(name, stream.published),
            counters=counters.get(name, {}),
        )
        for name, stream in count.streams.items()
    }
    return replace(count, streams=streams, died=died or {}, ended=ended)


def ledger_from_recording(
    recording: Recording, limits: LedgerLimits | None = None
) -> Ledger:
    """Add a session up anew, from its rows and what its own ledger says of writers."""
    count = count_recording(recording)
    if recording.ledger is not None:
        old = Ledger.from_json(recording.ledger)
        count = with_writers(
            count,
            {name: stream.published for name, stream in old.streams.items()},
            {name: stream.counters for name, stream in old.streams.items()},
            died=old.died,
            ended=old.ended,
        )
        more = [remark for remark in old.remarks if remark not in count.remarks]
        count = replace(count, remarks=[*count.remarks, *more], recovered=old.recovered)
    return build_ledger(count, limits or limits_of(recording))


def limits_of(recording: Recording) -> LedgerLimits:
    """Return the limits that the session's rig file sets."""
    # here, so that a recorder that must be back at once does not wait for pydantic
    from rig.config.rig import LedgerLimits

    found: Any = recording.info.configs.rig.get("ledger")
    return LedgerLimits() if found is None else LedgerLimits.model_validate(found)


def numbers_of(
    rows: NDArray[np.void], kind: StreamKind, per_row: int
) -> Numbers | None:
    """Return what the device's own numbers say.

    Parameters
    ----------
    rows
        (n,) committed rows of the stream.
    kind
        What it carries.
    per_row
        Elements in a row.

    Returns
    -------
    Numbers or None
        None where there are none, or where they run backwards.
    """
    numbered = device_numbers(rows, kind)
    if numbered is None:
        return None
    numbers, counts = numbered
    ends = numbers + counts
    holes = numbers[1:] - ends[:-1]
    if (holes < 0).any():
        return None
    unrecorded = (np.diff(rows["seq"]) - 1) * per_row
    by_recorder = np.minimum(holes, unrecorded)
    return Numbers(
        spanned=int(ends[-1] - numbers[0]),
        present=int(counts.sum()),
        by_recorder=int(by_recorder.sum()),
    )


def device_numbers(
    rows: NDArray[np.void], kind: StreamKind
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the device's own number of each row's first element, and how many follow.

    None where the device does not number.
    """
    field = _NUMBER.get(kind)
    if field is None or not len(rows):
        return None
    counts = rows["count"] if kind == "samples" else np.ones(len(rows), np.int64)
    return rows[field], counts


def _count(
    recording: Recording,
    name: str,
    losses: Sequence[Loss],
    trigger_line: str | None,
    started_host_ns: int,
) -> StreamCount:
    layout = recording.layouts[name]
    kind = layout.spec.kind
    rows = recording.rows(name)
    mine = [loss for loss in losses if loss.stream == name]
    ends = [loss.first_id + loss.count for loss in mine if loss.stage == "recorder"]
    last = int(rows["seq"][-1]) + 1 if len(rows) else 0
    triggers = None
    if trigger_line is not None:
        asked = (rows["line"] == trigger_line.encode()) & (rows["edge"] == EDGE_RISING)
        triggers = int(asked.sum())
    host_ns, ones = rows["host_ns"], np.ones(len(rows), np.int64)
    numbered = device_numbers(rows, kind)
    return StreamCount(
        kind=kind,
        node=layout.spec.node,
        published=max([last, *ends]),
        recorded=len(rows),
        per_row=layout.units_per_row,
        numbers=numbers_of(rows, kind, layout.units_per_row),
        triggers=triggers,
        rate_hz=layout.spec.rate_hz,
        gaps=gaps_of(rows["seq"], ones, host_ns, started_host_ns, 0),
        number_gaps=gaps_of(*numbered, host_ns, started_host_ns) if numbered else (),
    )


def triggers_of(rig: Mapping[str, Any]) -> dict[str, str]:
    """Return which stream of events triggers which camera, from the rig file."""
    return {
        f"cameras/{name}": f"events/{trigger['source']}"
        for name, device in _devices(rig).items()
        if (trigger := device.get("trigger")) and "source" in trigger
    }


def _trigger_lines(rig: Mapping[str, Any]) -> dict[str, str]:
    """Return which line of which stream of events triggers cameras."""
    return {
        f"events/{name}": trigger["line"]
        for name, device in _devices(rig).items()
        if (trigger := device.get("camera_trigger"))
    }


def _devices(rig: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return cast("Mapping[str, Mapping[str, Any]]", rig.get("devices", {}))
