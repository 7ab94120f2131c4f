"""The actuator's side of a board's node: decisions in, acknowledgements out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rig.errors import DeviceError
from rig.messages import Decision, StreamStatus, from_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.bus.directory import StreamDirectory
    from rig.bus.notice import Waiter
    from rig.bus.reader import RingReader
    from rig.devices.actuator import Actuator
    from rig.devices.harp_intake import Intake
    from rig.devices.harp_presence import Presence
    from rig.messages import Acknowledgement
    from sync.clock import Clock

__all__ = ["Commands"]

_STREAM = "decisions"
_MOST = 64

logger = logging.getLogger(__name__)


class Commands:
    """Carries out what was decided and records what became of it.

    Parameters
    ----------
    actuator
        The lines and what is still to be answered.
    presence
        The board, while it is there.
    intake
        Where the board's answers come from.
    clock
        Host clock.
    streams
        The session's streams; without one of decisions there is nothing to do.
    write
        Records an acknowledgement.
    """

    def __init__(
        self,
        actuator: Actuator,
        presence: Presence,
        intake: Intake,
        clock: Clock,
        streams: StreamDirectory,
        write: Callable[[Acknowledgement], object],
    ) -> None:
        self._actuator = actuator
        self._presence = presence
        self._intake = intake
        self._clock = clock
        self._write = write
        decided = _STREAM in streams.names()
        self._reader: RingReader | None = (
            streams.reader(_STREAM, 0) if decided else None
        )
        self._waiter: Waiter | None = streams.waiter([_STREAM]) if decided else None

    @property
    def waiting(self) -> int:
        """Commands that were sent and not answered yet."""
        return self._actuator.waiting

    @property
    def late(self) -> int:
        """Answers that came too late to count."""
        return self._actuator.late

    @property
    def status(self) -> StreamStatus:
        """How we stand with the decisions."""
        if self._reader is None:
            return StreamStatus()
        return StreamStatus(
            taken=self._reader.taken,
            skipped=self._reader.skipped,
            lost=self._reader.lost,
        )

    def wait(self, timeout_ms: int) -> None:
        """Wait for a decision, or for the board's word where none are made."""
        if self._waiter is not None and not self.waiting:
            self._waiter.wait(timeout_ms)
        else:
            self._intake.news.wait(timeout_ms / 1e3)

    def serve(self) -> None:
        """Carry out every decision that is there, and record every answer."""
        if self._reader is not None:
            while len(batch := self._reader.read(_MOST)):
                for row in batch.rows[batch.rows["outcome"] == b"fired"]:
                    self._carry_out(from_row(Decision, row))
        answers = self._intake.answers
        while answers:
            done = self._actuator.answered(answers.popleft(), self._to_host)
            if done is not None:
                self._write(done)
        for done in self._actuator.overdue(self._clock.now()):
            self._write(done)

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        if self._waiter is not None:
            self._waiter.close()

    def _carry_out(self, decision: Decision) -> None:
        now_ns, board = self._clock.now(), self._presence.board
        if board is None:
            self._write(self._actuator.cannot_send(decision, now_ns))
            return
        try:
            done = self._actuator.carry_out(decision, now_ns, board.send)
        except DeviceError as error:
            logger.warning("Decision %d: %s", decision.decision_id, error)
            self._presence.lose()
            done = self._actuator.cannot_send(decision, now_ns)
        if done is not None:
            self._write(done)

    def _to_host(self, device_ns: int) -> int:
        return self._intake.clock.to_host(device_ns)[0]
