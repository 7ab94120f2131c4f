"""The actuator's side of a board's node: decisions in, acknowledgements out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from rig.devices.dead_man import BEATS, DeadMan
from rig.devices.deadline import not_after_us
from rig.devices.harp_registers import registers
from rig.errors import DeviceError
from rig.messages import Decision, StreamStatus, from_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.bus.directory import StreamDirectory
    from rig.bus.notice import Waiter
    from rig.bus.reader import RingReader
    from rig.bus.ring import Ring
    from rig.devices.actuator import Actuator
    from rig.devices.harp_board import Board
    from rig.devices.harp_intake import Intake
    from rig.devices.harp_presence import Presence
    from rig.messages import Acknowledgement
    from sync.clock import Clock

__all__ = ["Commands"]

_FREE = int(registers.OutputFlags.PERMITTED | registers.OutputFlags.KEY_ON)
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
    dead_man_ns
        So long a sign of life of the one who decides counts.
    armed
        Whether fires are carried out.
    """

    def __init__(
        self,
        actuator: Actuator,
        presence: Presence,
        intake: Intake,
        clock: Clock,
        streams: StreamDirectory,
        write: Callable[[Acknowledgement], object],
        *,
        dead_man_ns: int,
        armed: bool,
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
        life = _signs_of_life(streams.ring(_STREAM)) if decided else None
        self._dead_man = DeadMan(dead_man_ns, life, armed=armed)
        self._told: Board | None = None
        self._newest_ns = 0

    @property
    def waiting(self) -> int:
        """Commands that were sent and not answered yet."""
        return self._actuator.waiting

    @property
    def late(self) -> int:
        """Answers that came after their time, or to nothing that was asked."""
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

    def arm(self, *, armed: bool) -> None:
        """Carry fires out from now on, or no more: then a pulse ends at once."""
        self._dead_man.armed = armed
        self.permit()

    def permit(self) -> None:
        """Tell the board, where that is due, whether it may drive its outputs."""
        now_ns, board = self._clock.now(), self._presence.board
        if board is not self._told:
            self._told = board
            self._dead_man.restart()
        if board is None:
            self._actuator.cut(now_ns)
            return
        words = self._dead_man.words(now_ns)
        if 0 in words or self._intake.output_flags not in {None, _FREE}:
            self._actuator.cut(now_ns)
        try:
            for word in words:
                board.permit(word)
        except DeviceError as error:
            self._lose(error)

    def serve(self) -> None:
        """Record every answer, and carry out every decision that is there."""
        self.permit()
        # first: the answers that had come by then are in the queue
        taken_ns = self._taken_ns()
        answers = self._intake.answers
        while answers:
            done = self._actuator.answered(answers.popleft(), self._to_host)
            if done is not None:
                self._record(done)
        if self._reader is not None:
            while len(batch := self._reader.read(_MOST)):
                for row in batch.rows[batch.rows["outcome"] == b"fired"]:
                    self._carry_out(from_row(Decision, row))
        for done in self._actuator.overdue(self._clock.now(), taken_ns):
            self._record(done)

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        if self._waiter is not None:
            self._waiter.close()

    def _carry_out(self, decision: Decision) -> None:
        now_ns, board = self._clock.now(), self._presence.board
        clock = self._intake.clock.state
        if not self._dead_man.armed:
            done = self._actuator.unsent(decision, now_ns, "disarmed")
        elif board is None:
            done = self._actuator.unsent(decision, now_ns, "unplugged")
        elif clock is None:
            done = self._actuator.unsent(decision, now_ns, "no_clock")
        else:
            latest_ns = decision.exposure_ns + decision.max_age_ns
            not_after = not_after_us(clock, latest_ns, now_ns)
            try:
                done = self._actuator.carry_out(decision, now_ns, not_after, board.send)
            except DeviceError as error:
                self._lose(error)
                done = self._actuator.unsent(decision, now_ns, "unplugged")
        if done is not None:
            self._record(done)

    def _record(self, done: Acknowledgement) -> None:
        """Write a row; an answer may have arrived before what was recorded last."""
        self._newest_ns = max(self._newest_ns, done.host_ns)
        if done.host_ns < self._newest_ns:
            done = msgspec.structs.replace(done, host_ns=self._newest_ns)
        self._write(done)

    def _taken_ns(self) -> int:
        """Return until when all that the board had said was taken in."""
        board = self._presence.board
        return self._clock.now() if board is None else board.taken_ns

    def _lose(self, error: DeviceError) -> None:
        # without the decision: a log that is read live tells nothing of shams
        logger.warning("%s", error)
        self._presence.lose()

    def _to_host(self, device_ns: int) -> int:
        return self._intake.clock.to_host(device_ns)[0]


def _signs_of_life(ring: Ring) -> Callable[[], object] | None:
    """Return what changes while whoever decides is alive; None if it never says."""
    if BEATS not in ring.spec.counters:
        return None
    cell = ring.counter_cell(BEATS)
    return lambda: (int(cell[0]), ring.head)
