"""What a server of streams has answered, taken apart and accounted for.

Any reader that is fed by answers keeps the same books: of the elements published
since it began, each is taken, skipped, lost or still to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.bus.reader import KEPT_LOSSES, Batch

if TYPE_CHECKING:
    import zmq

    from rig.bus.remote_messages import Policy, StreamReply
    from rig.messages import StreamSpec

__all__ = ["Answer", "AnswerReader", "batch_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply with its rows and payloads."""

    reply: StreamReply
    policy: Policy
    rows: bytes
    payload: zmq.Frame | bytes

    @property
    def empty(self) -> bool:
        """Whether nothing happened: no element came, none is missing."""
        reply = self.reply
        return not (reply.count or reply.losses or reply.skipped)


def batch_of(
    spec: StreamSpec, rows: bytes, payload: zmq.Frame | bytes, step: int = 1
) -> Batch:
    """Return rows and payloads as arrays; nothing is copied.

    Parameters
    ----------
    spec
        Of the stream.
    rows, payload
        As they came.
    step
        Of frames of which each `step`-th row and column came.
    """
    array = np.frombuffer(rows, spec.row)
    if spec.payload is None:
        return Batch(array, np.zeros((len(array), 0), np.uint8))
    shape = spec.payload.shape
    if step > 1:
        height, width, *colours = shape
        shape = (-(-height // step), -(-width // step), *colours)
    buffer: Any = payload  # a frame lends its memory, which its stub does not say
    flat = np.frombuffer(buffer, spec.payload.dtype)
    return Batch(array, flat.reshape(len(array), *shape))


class AnswerReader:
    """Keeps the books of a reader that is fed by answers.

    Parameters
    ----------
    spec
        Of the stream.
    cursor
        `seq` of the element that comes first.
    """

    def __init__(self, spec: StreamSpec, cursor: int) -> None:
        self._spec = spec
        self.cursor = cursor
        """`seq` of the element that comes next."""
        self.generation = 0
        self.taken = 0
        """Elements read."""
        self.skipped = 0
        """Elements passed over by `latest`: policy, not loss."""
        self.lost = 0
        """Number of elements overwritten before they were read."""
        self.losses: list[tuple[int, int]] = []
        """(first seq, count) of elements overwritten before they were read: the
        newest `KEPT_LOSSES` ranges."""
        self._state: StreamReply | None = None

    @property
    def spec(self) -> StreamSpec:
        """What the stream is."""
        return self._spec

    @property
    def finished(self) -> bool:
        """Whether the writer had closed the stream and all of it was read."""
        state = self._state
        return state is not None and state.closed and self.cursor >= state.head

    def restarted(self) -> bool:
        """Tell, once for each restart, whether the stream has a new writer."""
        generation = self._state.generation if self._state else self.generation
        changed = generation > max(self.generation, 1)  # the first writer is none
        self.generation = generation
        return changed

    def _consume(self, answer: Answer, most: int) -> tuple[Batch, bool]:
        """Take up to `most` elements of an answer, and tell whether it is used up."""
        batch = batch_of(self._spec, answer.rows, answer.payload)
        reply = answer.reply
        if self.cursor < reply.first_seq:
            self.lost += sum(count for _, count in reply.losses)
            self.losses = [*self.losses, *reply.losses][-KEPT_LOSSES:]
            self.skipped += reply.skipped
            self.cursor = reply.first_seq
        first = self.cursor - reply.first_seq
        last = min(first + most, reply.count)
        self.cursor += last - first
        self.taken += last - first
        part = Batch(batch.rows[first:last], batch.payload[first:last])
        return part, last == reply.count

    def _nothing(self) -> Batch:
        return batch_of(self._spec, b"", b"")
