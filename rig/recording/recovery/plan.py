"""What a session is to become, found out without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from rig.recording.inspection import inspect_recording
from rig.recording.ledger import STOPPED
from rig.recording.recovery.reckoning import left_out, reckon
from rig.recording.recovery.unsynced import keep_what_agrees, unsynced_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import Literal

    from rig.recording.hdf5 import Extent
    from rig.recording.inspection import Inspection
    from rig.recording.ledger import Ledger
    from rig.recording.recovery.draft import Draft
    from rig.recording.recovery.unsynced import Kept
    from rig.recording.recovery.wreck import StreamWreck, Wreck
    from rig.recording.sidecar import SessionInfo

    Watched = Callable[[int], AbstractContextManager[Callable[[int], None]]]
    """Is told how many bytes will be compared; gives what is told of each further."""

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session is to become."""

    wreck: Wreck
    stands: bool
    """Whether its session file stays as it is."""
    kept: Mapping[str, Kept]
    info: SessionInfo
    state: Literal["complete", "salvaged"]
    ledger: Ledger
    inspection: Inspection
    """Of what it is to become."""

    @property
    def extents(self) -> Mapping[str, Extent]:
        """How much of each stream it shows."""
        return {name: stream.extent for name, stream in self.kept.items()}

    @property
    def sidecar_stands(self) -> bool:
        """Whether its sidecar stays as it is."""
        said, info = self.wreck.info, self.info
        same = (said.state, said.verdict) == (info.state, info.verdict)
        return same and not self.wreck.info_fault


def make_plan(draft: Draft, *, everything: bool, watched: Watched) -> Plan:
    """Find out what a session is to become.

    Parameters
    ----------
    draft
        Shows what comes of the session.
    everything
        Whether all rows are compared with their checksums.
    """
    wreck = draft.wreck
    stands = _stands(wreck)
    kept = _examine(draft, stands, everything=everything, watched=watched)
    extents = {name: stream.extent for name, stream in kept.items()}
    info = _named(wreck)
    ledger = wreck.file.ledger if wreck.file is not None and stands else None
    if ledger is None:
        draft.show(info, extents)
        with draft.open() as recording:
            ledger = reckon(recording, wreck, kept)
    state = _state(wreck)
    info = structs.replace(info, state=state, verdict=ledger.verdict)
    draft.show(info, extents, ledger)
    with draft.open() as recording:
        inspection = inspect_recording(recording, quick=True)
    return Plan(wreck, stands, kept, info, state, ledger, inspection)


def _stands(wreck: Wreck) -> bool:
    """Tell whether the session file shows what it is to show."""
    file = wreck.file
    if file is None or file.ledger is None:
        return False
    if file.layouts.keys() != wreck.streams.keys():
        return False
    recovered = file.ledger.recovered
    out = recovered.left_out if recovered is not None else {}
    return all(
        stream.unbroken >= file.rows[name]
        and left_out(stream, file.rows[name]) == out.get(name)
        for name, stream in wreck.streams.items()
    )


def _examine(
    draft: Draft, stands: bool, *, everything: bool, watched: Watched
) -> dict[str, Kept]:
    """Compare what must be compared; return how much of each stream is kept."""
    wreck = draft.wreck
    closed = wreck.file is not None and wreck.file.ledger is not None
    was_synced = stands or (closed and _state(wreck) == "complete")
    shown = {n: _shown(wreck, stream, stands) for n, stream in wreck.streams.items()}
    unsynced = {
        name: shown[name] if was_synced else min(unsynced_from(stream), shown[name])
        for name, stream in wreck.streams.items()
    }
    start = dict.fromkeys(shown, 0) if everything else unsynced
    total = sum(
        (shown[name] - start[name]) * layout.row_bytes
        for name, layout in wreck.layouts.items()
    )
    draft.show_room(wreck.info, shown)
    with draft.open() as recording, watched(total) as told:
        return {
            name: keep_what_agrees(recording, stream, start[name], unsynced[name], told)
            for name, stream in wreck.streams.items()
        }


def _shown(wreck: Wreck, stream: StreamWreck, stands: bool) -> int:
    if stands and wreck.file is not None:
        return wreck.file.rows[stream.layout.name]
    return stream.unbroken


def _state(wreck: Wreck) -> Literal["complete", "salvaged"]:
    if wreck.file is None or wreck.file.ledger is None:
        return "salvaged"
    if wreck.info.state != "recording":
        return wreck.info.state
    return "complete" if wreck.file.ledger.ended == STOPPED else "salvaged"


def _named(wreck: Wreck) -> SessionInfo:
    """Return what the session is; one that nobody knows began with its first row."""
    if wreck.info.started_host_ns:
        return wreck.info
    begins = [int(s.host_ns[0]) for s in wreck.streams.values() if s.unbroken]
    return structs.replace(wreck.info, started_host_ns=min(begins, default=0))
