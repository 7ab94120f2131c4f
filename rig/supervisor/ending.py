"""What becomes of a session's rings: the ledger, or the salvage."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from rig.bus.directory import abandoned
from rig.errors import SpringhareError
from rig.recorder import close_recording, salvage
from rig.recording.ledger import RECORDER
from rig.supervisor.children import end_all

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rig.bus.directory import StreamDirectory
    from rig.config.rig import LedgerLimits
    from rig.recorder import SalvageReport
    from rig.recording.ledger import Ledger
    from rig.supervisor.children import Child
    from rig.supervisor.crew import Crew
    from rig.supervisor.rings import SessionRings
    from rig.supervisor.watch import Watch

__all__ = [
    "StopRequest",
    "close_session",
    "salvage_abandoned",
    "salvage_unfinished",
    "stop_nodes",
]

StopRequest = Literal["stop", "stop_triggers"]

logger = logging.getLogger(__name__)


def stop_nodes(
    crew: Crew,
    rings: SessionRings,
    watch: Watch,
    names: Iterable[str],
    request: StopRequest,
) -> None:
    """Ask some nodes to stop, one after the other; one that cannot is closed."""
    for name in names:
        watch.bury()
        child = crew.children[name]
        if child.gone or child.state not in {"ready", "running"}:
            rings.close_of(name)
            continue
        try:
            told = crew.ask([name], request, timeout_s=60)[name]
        except SpringhareError as error:
            logger.warning("Node %s did not stop in order: %s", name, error)
            child.cause = str(error)
            rings.close_of(name)
            rings.note(name, "failed", str(error))
            continue
        if request == "stop":
            watch.hear_last(name, told.get("metrics", {}))
            rings.note(name, "stopped")


def close_session(
    folder: Path,
    streams: StreamDirectory,
    children: Iterable[Child],
    limits: LedgerLimits,
) -> Ledger:
    """Close the ledger of a session whose nodes have stopped or died.

    Raises
    ------
    SessionError
        If the session was never begun, or the disk refuses.
    """
    for child in children:
        if child.name == RECORDER and child.process.poll() is None:
            end_all([child.process])  # it must let go of the files
    died = {child.name: child.cause for child in children if child.cause}
    return close_recording(folder, streams, limits, died=died)


def salvage_abandoned() -> list[SalvageReport]:
    """Save what sessions whose supervisor is gone left in memory.

    One that cannot be saved now is left for the next time, and said in the log.
    """
    reports: list[SalvageReport] = []
    for streams in abandoned():
        try:
            reports.append(salvage(streams))
        except SpringhareError as error:
            logger.error("Cannot salvage %s: %s", streams.path, error)  # noqa: TRY400
    return reports


def salvage_unfinished(streams: StreamDirectory) -> None:
    """Save what is in the rings if the session did not come to its end."""
    if streams.path.exists() and streams.names():
        try:
            salvage(streams)
        except SpringhareError as error:
            logger.error("Cannot salvage %s: %s", streams.path, error)  # noqa: TRY400
