"""Runs errands to a server of streams, in a thread: nobody who draws ever waits.

::

    reader, pictures, questions ── question? ──▶ courier ──▶ server
          (any thread)          ◀── answered ──    (its own thread)

Each errand has a line of its own and one question out at a time, so a slow one holds
up no other. A question without an answer is asked again.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ref

import zmq

from rig.bus.remote_line import RemoteLine
from rig.errors import SpringhareError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.bus.keys import ClientKeys
    from rig.bus.remote_messages import StreamReply
    from sync.clock import Clock

__all__ = ["Courier", "Errand"]

_TICK_MS = 10
_PATIENCE_NS = 2_000_000_000
"""An answer that has not come by then is asked for again."""
_AWAY_NS = 100_000_000
"""A server that is not there is looked for so often."""


class Errand(Protocol):
    """Something that is asked again and again. Called from the courier's thread."""

    def question(self, now_ns: int) -> dict[str, Any] | None:
        """Return what to ask now: fields of a request; None while nothing is due."""
        ...

    def answered(self, reply: StreamReply, frames: Any, now_ns: int) -> None:
        """Take in an answer."""
        ...

    def refused(self, error: SpringhareError, now_ns: int) -> None:
        """Take in that there is no answer, and why."""
        ...


class Courier:
    """Runs errands until it is closed; one that nobody holds any more is dropped.

    Parameters
    ----------
    address
        The server's.
    keys
        The reader's, where the server has some.
    clock
        This machine's.
    exchanged
        Called with each exchange: when the question left and the answer came on this
        machine's clock, and when it was answered on the server's.
    """

    def __init__(
        self,
        address: str,
        keys: ClientKeys | None,
        clock: Clock,
        exchanged: Callable[[int, int, int], None],
    ) -> None:
        self._address, self._keys = address, keys
        self._clock = clock
        self._exchanged = exchanged
        self._new: SimpleQueue[Errand] = SimpleQueue()
        self._trips: dict[zmq.Socket[bytes], _Trip] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"courier to {address}", daemon=True
        )
        self._thread.start()

    def take(self, errand: Errand) -> None:
        """Run one more errand."""
        self._new.put(errand)

    def close(self) -> None:
        """End the thread; may be called twice."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        poller = zmq.Poller()
        try:
            while not self._closing.is_set():
                ready = poller.poll(_TICK_MS)
                for socket, _ in ready:
                    self._trips[socket].hear(self._exchanged)
                self._begin(poller)
                for socket, trip in list(self._trips.items()):
                    if not trip.go():
                        poller.unregister(socket)
                        del self._trips[socket]
        finally:
            for trip in self._trips.values():
                trip.close()

    def _begin(self, poller: zmq.Poller) -> None:
        with suppress(Empty):
            while True:
                errand = self._new.get_nowait()
                line = RemoteLine(self._address, self._keys)
                self._trips[line.socket] = _Trip(line, errand, self._clock)
                poller.register(line.socket, zmq.POLLIN)


class _Trip:
    """An errand on its line."""

    def __init__(self, line: RemoteLine, errand: Errand, clock: Clock) -> None:
        self._line = line
        self._errand = ref(errand)
        self._clock = clock
        self._since = 1
        """Answers to earlier questions are not wanted any more."""
        self._newest = 0
        self._sent_ns = 0
        self._out = False
        self._not_before_ns = 0

    def hear(self, exchanged: Callable[[int, int, int], None]) -> None:
        """Take in an answer that has come."""
        errand = self._errand()
        if errand is None:
            return
        try:
            found = self._line.receive(self._since, 0)
            if found is not None:
                self._hear(errand, *found, exchanged)
        except SpringhareError as error:
            self._home()
            errand.refused(error, self._clock.now())

    def go(self) -> bool:
        """Ask what is due; tell whether anybody still holds the errand."""
        errand = self._errand()
        if errand is None:
            self.close()
            return False
        now_ns = self._clock.now()
        if self._out and now_ns - self._sent_ns < _PATIENCE_NS:
            return True
        if now_ns >= self._not_before_ns:
            self._ask(errand.question(now_ns), now_ns)
        return True

    def close(self) -> None:
        """Close the line; may be called twice."""
        self._line.close()

    def _ask(self, question: dict[str, Any] | None, now_ns: int) -> None:
        self._out = False
        if question is None:
            return
        number = self._line.send(0, **question)
        if number is None:
            self._not_before_ns = now_ns + _AWAY_NS
            return
        self._out, self._newest, self._sent_ns = True, number, now_ns

    def _hear(
        self,
        errand: Errand,
        reply: StreamReply,
        frames: Any,
        exchanged: Callable[[int, int, int], None],
    ) -> None:
        now_ns = self._clock.now()
        if reply.request_id == self._newest:
            exchanged(self._sent_ns, now_ns, reply.host_ns)
        self._home()
        errand.answered(reply, frames, now_ns)

    def _home(self) -> None:
        self._out = False
        self._since = self._newest + 1
