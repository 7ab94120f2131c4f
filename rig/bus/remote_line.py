"""A line to a server of streams: one question at a time, answered or not.

It never waits longer than it is told to, and a question that was lost is simply asked
again: the server remembers nothing of those who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import zmq

from rig.bus.remote_messages import StreamReply, StreamRequest, decode, encode
from rig.bus.sockets import make_socket
from rig.errors import StreamError

if TYPE_CHECKING:
    from rig.bus.keys import ClientKeys

__all__ = ["RemoteLine"]


class RemoteLine:
    """A connection to a server of streams.

    Parameters
    ----------
    address
        The server's, e.g. ``tcp://192.168.1.10:5511``.
    keys
        The reader's keys, where the server has some.

    Raises
    ------
    StreamError
        If the address is none.
    """

    def __init__(self, address: str, keys: ClientKeys | None = None) -> None:
        self.address = address
        self._request_id = 0
        self.socket = make_socket(zmq.DEALER)
        """Readable when there is an answer."""
        # Nothing is queued for a server that is not there: it is asked again later.
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.SNDHWM, 2)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 2000)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 6000)
        if keys is not None:
            self.socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.pair.public)
            self.socket.setsockopt(zmq.CURVE_SECRETKEY, keys.pair.secret)
            self.socket.setsockopt(zmq.CURVE_SERVERKEY, keys.server)
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            msg = f"Expected an address like tcp://host:5511, got {address!r}"
            raise StreamError(msg) from error

    def send(self, timeout_ms: int, **request: Any) -> int | None:
        """Ask; return the request's number, or None while nobody is there."""
        if not self.socket.poll(timeout_ms, zmq.POLLOUT):
            return None
        self._request_id += 1
        message = StreamRequest(request_id=self._request_id, **request)
        try:
            self.socket.send(encode(message), zmq.DONTWAIT)
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
        VersionError
            If it is of another version.
        """
        while self.socket.poll(timeout_ms):
            head, *frames = self.socket.recv_multipart(copy=False)
            reply = decode(head.bytes, StreamReply)
            if reply.request_id >= since or reply.request_id < 0:
                if reply.error:
                    raise StreamError(reply.error)
                return reply, frames
        return None

    def ask(self, timeout_ms: int, **request: Any) -> StreamReply:
        """Ask and wait for the answer.

        Raises
        ------
        StreamError
            If there is none in time, or the server refuses.
        VersionError
            If it is of another version.
        """
        request_id = self.send(timeout_ms, **request)
        found = self.receive(request_id, timeout_ms) if request_id else None
        if found is None:
            msg = (
                f"Expected an answer from {self.address} within {timeout_ms} ms, got "
                "none: is the server running there, and are the keys right?"
            )
            raise StreamError(msg)
        return found[0]

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self.socket.close(linger=0)
