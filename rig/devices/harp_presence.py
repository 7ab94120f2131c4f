"""Whether the board is there: started, lost, waited for, found again, stopped.

A board that is plugged in anew has a new clock and counts from 0. The host tells it
to number on behind the gap, so that a jump in the device's own numbers is exactly
what is recorded as lost.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rig.devices.harp_registers import BLOCK_SAMPLES, registers
from rig.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.devices.harp_board import Board
    from rig.devices.harp_intake import Intake
    from rig.devices.harp_plan import BoardPlan
    from sync.clock import Clock

__all__ = ["Presence"]

_RETRY_NS = 250_000_000
_WRAP = 1 << 32

logger = logging.getLogger(__name__)


class Presence:
    """Holds the board while it is there.

    Parameters
    ----------
    plan
        What the board is for.
    intake
        Its receiving side.
    connect
        Finds the board and sets it up; raises DeviceError or VersionError.
    clock
        Host clock.
    patience_s
        How long a board that was unplugged is waited for.
    """

    def __init__(
        self,
        plan: BoardPlan,
        intake: Intake,
        connect: Callable[[], Board],
        clock: Clock,
        patience_s: float,
    ) -> None:
        self.board: Board | None = None
        """The board; None while it is unplugged."""
        self.unplugged = 0
        """How often it was."""
        self._plan = plan
        self._intake = intake
        self._connect = connect
        self._clock = clock
        self._patience_s = patience_s
        self._triggers = True
        self._started_ns: int | None = None
        self._gone_ns = 0
        self._retry_ns = 0
        self._bad_before = 0
        intake.bad = self._bad_here

    @property
    def bad(self) -> int:
        """Damaged places in what came, over all connections."""
        return self._bad_before + self._bad_here() + self._intake.implausible

    def open(self) -> None:
        """Find the board and set it up.

        Raises
        ------
        DeviceError
            If it is not there, is another one or refuses a setting.
        VersionError
            If its firmware or register map is not ours.
        """
        self.board = self._connect()

    def start(self) -> None:
        """Start all streams of the board at one instant, numbered from 0."""
        if self.board is None:
            msg = f"Expected {self._plan.device} to be open before it is started"
            raise DeviceError(msg)
        numbers = self._next_numbers()
        self._started_ns = self._clock.now()
        self.board.start(numbers)

    def look(self) -> None:
        """See whether the board is still there, or there again.

        Raises
        ------
        DeviceError
            If it did not come back in time.
        RuntimeError
            If the reading thread was ended by a fault of ours.
        """
        if self.board is None:
            self._try_again()
        elif self.board.failed:
            msg = f"The thread that reads {self._plan.device} failed: see the log"
            raise RuntimeError(msg)
        elif not self.board.healthy or self._intake.began_anew:
            self.lose()

    def lose(self) -> None:
        """Let go of a board that does not answer any more."""
        if self.board is None:
            return
        self._bad_before += self.board.bad
        self.board.close()
        self.board = None
        self.unplugged += 1
        self._retry_ns = self._clock.now()
        self._gone_ns = max(self._gone_ns, self._intake.heard_ns) or self._retry_ns
        logger.warning("%s is gone; waiting for it", self._plan.device)

    def stop_triggers(self) -> None:
        """Trigger the cameras no more; all else goes on."""
        self._triggers = False
        if self.board is not None:
            self.board.stop_triggers()

    def stop_samples(self) -> None:
        """Stop the signals and see whether the last of them came."""
        if self.board is None:
            self._give_up_since(self._gone_ns)
            return
        try:
            self.board.stop_samples()
            for stream in self._intake.streams:
                number = self.board.number(stream.source.number_register)
                self._check_tail(stream.source.stream, number)
        except DeviceError as error:
            logger.warning("%s did not stop in order: %s", self._plan.device, error)
            self.lose()
            self._give_up_since(self._gone_ns)

    def rest(self) -> None:
        """Bring all outputs low and see whether the last edge came."""
        if self.board is None:
            return
        try:
            self.board.rest()
            if self._plan.events is not None:
                number = self.board.number(registers.EdgeSequence)
                self._check_tail(self._plan.events, number)
        except DeviceError as error:
            logger.warning("%s did not rest in order: %s", self._plan.device, error)

    def counters(self) -> dict[str, int]:
        """Return what went wrong on the board; nothing if it is not there."""
        try:
            return self.board.counters() if self.board is not None else {}
        except DeviceError as error:
            logger.warning("%s told no counters: %s", self._plan.device, error)
            return {}

    def close(self) -> None:
        """Let go of the board; may be called twice."""
        if self.board is not None:
            self.board.close()
            self.board = None

    def _bad_here(self) -> int:
        return self.board.bad if self.board is not None else 0

    def _next_numbers(self) -> dict[Any, int]:
        numbers = {
            stream.source.number_register: stream.numbering.next
            for stream in self._intake.streams
        }
        if self._plan.events is not None:
            numbers[registers.EdgeSequence] = self._intake.edges.numbering.next
        began_ns, now_ns = self._started_ns, self._clock.now()
        elapsed_ns = 0 if began_ns is None else now_ns - began_ns
        return numbers | self._plan.numbers_after(elapsed_ns)

    def _try_again(self) -> None:
        now_ns = self._clock.now()
        if now_ns < self._retry_ns:
            return
        self._retry_ns = now_ns + _RETRY_NS
        try:
            board = self._connect()
        except DeviceError as error:
            if now_ns - self._gone_ns <= self._patience_s * 1e9:
                return
            msg = (
                f"Expected {self._plan.device} back within {self._patience_s:g} s of "
                f"being unplugged: {error}"
            )
            raise DeviceError(msg) from error
        self._resume(board)

    def _resume(self, board: Board) -> None:
        gone_ns, now_ns = self._gone_ns, self._clock.now()
        self._give_up_since(gone_ns)
        self._gone_ns = now_ns
        for numbering in self._intake.numberings.values():
            numbering.backwards = 0
        self._intake.restart_clock()
        self.board = board
        try:
            board.start(self._next_numbers(), triggers=self._triggers)
        except DeviceError as error:
            logger.warning("%s went again: %s", self._plan.device, error)
            self.lose()
            return
        gone_s = (now_ns - gone_ns) / 1e9
        logger.info("%s is back after %.2f s", self._plan.device, gone_s)

    def _give_up_since(self, gone_ns: int) -> None:
        """Count as lost what there would have been since the last message."""
        now_ns = self._clock.now()
        gap_ns = now_ns - gone_ns
        for stream in self._intake.streams:
            blocks = max(1, round(gap_ns / stream.source.period_ns / BLOCK_SAMPLES))
            self._give_up(stream.source.stream, blocks * BLOCK_SAMPLES, now_ns)
        if self._plan.events is not None:
            # nobody knows how many edges there were: the lines with a rate tell most
            rate_hz = sum(line.rate_hz for line in self._plan.lines.values())
            edges = max(1, round(gap_ns * rate_hz / 1e9))
            self._give_up(self._plan.events, edges, now_ns)

    def _give_up(self, stream: str, count: int, now_ns: int) -> None:
        numbering = self._intake.numberings[stream]
        first = numbering.next
        numbering.skip_to(first + count)
        self._intake.lost(stream, first, count, "unplugged", now_ns)

    def _check_tail(self, stream: str, number: int) -> None:
        numbering = self._intake.numberings[stream]
        first = numbering.next
        gap = (number - first) % _WRAP
        if 0 < gap < _WRAP // 2:
            numbering.skip_to(first + gap)
            self._intake.lost(stream, first, gap, "not received", self._clock.now())
