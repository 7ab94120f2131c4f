"""The same stream from another machine: a reader that pulls over TCP.

It asks with its own cursor and is answered with rows and payloads, many at a
time. A request with nothing to answer is held by the server until there is
something (`RemoteReader.wait`), so latency stays that of the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from rig.bus.reader import KEPT_LOSSES, Batch
from rig.bus.remote_messages import Policy, StreamReply, StreamRequest, decode, encode
from rig.bus.sockets import make_socket
from rig.errors import SpringhareError, StreamError

if TYPE_CHECKING:
    from rig.bus.keys import ClientKeys
    from rig.messages import StreamSpec

__all__ = ["RemoteReader", "remote_names"]

_MAX_BYTES = 4_000_000
_PATIENCE_GONE_MS = 50
"""How long a server that did not answer the last time is waited for."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A reply with its rows and payloads."""

    reply: StreamReply
    policy: Policy
    rows: bytes
    payload: zmq.Frame | bytes


class _Link:
    """A connection that answers one question at a time, or not at all."""

    def __init__(self, address: str, keys: ClientKeys | None) -> None:
        self.address = address
        self._request_id = 0
        self._socket = make_socket(zmq.DEALER)
        # Nothing is queued for a server that is not there: it is asked again later.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.SNDHWM, 2)
        self._socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
        self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)
        if keys is not None:
            self._socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.pair.public)
            self._socket.setsockopt(zmq.CURVE_SECRETKEY, keys.pair.secret)
            self._socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            msg = f"Expected an address like tcp://host:5511, got {address!r}"
            raise StreamError(msg) from error

    def send(self, timeout_ms: int, **request: Any) -> int | None:
        """Ask; return the request's number, or None while nobody is there."""
        if not self._socket.poll(timeout_ms, zmq.POLLOUT):
            return None
        self._request_id += 1
        message = StreamRequest(request_id=self._request_id, **request)
        try:
            self._socket.send(encode(message), zmq.DONTWAIT)
        except zmq.Again:
            return None
        return self._request_id

    def receive(self, since: int, timeout_ms: int) -> tuple[StreamReply, Any] | None:
        """Return the answer to a request, or to a later one, and what follows it.

        None if there is none in time.

        Raises
        ------
        StreamError
            If the server refuses.
        """
        while self._socket.poll(timeout_ms):
            head, *frames = self._socket.recv_multipart(copy=False)
            reply = decode(head.bytes, StreamReply)
            if reply.request_id >= since or reply.request_id < 0:
                if reply.error:
                    raise StreamError(reply.error)
                return reply, frames
        return None

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close(linger=0)


def _ask(link: _Link, timeout_ms: int, **request: Any) -> StreamReply:
    request_id = link.send(timeout_ms, **request)
    found = link.receive(request_id, timeout_ms) if request_id else None
    if found is None:
        msg = (
            f"Expected an answer from {link.address} within {timeout_ms} ms, got none: "
            "is the server running there, and are the keys right?"
        )
        raise StreamError(msg)
    return found[0]


def remote_names(
    address: str, keys: ClientKeys | None = None, timeout_ms: int = 2000
) -> list[str]:
    """Return the names of all streams that a server has.

    Raises
    ------
    StreamError
        If it does not answer.
    """
    link = _Link(address, keys)
    try:
        return _ask(link, timeout_ms, stream="").names
    finally:
        link.close()


class RemoteReader:
    """A reader of a stream on another machine; a `StreamReader`.

    Parameters
    ----------
    address
        The server's, e.g. ``tcp://192.168.1.10:5511``.
    stream
        Name of the stream.
    keys
        The reader's keys, where the server has some.
    start
        The `seq` to begin with; by default the next one to be published.
    timeout_ms
        How long an answer is waited for. While the server is gone a reader finds
        nothing new (`connected` tells); it goes on when the server is back.

    Raises
    ------
    StreamError
        If the server does not answer or has no such stream.
    VersionError
        If it is of another version.
    """

    def __init__(
        self,
        address: str,
        stream: str,
        keys: ClientKeys | None = None,
        start: int | None = None,
        timeout_ms: int = 2000,
    ) -> None:
        self._link = _Link(address, keys)
        self._timeout_ms = timeout_ms
        try:
            reply = _ask(self._link, timeout_ms, stream=stream)
        except SpringhareError:
            self.close()
            raise
        if reply.spec is None:
            msg = f"Expected a description of {stream!r}, got none"
            raise StreamError(msg)
        self._spec = reply.spec
        self._session = reply.session
        self._state = reply
        self._answer: _Answer | None = None
        self._asked: tuple[int, Policy, int] | None = None
        self._policy: Policy = "every"
        self.connected = True
        """Whether the server answered when it was last asked."""
        self.cursor = reply.head if start is None else start
        self.generation = reply.generation
        self.taken = 0
        """Elements read."""
        self.skipped = 0
        """Elements passed over by `latest`: policy, not loss."""
        self.lost = 0
        """Number of elements overwritten before they were read."""
        self.losses: list[tuple[int, int]] = []
        """(first seq, count) of elements overwritten before they were read: the
        newest `KEPT_LOSSES` ranges."""

    @property
    def spec(self) -> StreamSpec:
        """What the stream is."""
        return self._spec

    @property
    def finished(self) -> bool:
        """Whether the writer had closed the stream and all of it was read."""
        return self._state.closed and self.cursor >= self._state.head

    def restarted(self) -> bool:
        """Tell, once for each restart, whether the stream has a new writer."""
        generation = self._state.generation
        changed = generation > max(self.generation, 1)  # the first writer is none
        self.generation = generation
        return changed

    def read(self, most: int) -> Batch:
        """Return the next elements, in order, every one: at most `most`, maybe none.

        Asks the server when nothing is left of its last answer.

        Raises
        ------
        StreamError
            If the server has another session now.
        """
        self._policy = "every"
        answer = self._at_hand("every") or self._fetch("every", 0)
        return self._consume(answer, most)

    def latest(self) -> Batch | None:
        """Return the newest element that was not read yet; skip the ones before it.

        Raises
        ------
        StreamError
            If the server has another session now.
        """
        self._policy = "newest"
        answer = self._at_hand("newest") or self._fetch("newest", 0)
        batch = self._consume(answer, 1)
        return batch if len(batch) else None

    def wait(self, timeout_ms: int) -> bool:
        """Wait until there is something new for the way of reading used last.

        Returns
        -------
        bool
            Whether there is; False after `timeout_ms`.
        """
        if self._at_hand(self._policy) is None:
            self._fetch(self._policy, timeout_ms)
        return self._answer is not None

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._link.close()

    def _at_hand(self, policy: Policy) -> _Answer | None:
        """Return what an answer still holds, or one that has come in since."""
        answer = self._answer
        if answer is not None and answer.policy != policy:
            answer = self._answer = None  # not taken yet: it is asked for again
        if answer is None and self._asked is not None:
            since, asked, cursor = self._asked
            if asked == policy and cursor == self.cursor:
                answer = self._receive(since, policy, 0)
        return answer

    def _fetch(self, policy: Policy, wait_ms: int) -> _Answer | None:
        """Ask the server for news, that it may hold back until there are some."""
        patience_ms = self._timeout_ms if self.connected else _PATIENCE_GONE_MS
        request_id = self._link.send(
            max(patience_ms, wait_ms),
            stream=self._spec.name,
            session=self._session,
            cursor=self.cursor,
            policy=policy,
            max_bytes=_MAX_BYTES,
            wait_ms=wait_ms,
        )
        self.connected = False
        if request_id is None:
            return None
        since = request_id
        if self._asked is not None and self._asked[1:] == (policy, self.cursor):
            since = self._asked[0]  # an answer to the same question is as good
        self._asked = (since, policy, self.cursor)
        return self._receive(since, policy, wait_ms + patience_ms)

    def _receive(self, since: int, policy: Policy, timeout_ms: int) -> _Answer | None:
        found = self._link.receive(since, timeout_ms)
        if found is None:
            return None
        self._asked = None
        self.connected = True
        self._state, frames = found
        if not (self._state.count or self._state.losses or self._state.skipped):
            return None
        self._answer = _Answer(self._state, policy, frames[0].bytes, frames[1])
        return self._answer

    def _consume(self, answer: _Answer | None, most: int) -> Batch:
        """Take up to `most` elements of an answer and account for them."""
        empty = self._rows(b"", b"")
        if answer is None:
            return empty
        batch = self._rows(answer.rows, answer.payload)
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
        if last == reply.count:
            self._answer = None
        return Batch(batch.rows[first:last], batch.payload[first:last])

    def _rows(self, rows: bytes, payload: Any) -> Batch:
        array = np.frombuffer(rows, self._spec.row)
        if self._spec.payload is None:
            return Batch(array, np.zeros((len(array), 0), np.uint8))
        shape = (len(array), *self._spec.payload.shape)
        flat = np.frombuffer(payload, self._spec.payload.dtype)
        return Batch(array, flat.reshape(shape))
