"""Control: acknowledged requests between the supervisor, its nodes and clients.

The supervisor holds the one server of a session; every node, and any program
that asks for something (a monitor, a script), is a client with a name. Each
request is answered, with a result or with the reason why not.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
import zmq

from rig.bus.sockets import make_socket
from rig.errors import SpringhareError, StreamError
from rig.messages import Message

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

__all__ = ["ControlClient", "ControlServer"]

logger = logging.getLogger(__name__)

_decode = msgspec.msgpack.Decoder(Message).decode
_encode = msgspec.msgpack.Encoder().encode


def _parse(data: bytes) -> Message:
    try:
        return _decode(data)
    except msgspec.MsgspecError as error:
        msg = (
            f"Expected a control message, got {data[:40]!r}…: {error}; use one "
            "version of springhare for all"
        )
        raise StreamError(msg) from error


class ControlServer:
    """The supervisor's end.

    Parameters
    ----------
    path
        Unix socket that clients connect to; its folder is the user's own.
    """

    def __init__(self, path: Path) -> None:
        self._socket = make_socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._socket.bind(f"ipc://{path}")
        self.path = path

    def send(self, client: str, message: Message) -> None:
        """Send a message to a client; one that is gone does not get it."""
        self._socket.send_multipart([client.encode(), _encode(message)])

    def receive(
        self, timeout_ms: int, own: Container[str] | None = None
    ) -> list[tuple[str, Message]]:
        """Return what has come, with the sender's name; wait for the first of it.

        Parameters
        ----------
        own
            Names of the clients that must not fail; None for all. What another one
            sent and cannot be read is said in the log, and left.

        Raises
        ------
        StreamError
            If something came that is no message.
        VersionError
            If it is one of another version.
        """
        messages: list[tuple[str, Message]] = []
        wait = timeout_ms
        while self._socket.poll(wait):
            client, *_, data = self._socket.recv_multipart()
            name, wait = client.decode(errors="backslashreplace"), 0
            try:
                messages.append((name, _parse(data)))
            except SpringhareError as error:
                if own is None or name in own:
                    raise
                logger.warning("From %s, which is no node: %s", name, error)
        return messages

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._socket.close(linger=0)


class ControlClient:
    """A node's or a program's end.

    Parameters
    ----------
    path
        The session's control socket.
    name
        The client's name; a second client of the same name takes its place.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._socket = make_socket(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, name.encode())
        self._socket.connect(f"ipc://{path}")

    def send(self, message: Message) -> None:
        """Send a message to the supervisor; wait where too many are on their way."""
        self._socket.send(_encode(message))

    def try_to_send(self, message: Message) -> bool:
        """Send a message, or tell that too many wait for a supervisor that hangs."""
        try:
            self._socket.send(_encode(message), zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def receive(self, timeout_ms: int) -> Message | None:
        """Return the next message; None when none comes in time.

        Raises
        ------
        StreamError
            If something came that is no message.
        VersionError
            If it is one of another version.
        """
        if not self._socket.poll(timeout_ms):
            return None
        return _parse(self._socket.recv())

    def close(self) -> None:
        """Close the socket, after what was sent has gone; may be called twice."""
        self._socket.close(linger=500)
