"""Whether a session that was struck is what it must be, asked of its files.

Nothing is taken from the ledger's word: the committed rows are compared with those at
the kill, all rows and their payload with what was published, and only then the ledger
with both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.recfunctions import repack_fields

from rig.bench.survival.evidence import Table, committed_rows
from rig.bench.survival.experiment import affected_by
from rig.errors import SpringhareError
from rig.recording.inspection import inspect_recording
from rig.recording.layout import SESSION_FILE
from rig.recording.ledger import Ledger
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.bench.survival.trial import Trial

__all__ = ["KINDS", "Fault", "Remains", "examine"]

KINDS: tuple[str, ...] = (
    "unopenable",
    "lost",
    "unrecorded",
    "gap",
    "left_over",
    "other",
)
"""Of faults, the worst first."""

_BY_RECORDER = "first_sample"
"""The one field that the recorder gives."""
_NUMBERS = {"cameras": "frame_id", "signals": "device_sample", "events": "device_seq"}
"""Field with the device's own number of a row's first element."""
_NODES = {"recorder", "left", "right", "daq", "laser", "inference"}
_LONG_ENOUGH_NS = 1_000_000_000
"""Who goes on for so long after a kill must have published something meanwhile."""
_NEVER_TAKEN = "device"
"""Stage of what a simulated camera on a busy machine never took: no frame was there."""
_CUT_SHORT = {"exposure", "inference", "transport"}
"""Stages of what is not there when those who do it end in no order: triggers without
a frame, frames that nobody looked at, what boards that went away had still to say.
It is missing at the end: holes are looked for in the rows themselves."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that must not be."""

    kind: str
    """One of `KINDS`."""
    text: str
    count: int = 1
    """How many rows, or things."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What is there of a session when nobody works at it any more."""

    trial: Trial
    folder: Path
    kill_ns: int
    goes_until_ns: int = 0
    """Until then whoever was not affected went on; 0 where nobody had to."""
    before: Mapping[str, Table] = field(default_factory=dict[str, Table])
    """What was committed right after the kill."""
    published: Mapping[str, Table] = field(default_factory=dict[str, Table])
    """What the nodes ever published."""


def examine(remains: Remains) -> Iterator[Fault]:
    """Yield what is wrong with a session after its end and its salvage."""
    path = remains.folder / SESSION_FILE
    if not path.exists():
        rows = sum(len(table.rows) for table in remains.published.values())
        if rows or remains.before:
            text = f"{rows} rows were published, and there is no session"
            yield Fault("unrecorded", text, max(1, rows))
        return
    try:
        after = committed_rows(path)
        yield from _kept(remains.before, after)
        yield from _as_published(remains.published, after)
        yield from _without_holes(after)
        yield from _gone_on(remains, after)
        yield from _told(remains)
    except (OSError, KeyError, SpringhareError) as error:
        yield Fault("unopenable", f"in the end: {error}")


def _kept(before: Mapping[str, Table], after: Mapping[str, Table]) -> Iterator[Fault]:
    """Yield which committed rows are gone, or are not what they were."""
    for name, then in before.items():
        n = len(then.rows)
        now = after.get(name, Table(then.rows[:0], ()))
        fields = then.rows.dtype.names or ()
        pairs = zip(_as_bytes(then, fields), _as_bytes(now, fields), strict=False)
        same = sum(a == b for a, b in pairs)
        if same != n:
            text = f"{name}: {n} rows were committed at the kill, {same} are kept"
            yield Fault("lost", text, n - same)


def _as_published(
    published: Mapping[str, Table], after: Mapping[str, Table]
) -> Iterator[Fault]:
    """Yield what was published and is not recorded, or is recorded otherwise."""
    for name, found in after.items():
        if len(found.rows) and name not in published:
            yield Fault("other", f"{name}: recorded, and nobody saw it published")
    for name, there in published.items():
        head = there.missing + len(there.rows)
        found = after.get(name, Table(there.rows[:0], ()))
        if lacking := head - len(found.rows):
            text = f"{name}: {head} published, {len(found.rows)} recorded"
            yield Fault("unrecorded", text, abs(lacking))
        fields = [name for name in there.rows.dtype.names or () if name != _BY_RECORDER]
        recorded = dict(
            zip(found.rows["seq"].tolist(), _as_bytes(found, fields), strict=True)
        )
        seen = zip(there.rows["seq"].tolist(), _as_bytes(there, fields), strict=True)
        wrong = [seq for seq, row in seen if recorded.get(seq, row) != row]
        if wrong:
            text = f"{name}: not what was published: rows {wrong[:8]}"
            yield Fault("lost", text, len(wrong))


def _as_bytes(table: Table, fields: Sequence[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield each row, without what is between its fields, and its payload."""
    packed = repack_fields(table.rows[list(fields)])
    for row, payload in zip(packed, table.payload, strict=True):
        yield row.tobytes(), payload


def _without_holes(after: Mapping[str, Table]) -> Iterator[Fault]:
    """Yield the holes in each stream's own numbers and in its device's."""
    for name, table in after.items():
        rows = table.rows
        if not np.array_equal(rows["seq"], np.arange(len(rows))):
            yield Fault("gap", f"{name}: holes in its rows")
        number = _NUMBERS.get(name.split("/")[0])
        if number is None or not len(rows):
            continue
        steps: NDArray[np.int64] = np.ones(len(rows), np.int64)
        if "count" in (rows.dtype.names or ()):
            steps = rows["count"]
            if not np.array_equal(rows[_BY_RECORDER], np.cumsum(steps) - steps):
                yield Fault("gap", f"{name}: its samples do not follow each other")
        if (holes := np.diff(rows[number]) - steps[:-1]).any():
            text = f"{name}: its device's numbers have {np.count_nonzero(holes)} holes"
            yield Fault("gap", text)


def _gone_on(remains: Remains, after: Mapping[str, Table]) -> Iterator[Fault]:
    """Yield the sources that ended with the victim, though they do not need it."""
    half_ns = (remains.goes_until_ns - remains.kill_ns) // 2
    if 2 * half_ns < _LONG_ENOUGH_NS:
        return
    with Recording.open(remains.folder) as recording:
        specs = recording.streams
    for name, spec in specs.items():
        if spec.node in affected_by(remains.trial.victim) or spec.rate_hz is None:
            continue
        rows = after[name].rows
        if not len(rows) or rows["host_ns"][-1] < remains.kill_ns + half_ns:
            yield Fault("gap", f"{name}: ended with {remains.trial.victim}")


def _told(remains: Remains) -> Iterator[Fault]:
    """Yield where the ledger says something else than what is, or says it not."""
    with Recording.open(remains.folder) as recording:
        if recording.ledger is None:
            yield Fault("other", "it was not closed: it has no ledger")
            return
        ledger = Ledger.from_json(recording.ledger)
        yield from _explained(recording, ledger, remains.trial)
        inspection = inspect_recording(recording)
    for finding in inspection.findings:
        if finding.severity == "FAIL":
            yield Fault("other", f"check: {finding.stream}: {finding.text}")
    for name, there in remains.published.items():
        head = there.missing + len(there.rows)
        told = ledger.streams[name].published if name in ledger.streams else None
        if told != head:
            yield Fault("other", f"{name}: {head} published, the ledger says {told}")
    yield from _death_told(ledger, remains.trial)


def _explained(recording: Recording, ledger: Ledger, trial: Trial) -> Iterator[Fault]:
    """Yield what the ledger calls missing of others, or cannot explain."""
    if not ledger.closes:
        yield Fault("other", f"the ledger does not close: {ledger.reason}")
    affected = affected_by(trial.victim)
    for name, stream in ledger.streams.items():
        node = recording.streams[name].node
        for item in stream.missing:
            cut = trial.headless or node in affected
            if item.stage == "inference":
                cut |= "inference" in affected
            if item.stage != _NEVER_TAKEN and not (cut and item.stage in _CUT_SHORT):
                text = f"{name}: {item.where} ({item.stage}): {item.cause}"
                yield Fault("gap", text, item.count)


def _death_told(ledger: Ledger, trial: Trial) -> Iterator[Fault]:
    if trial.victim not in _NODES or trial.phase not in {"steady", "segment"}:
        return
    restarted = any(remark.startswith(trial.victim) for remark in ledger.remarks)
    if trial.victim not in ledger.died and not restarted:
        yield Fault("other", f"nobody says that {trial.victim} died: {ledger.reason}")
