"""The ledger of a session that was recovered: what is missing, and why.

What its own ledger said, if it came to one, is taken over; what no row tells any
more, because the power failed or a file is damaged, is found and listed.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rig.messages import Loss
from rig.recording.balance import build_ledger
from rig.recording.count import count_recording, limits_of, with_writers
from rig.recording.ledger import CUT_OFF, Recovered
from rig.recording.recovery.unlisted import referred_to, unlisted, unnoted
from rig.recording.recovery.unsynced import LEAST_SEGMENTS, UNSYNCED_NS, unsynced_from
from rig.system import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rig.recording.balance import SessionCount
    from rig.recording.ledger import Ledger
    from rig.recording.reader import Recording
    from rig.recording.recovery.unsynced import Kept
    from rig.recording.recovery.wreck import StreamWreck, Wreck

__all__ = [
    "POWER_CUT",
    "cut_of",
    "in_memory_of",
    "last_known_ns",
    "left_out",
    "reckon",
    "was_restarted",
]

POWER_CUT = "the computer stopped before the session did"
"""How a session ended whose computer was restarted since."""

_POWER_CUT = "when the power failed"
_CUT_OFF = "when the recording was cut off"
_NOT_ON_DISK = "not on the disk"
_IN_MEMORY = "in memory"
_NOTE_LOST = "lost, and the note of it too"
_CAUSE = 64
"""Characters that a cause may have."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is known when the ledger is made up."""

    wreck: Wreck
    kept: Mapping[str, Kept]
    recording: Recording
    """Shows the rows that are kept."""
    count: SessionCount
    """What these rows tell."""
    old: Ledger | None
    """What the session's own ledger said, if it came to one."""
    when: str


def reckon(recording: Recording, wreck: Wreck, kept: Mapping[str, Kept]) -> Ledger:
    """Make up the ledger of a session of which some rows are kept.

    Parameters
    ----------
    recording
        Shows these rows.
    """
    restarted = was_restarted(wreck)
    scene = _Scene(
        wreck,
        kept,
        recording,
        count_recording(recording),
        wreck.file.ledger if wreck.file is not None else None,
        _POWER_CUT if restarted else _CUT_OFF,
    )
    published = _published(scene)
    recovered = Recovered(
        losses=[
            loss for name in wreck.streams for loss in _losses(scene, name, published)
        ],
        left_out={
            name: n
            for name, stream in wreck.streams.items()
            if (n := left_out(stream, kept[name].rows)) is not None
        },
        damage=dict(_damage(scene)),
    )
    count = replace(
        _count(scene, published, POWER_CUT if restarted else CUT_OFF),
        recovered=recovered,
        remarks=_remarks(scene),
    )
    return build_ledger(count, limits_of(recording))


def was_restarted(wreck: Wreck) -> bool | None:
    """Tell whether the computer was restarted since; None where nobody can tell."""
    host, now = wreck.info.host, boot_id()
    if host is None or host.boot_id is None or now is None:
        return None
    return host.boot_id != now if host.name == platform.node() else None


def cut_of(ledger: Ledger) -> dict[str, tuple[int, str]]:
    """Return how many committed rows a recovery did not keep, and why, by stream."""
    found: dict[str, tuple[int, str]] = {}
    for loss in ledger.recovered.losses if ledger.recovered is not None else []:
        if not loss.cause.startswith((_IN_MEMORY, _NOTE_LOST)):
            count, _ = found.get(loss.stream, (0, ""))
            found[loss.stream] = count + loss.count, loss.cause
    return found


def in_memory_of(ledger: Ledger) -> dict[str, int]:
    """Return how many rows a recovery listed as gone with the memory, by stream."""
    found: dict[str, int] = {}
    for loss in ledger.recovered.losses if ledger.recovered is not None else []:
        if loss.cause.startswith(_IN_MEMORY):
            found[loss.stream] = found.get(loss.stream, 0) + loss.count
    return found


def last_known_ns(wreck: Wreck, kept: Mapping[str, Kept]) -> int:
    """Return the host time of the session's last row that is kept; 0 for none."""
    ends = (
        int(stream.host_ns[kept[name].rows - 1])
        for name, stream in wreck.streams.items()
        if kept[name].rows
    )
    return max(ends, default=0)


def _published(scene: _Scene) -> dict[str, int]:
    """Return how many elements of each stream there were, by all that tells of it."""
    memory_gone = scene.old is None
    since = {
        name: min(unsynced_from(stream), scene.kept[name].rows)
        for name, stream in scene.wreck.streams.items()
    }
    referred = referred_to(scene.recording, since) if memory_gone else {}
    before = scene.old.streams if scene.old is not None else {}
    return {
        name: max(
            scene.count.streams[name].published,
            scene.kept[name].published,
            stream.later_seq,
            _by_the_rate(scene, stream) if stream.fault else 0,
            before[name].published if name in before else 0,
            referred.get(name, 0),
        )
        for name, stream in scene.wreck.streams.items()
    }


def _by_the_rate(scene: _Scene, stream: StreamWreck) -> int:
    """Return how many there should be by the session's last known instant."""
    kept, rate_hz = scene.kept[stream.layout.name], stream.layout.spec.rate_hz
    if rate_hz is None or None not in stream.later.values() or not kept.rows:
        return 0
    lasted_ns = last_known_ns(scene.wreck, scene.kept) - stream.host_ns[kept.rows - 1]
    return kept.next_seq + int(lasted_ns / 1e9 * rate_hz)


def _losses(scene: _Scene, name: str, published: Mapping[str, int]) -> Iterator[Loss]:
    """Yield what is missing of a stream and listed nowhere."""
    kept, stream = scene.kept[name], scene.wreck.streams[name]
    fault = _old_fault(scene, stream)
    cause = fault.partition(":")[0] if fault else f"{_NOT_ON_DISK} {scene.when}"
    committed = published[name] if stream.fault else kept.published
    in_memory = f"{_IN_MEMORY} {scene.when}"
    recording, noted = scene.recording, scene.count.losses
    for first, count in unlisted(
        recording, name, kept.next_seq, published[name], noted
    ):
        on_disk = min(count, max(0, committed - first))
        if on_disk:
            yield _loss(scene, name, first, on_disk, cause)
        if count > on_disk:
            yield _loss(scene, name, first + on_disk, count - on_disk, in_memory)
    if scene.old is None:
        for first, count in unlisted(recording, name, 0, kept.next_seq, noted):
            yield _loss(scene, name, first, count, f"{_NOTE_LOST} {scene.when}")
        for first, count in unnoted(recording, name, unsynced_from(stream), noted):
            cause = f"{_NOTE_LOST} {scene.when}"
            yield _loss(scene, name, first, count, cause, stage="device")


def _loss(
    scene: _Scene,
    name: str,
    first: int,
    count: int,
    cause: str,
    stage: str = "recorder",
) -> Loss:
    return Loss(
        host_ns=last_known_ns(scene.wreck, scene.kept),
        stream=name,
        stage=stage,
        first_id=first,
        count=count,
        cause=cause[:_CAUSE],
    )


def left_out(stream: StreamWreck, rows: int) -> int | None:
    """Return how many rows the segments hold after so many; None if they end there."""
    if not stream.fault and stream.rows == rows:
        return None
    later = sum(n for n in stream.later.values() if n is not None)
    return int((stream.host_ns[rows:] != 0).sum()) + later


def _damage(scene: _Scene) -> Iterator[tuple[str, str]]:
    for name, stream in scene.wreck.streams.items():
        fault = _old_fault(scene, stream)
        if fault:
            later = [f"{n} rows in {file}" for file, n in stream.later.items() if n]
            more = f"; behind it are {', '.join(later)}, left out" if later else ""
            yield name, f"ends at row {scene.kept[name].rows}: {fault}{more}"


def _old_fault(scene: _Scene, stream: StreamWreck) -> str:
    """Return what is wrong with a stream's files that no power cut explains."""
    if stream.unbroken < stream.rows:
        file = stream.layout.segment_file(
            stream.unbroken // stream.layout.rows_per_segment
        )
        old = scene.old is not None or stream.unbroken < unsynced_from(stream)
        return f"{file} has blank rows" if old else ""
    if not stream.fault or scene.old is not None or None in stream.later.values():
        return stream.fault
    end_ns = int(stream.host_ns[-1]) if stream.rows else 0
    recent = stream.later_ns - end_ns < UNSYNCED_NS
    return "" if recent or len(stream.later) < LEAST_SEGMENTS else stream.fault


def _count(scene: _Scene, published: Mapping[str, int], ended: str) -> SessionCount:
    old = scene.old
    return with_writers(
        scene.count,
        published,
        {} if old is None else {n: s.counters for n, s in old.streams.items()},
        died={} if old is None else old.died,
        ended=ended if old is None else old.ended,
    )


def _remarks(scene: _Scene) -> list[str]:
    old, info_fault = scene.old, scene.wreck.info_fault
    remarks = list(scene.count.remarks)
    if old is not None:
        remarks += [remark for remark in old.remarks if remark not in remarks]
    else:
        remarks.append(f"what was {_IN_MEMORY} {scene.when} is not there")
    if info_fault:
        told = info_fault.split(" ", 1)[0]
        remarks.append(f"session.json was {told}: the three configs are not known")
    return remarks
