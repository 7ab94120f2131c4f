"""The real recorder in its own process, run as the supervisor runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rig.bench.machine import Usage
from rig.bus.control import ControlServer
from rig.config.rig import LedgerLimits
from rig.errors import SpringhareError
from rig.messages import StreamSpec
from rig.supervisor.crew import Crew
from rig.supervisor.ending import close_session
from rig.supervisor.plan import NodePlan
from sync.clock import MonotonicClock, utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from rig.bus.directory import StreamDirectory
    from rig.recording.ledger import Ledger

__all__ = ["RecorderNode"]

_NAME = "recorder"


class RecorderNode:
    """A recorder node, its control socket and its session; ended by the block's end.

    Parameters
    ----------
    streams
        The session's streams.
    folder
        The session's folder.
    segment_seconds
        Length of a segment.

    Raises
    ------
    SpringhareError
        If it does not start.
    """

    def __init__(
        self, streams: StreamDirectory, folder: Path, segment_seconds: float
    ) -> None:
        self._streams = streams
        self._folder = folder
        self._clock = MonotonicClock()
        self._server = ControlServer(streams.path / "control")
        self._crew = Crew(self._server, self._clock, lambda: False)
        try:
            plan = NodePlan(_NAME, "recorder", {}, rank=0)
            self._crew.start_processes([plan], folder / "log")
            opened = self._ask("open", self._description(segment_seconds))
        except BaseException:
            self.end()
            raise
        self.specs = [msgspec.convert(spec, StreamSpec) for spec in opened["streams"]]
        """The streams that it writes itself."""

    def start(self) -> None:
        """Let it begin to record; all rings are there."""
        self._ask("attach", {"directory": str(self._streams.path)})
        self._ask("start", {})

    def listen(self, timeout_ms: int) -> None:
        """Take in what it says.

        Raises
        ------
        SpringhareError
            If it has died.
        """
        self._crew.listen(timeout_ms)
        for child in self._crew.newly_gone():
            msg = (
                f"Expected the recorder to go on, it died: "
                f"{child.last_words() or 'without a word'}"
            )
            raise SpringhareError(msg)

    def usage(self) -> Usage:
        """Return what its process has used until now."""
        return Usage.of(self._crew.children[_NAME].process.pid)

    def stop(self) -> int:
        """Let it record the rest and close its files; return the rows that it lost."""
        stopped = self._ask("stop", {})
        return sum(status["lost"] for status in stopped["reads"].values())

    def close_session(self) -> Ledger:
        """End the process and close the session's ledger."""
        return close_session(
            self._folder, self._streams, self._crew.children.values(), LedgerLimits()
        )

    def end(self) -> None:
        """End the process; may be called twice."""
        self._crew.dismiss()
        self._server.close()

    def __enter__(self) -> RecorderNode:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process."""
        self.end()

    def _ask(self, request: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._crew.ask([_NAME], request, lambda _: arguments)[_NAME]

    def _description(self, segment_seconds: float) -> dict[str, Any]:
        return {
            "config": {},
            "rig": {"segment_seconds": segment_seconds},
            "task": {"name": "bench"},
            "session": {
                "session_id": self._folder.name,
                "subject": "bench",
                "started_utc": utc_now().isoformat(),
                "started_host_ns": self._clock.now(),
            },
            "session_folder": str(self._folder),
        }
