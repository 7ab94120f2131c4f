"""Whether a session that was struck is what it must be, asked of its files.

Nothing is taken from the ledger's word: committed rows are compared with those at
the kill, all rows and pixels with the rings, and only then the ledger with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rig.bench.survival.evidence import Committed, Fault, Rings
from rig.bench.survival.rig import affected_by
from rig.recording.count import numbers_of
from rig.recording.inspection import inspect_recording
from rig.recording.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rig.bench.survival.trial import Trial
    from rig.bus.ring import Ring
    from rig.recording.reader import Recording

__all__ = ["Struck", "examine"]

_FIRST_SAMPLE = "first_sample"
"""The one field that the recorder gives."""
_NODES = {"recorder", "left", "right", "daq", "laser", "inference"}
_NUMBERED = {"frames", "samples", "events"}
_AT_THE_END_NS = 500_000_000
"""A source that went on has published something this close to the end."""
_CUT_SHORT = {"exposure", "inference", "transport"}
"""Stages of what is not there when those who do it end in no order: triggers without
a frame, frames that nobody looked at, what boards that went away had still to say.
It is missing at the end: holes are looked for in the rows themselves."""


@dataclass(frozen=True, slots=True)
class Struck:
    """What was seen of a session while it lived."""

    trial: Trial
    kill_ns: int
    goes_until_ns: int
    """Until then whoever was not affected must have published; 0 where the session
    had not begun, or had ended."""
    before: Committed = field(default_factory=Committed)
    """What was committed right after the kill."""

    @property
    def headless(self) -> bool:
        """Whether nobody was there to end the session in order."""
        return self.trial.victim in {"supervisor", "all"}


def examine(recording: Recording, rings: Rings, struck: Struck) -> Iterator[Fault]:
    """Yield what is wrong with a session after its end, salvage included."""
    yield from _kept(recording, struck.before)
    for ring in rings:
        yield from _as_published(recording, ring)
    yield from _without_holes(recording)
    yield from _until_the_end(recording, struck)
    if recording.ledger is None:
        yield Fault("other", "it was not closed: it has no ledger")
        return
    ledger = Ledger.from_json(recording.ledger)
    yield from _explained(recording, ledger, struck)
    yield from _agrees(recording, ledger, rings.heads())
    yield from _told(ledger, struck)


def _kept(recording: Recording, before: Committed) -> Iterator[Fault]:
    """Yield which committed rows are gone, or are not what they were."""
    for name, rows in before.rows.items():
        n = len(rows)
        now = recording.rows(name, 0, n)
        sums = recording.checksums(name, 0, n)
        same = now.tobytes() == rows.tobytes()
        if not same or not np.array_equal(sums, before.checksums[name]):
            changed = n - int((now[:n] == rows[: len(now)]).sum())
            text = f"{name}: {n} rows were committed at the kill, now {len(now)}"
            yield Fault("lost", f"{text}, {changed} gone or changed", max(1, changed))


def _as_published(recording: Recording, ring: Ring) -> Iterator[Fault]:
    """Yield what was published and is not recorded, or is recorded otherwise."""
    name, head = ring.spec.name, ring.head
    if name not in recording.streams:
        if head:
            yield Fault("unrecorded", f"{name}: {head} published, no stream", head)
        return
    rows = recording.rows(name)
    if len(rows) != head:
        text = f"{name}: {head} published, {len(rows)} recorded"
        yield Fault("unrecorded", text, abs(head - len(rows)))
    rows = rows[(rows["seq"] >= head - ring.slots) & (rows["seq"] < head)]
    slots = rows["seq"] % ring.slots
    fields = [field for field in rows.dtype.names or () if field != _FIRST_SAMPLE]
    wrong = np.zeros(len(rows), bool)
    for column in fields:
        wrong |= rows[column] != ring.rows[slots][column]
    wrong |= ~_same_payload(recording, ring, rows, slots)
    if wrong.any():
        text = f"{name}: not what was published: {rows['seq'][wrong][:8].tolist()}"
        yield Fault("lost", text, int(wrong.sum()))


def _same_payload(
    recording: Recording, ring: Ring, rows: NDArray[np.void], slots: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell of each row whether its payload is the one in the ring."""
    same = np.ones(len(rows), bool)
    if ring.spec.payload is None or not len(rows):
        return same
    if ring.spec.kind != "samples":
        first = len(recording.rows(ring.spec.name)) - len(rows)
        found = recording.payload(ring.spec.name, first)[: len(rows)]
        published = ring.payload[slots]
        return np.array(
            [a.tobytes() == b.tobytes() for a, b in zip(found, published, strict=True)]
        )
    found = recording.payload(ring.spec.name)
    for k, (row, slot) in enumerate(zip(rows, slots, strict=True)):
        at, count = int(row[_FIRST_SAMPLE]), int(row["count"])
        same[k] = np.array_equal(found[at : at + count], ring.payload[slot][:count])
    return same


def _without_holes(recording: Recording) -> Iterator[Fault]:
    """Yield the holes in every stream's own numbers and in its device's."""
    for name, layout in recording.layouts.items():
        rows = recording.rows(name)
        if not np.array_equal(rows["seq"], np.arange(len(rows))):
            yield Fault("gap", f"{name}: holes in its rows")
        numbers = numbers_of(rows, layout.spec.kind, layout.units_per_row)
        if numbers is None:
            if len(rows) and layout.spec.kind in _NUMBERED:
                yield Fault("gap", f"{name}: its device's numbers run backwards")
        elif numbers.spanned != numbers.present:
            missing = numbers.spanned - numbers.present
            yield Fault("gap", f"{name}: {missing} of its device's numbers are missing")


def _until_the_end(recording: Recording, struck: Struck) -> Iterator[Fault]:
    """Yield the sources that ended with the victim, though they do not need it."""
    if not struck.goes_until_ns:
        return
    affected = affected_by(struck.trial.victim)
    for name, spec in recording.streams.items():
        if spec.node in affected or spec.rate_hz is None:
            continue
        rows = recording.rows(name)
        last_ns = int(rows["host_ns"][-1]) if len(rows) else 0
        if last_ns < struck.goes_until_ns - _AT_THE_END_NS:
            early_s = (struck.goes_until_ns - last_ns) / 1e9
            yield Fault("gap", f"{name}: ended {early_s:.1f} s before the session")


def _explained(recording: Recording, ledger: Ledger, struck: Struck) -> Iterator[Fault]:
    """Yield what the ledger calls missing of others, or cannot explain."""
    if not ledger.closes:
        yield Fault("other", f"the ledger does not close: {ledger.reason}")
    affected = affected_by(struck.trial.victim)
    for name, stream in ledger.streams.items():
        node = recording.streams[name].node
        for item in stream.missing:
            excused = node in affected or struck.headless
            if item.stage == "inference":
                excused |= "inference" in affected
            if not (excused and item.stage in _CUT_SHORT):
                text = f"{name}: {item.where} ({item.stage}): {item.cause}"
                yield Fault("gap", text, item.count)


def _agrees(
    recording: Recording, ledger: Ledger, heads: Mapping[str, int]
) -> Iterator[Fault]:
    """Yield where the ledger, the rings and a fresh look do not say the same."""
    inspection = inspect_recording(recording)
    for finding in inspection.findings:
        if finding.severity == "FAIL":
            yield Fault("other", f"check: {finding.stream}: {finding.text}")
    if inspection.ledger.verdict != ledger.verdict:
        text = f"check: {inspection.ledger.reason}; the ledger: {ledger.reason}"
        yield Fault("other", text)
    for name, stream in ledger.streams.items():
        if (head := heads.get(name, stream.published)) != stream.published:
            text = f"{name}: {head} published, the ledger says {stream.published}"
            yield Fault("other", text)


def _told(ledger: Ledger, struck: Struck) -> Iterator[Fault]:
    """Yield whether the death of a node is not told."""
    trial = struck.trial
    if trial.victim not in _NODES or trial.phase not in {"steady", "segment"}:
        return
    restarted = any(remark.startswith(trial.victim) for remark in ledger.remarks)
    if trial.victim not in ledger.died and not restarted:
        yield Fault("other", f"nobody says that {trial.victim} died: {ledger.reason}")
