"""What comes from a board goes straight into the rings, in the thread that read it.

This thread alone writes the rings of signals and events, and alone feeds the online
clock. What the node's own loop has to do with it (losses to be recorded, answers of
the actuator, exchanges about the time) is handed over in queues.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from harp.device.core import TimestampSeconds

from rig.devices.actuator import Answer, decode_answer
from rig.devices.harp_frames import Stamped, parse_event
from rig.devices.harp_registers import registers
from rig.devices.harp_samples import SampleStream
from rig.devices.harp_time import TimeQuestions
from rig.devices.inputs import EdgeStream
from rig.messages import Loss
from sync.online import OnlineClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rig.bus.directory import StreamWriter
    from rig.devices.clock_rows import Exchange
    from rig.devices.harp_numbering import Numbering
    from rig.devices.harp_plan import BoardPlan
    from sync.online import ClockState

__all__ = ["Intake"]

_BEGAN_ANEW = 3
"""So many numbers in a row that run backwards mean that the board was restarted."""


class Intake:
    """The receiving side of one board.

    Parameters
    ----------
    plan
        What the board is for.
    """

    def __init__(self, plan: BoardPlan) -> None:
        self.clock = OnlineClock()
        self.questions = TimeQuestions(self.clock)
        self.streams = [SampleStream(source) for source in plan.sources]
        self.edges = EdgeStream(plan.lines)
        self.losses: deque[Loss] = deque()
        self.answers: deque[Answer] = deque()
        self.exchanges: deque[tuple[Exchange, ClockState]] = deque()
        """Answered questions about the time, each with what was known after it."""
        self.news = threading.Event()
        """Set when there is something in a queue that should not wait."""
        self.round_trip_ns = 0
        """Of the last exchange."""
        self.heard_ns = 0
        """Arrival of the last message."""
        self.output_flags: int | None = None
        """What lets the outputs be driven, as the board said last; None before."""
        self.implausible = 0
        """Messages that were whole but made no sense."""
        self.bad: Callable[[], int] = lambda: 0
        """Tells how many places of the stream were damaged so far."""
        self._plan = plan
        self._writers: Mapping[str, StreamWriter] = {}
        self._bad_before: dict[str, int] = {}
        self._handlers: dict[int, Callable[[Stamped, int], None]] = {
            registers.Edge.address: self._on_edge,
            registers.Acknowledge.address: self._on_answer,
            registers.Microseconds.address: self._on_time,
            registers.Permit.address: self._on_permit,
            TimestampSeconds.address: self._on_heartbeat,
        }
        for stream in self.streams:
            handler = self._handler_of(stream)
            self._handlers[stream.source.register.address] = handler

    def attach(self, writers: Mapping[str, StreamWriter]) -> None:
        """Give it the writers, by stream; before this, messages are dropped."""
        self._writers = writers

    @property
    def numberings(self) -> dict[str, Numbering]:
        """The running numbers, by stream."""
        found = {stream.source.stream: stream.numbering for stream in self.streams}
        if self._plan.events is not None:
            found[self._plan.events] = self.edges.numbering
        return found

    @property
    def began_anew(self) -> bool:
        """Whether the board was restarted behind our back."""
        return any(
            numbering.backwards >= _BEGAN_ANEW for numbering in self.numberings.values()
        )

    def restart_clock(self) -> None:
        """Forget the clock: the board was plugged in anew."""
        self.output_flags = None
        self.clock.restart()
        self.questions.restart()

    def on_message(self, frame: bytes, arrival_ns: int) -> None:
        """Take one message from the link."""
        message = parse_event(frame)
        handler = self._handlers.get(frame[2])
        if message is None or handler is None or not self._writers:
            return
        self.heard_ns = arrival_ns
        handler(message, arrival_ns)

    def lost(
        self, stream: str, first: int, count: int, cause: str, host_ns: int
    ) -> None:
        """Note that elements of a stream are missing, to be recorded by the node."""
        if stream in self._writers and count > 0:
            name = (
                "missing_events" if stream == self._plan.events else "missing_samples"
            )
            self._writers[stream].count(name, count)
        self.losses.append(
            Loss(
                host_ns=host_ns,
                stream=stream,
                stage="transport",
                first_id=first,
                count=count,
                cause=cause,
            )
        )
        self.news.set()

    def _handler_of(self, stream: SampleStream) -> Callable[[Stamped, int], None]:
        name = stream.source.stream

        def on_block(message: Stamped, arrival_ns: int) -> None:
            block = stream.take(message, arrival_ns)
            if block is None:
                self._refuse()
                return
            self.clock.update(block.end_ns, arrival_ns)
            self._note_gap(name, block.missing, block.record.device_sample, arrival_ns)
            self._writers[name].append(block.record, block.samples)

        return on_block

    def _on_edge(self, message: Stamped, arrival_ns: int) -> None:
        edge = self.edges.take(message, arrival_ns)
        if edge is None or self._plan.events is None:
            self._refuse()
            return
        record, name = edge.record, self._plan.events
        self.clock.update(record.device_ns, arrival_ns)
        self._note_gap(name, edge.missing, record.device_seq, arrival_ns)
        self._writers[name].append(record)

    def _on_answer(self, message: Stamped, arrival_ns: int) -> None:
        answer = decode_answer(message, arrival_ns)
        if answer is None:
            self._refuse()
            return
        self.answers.append(answer)
        self.news.set()

    def _on_heartbeat(self, message: Stamped, arrival_ns: int) -> None:
        self.clock.update(message.stamp_us * 1000, arrival_ns)

    def _on_time(self, message: Stamped, arrival_ns: int) -> None:
        if len(message.payload) != np.dtype("<u8").itemsize:
            return
        device_ns = int.from_bytes(message.payload, "little") * 1000
        exchange = self.questions.answered(device_ns, arrival_ns)
        if exchange is None:
            return
        self.round_trip_ns = arrival_ns - exchange.asked_ns
        self.clock.update_two_way(device_ns, exchange.asked_ns, arrival_ns)
        state = self.clock.state
        if state is not None:
            self.exchanges.append((exchange, state))

    def _on_permit(self, message: Stamped, arrival_ns: int) -> None:
        del arrival_ns
        self.output_flags = message.payload[0]

    def _refuse(self) -> None:
        self.implausible += 1
        self.news.set()

    def _note_gap(self, stream: str, missing: int, number: int, host_ns: int) -> None:
        bad = self.bad()
        damaged = bad > self._bad_before.get(stream, 0)
        self._bad_before[stream] = bad
        if missing:
            cause = "damaged on the way" if damaged else "not received"
            self.lost(stream, number - missing, missing, cause, host_ns)
