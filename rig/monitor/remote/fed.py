"""Streams and pictures of another machine, as they have come: nothing here waits."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.bus.reader import Batch
from rig.bus.remote_answers import Answer, AnswerReader, batch_of
from rig.monitor.live.pictures import Picture

if TYPE_CHECKING:
    from rig.bus.remote_messages import StreamReply
    from rig.errors import SpringhareError
    from rig.messages import StreamSpec

__all__ = ["FedReader", "RemotePictures"]

_EVERY_NS = 33_000_000
_SELDOM_NS = 200_000_000
"""Of a stream that brought nothing the last time, or of which nothing is seen to move:
each question takes the rig 0.2 ms."""
_MOVING = frozenset({"frames", "samples", "poses", "estimates", "points", "features"})
_REFUSED_NS = 1_000_000_000
_MAX_BYTES = 250_000
"""Of one answer."""
_MOST_BYTES = 8_000_000
"""That wait to be read."""


class FedReader(AnswerReader):
    """A reader that a courier feeds; a `StreamReader`.

    What is not read in time stays in the ring over there until it is overwritten,
    and is then counted as lost.

    Parameters
    ----------
    spec
        Of the stream.
    session
        What the server calls the session.
    start
        The `seq` to begin with; by default the one that is published next when the
        server is asked for the first time.
    """

    def __init__(
        self, spec: StreamSpec, session: str, start: int | None = None
    ) -> None:
        super().__init__(spec, start or 0)
        self._session = session
        self._start = start
        self._next: int | None = None
        """`seq` to be asked for; None until it is known how the stream stands."""
        self._due_ns = 0
        self._answers: deque[Answer] = deque()
        self._fed_bytes = 0
        self._read_bytes = 0

    @property
    def begun(self) -> bool:
        """Whether the server has said how the stream stands."""
        return self._next is not None

    def read(self, most: int) -> Batch:
        """Return the next elements that have come: at most `most`, maybe none."""
        found: list[Batch] = []
        while most > 0 and self._answers:
            batch = self._take_first(most)
            if len(batch):
                found.append(batch)
                most -= len(batch)
        if len(found) == 1:
            return found[0]
        return _joined(found) if found else self._nothing()

    def latest(self) -> Batch | None:
        """Return the newest element that has come; skip the ones before it."""
        newest: Batch | None = None
        while self._answers:
            batch = self._take_first(len(self._answers[0].rows))
            passed = len(batch) if newest is None else len(batch) + 1
            if len(batch):
                self.taken -= passed - 1
                self.skipped += passed - 1
                newest = Batch(batch.rows[-1:], batch.payload[-1:])
        return newest

    def question(self, now_ns: int) -> dict[str, Any] | None:
        """Return the question for what comes next, while there is room for it."""
        waiting = self._fed_bytes - self._read_bytes
        if now_ns < self._due_ns or waiting > _MOST_BYTES:
            return None
        return {
            "stream": self._spec.name,
            "session": self._session,
            "cursor": self._next,
            "max_bytes": _MAX_BYTES,
        }

    def answered(self, reply: StreamReply, frames: Any, now_ns: int) -> None:
        """Take in elements."""
        if self._next is None:
            self._begin(reply)
        else:
            answer = Answer(reply, "every", frames[0].bytes, frames[1])
            if not answer.empty:
                self._fed_bytes += _nbytes(answer)
                self._answers.append(answer)
                self._next = reply.first_seq + reply.count
            often = self._spec.kind in _MOVING and not answer.empty
            pause_ns = _EVERY_NS if often else _SELDOM_NS
            behind = reply.head > self._next
            self._due_ns = now_ns + (0 if behind else pause_ns)
        self._state = reply

    def refused(self, error: SpringhareError, now_ns: int) -> None:
        """Ask again later: the link says what is wrong with the session."""
        self._due_ns = now_ns + _REFUSED_NS

    def _begin(self, reply: StreamReply) -> None:
        self.generation = reply.generation
        if self._start is None:
            self.cursor = reply.head
        self._next = self.cursor

    def _take_first(self, most: int) -> Batch:
        answer = self._answers[0]
        batch, used_up = self._consume(answer, most)
        if used_up:
            self._answers.popleft()
            self._read_bytes += _nbytes(answer)
        return batch


class RemotePictures:
    """Pictures of a camera of another machine: the newest that has come.

    One is asked for each time that one is taken, so they travel as often as they are
    drawn, and as small.

    Parameters
    ----------
    spec
        Of the camera's stream.
    session
        What the server calls the session.
    """

    def __init__(self, spec: StreamSpec, session: str) -> None:
        self._spec = spec
        self._session = session
        self._wanted: tuple[int | None, int] | None = None
        self._newest: Picture | None = None
        self._due_ns = 0

    def take(self, seq: int | None, step: int) -> Picture | None:
        """Return the newest picture that has come, and ask for the wanted one."""
        self._wanted = seq, step
        newest = self._newest
        if newest is None or step == newest.step or step % newest.step:
            return newest
        every = step // newest.step
        return Picture(newest.row, newest.pixels[::every, ::every], step)

    def question(self, now_ns: int) -> dict[str, Any] | None:
        """Return the question for the picture that was wanted last."""
        if self._wanted is None or now_ns < self._due_ns:
            return None
        (seq, step), self._wanted = self._wanted, None
        here = None if self._newest is None else int(self._newest.row["seq"])
        if seq is None:
            policy, cursor = "newest", 0 if here is None else here + 1
        elif here == seq and self._newest is not None and self._newest.step == step:
            return None
        else:
            policy, cursor = "every", seq
        return {
            "stream": self._spec.name,
            "session": self._session,
            "cursor": cursor,
            "policy": policy,
            "max_rows": 1,
            "step": step,
        }

    def answered(self, reply: StreamReply, frames: Any, now_ns: int) -> None:
        """Take in a picture."""
        if reply.count:
            rows = frames[0].bytes
            batch = batch_of(self._spec, rows, frames[1], reply.step)
            self._newest = Picture(batch.rows[-1], batch.payload[-1], reply.step)

    def refused(self, error: SpringhareError, now_ns: int) -> None:
        """Ask again later: the link says what is wrong with the session."""
        self._due_ns = now_ns + _REFUSED_NS


def _joined(batches: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([batch.rows for batch in batches]),
        np.concatenate([batch.payload for batch in batches]),
    )


def _nbytes(answer: Answer) -> int:
    return len(answer.rows) + len(answer.payload)
