"""Who is let in to read streams over TCP: those whose key is known (ZeroMQ's RFC 27).

What would be served without keys stays on the machine.
"""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import zmq
from zmq.utils import z85

from rig.errors import StreamError

if TYPE_CHECKING:
    from rig.bus.keys import ServerKeys

__all__ = ["Door", "require_keys"]

logger = logging.getLogger(__name__)

_ZAP_ADDRESS = "inproc://zeromq.zap.01"


class Door:
    """Answers the question of a context's sockets, whether a key is known.

    Parameters
    ----------
    context
        A context of its own: keys are asked for once per context.
    keys
        The server's keys.
    """

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], keys: ServerKeys
    ) -> None:
        self._keys = keys
        self.socket = context.socket(zmq.REP)
        """Readable when somebody is at the door."""
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind(_ZAP_ADDRESS)

    def guard(self, socket: zmq.Socket[bytes]) -> None:
        """Let nobody speak to a socket who has no key; before it is bound."""
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.pair.secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, b"springhare")

    def step(self) -> None:
        """Judge those who have come since."""
        while self.socket.poll(0):
            self._judge(self.socket.recv_multipart())

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self.socket.close(linger=0)

    def _judge(self, frames: list[bytes]) -> None:
        version, request_id, _domain, address, _identity, mechanism, *secrets = frames
        allowed = (
            mechanism == b"CURVE"
            and len(secrets) == 1
            and _z85(secrets[0]) in self._keys.clients
        )
        if not allowed:
            logger.warning("Refused a reader at %s: unknown key", address.decode())
        status = (b"200", b"OK") if allowed else (b"400", b"unknown key")
        self.socket.send_multipart([version, request_id, *status, b"", b""])


def require_keys(address: str, keys: ServerKeys | None) -> None:
    """Refuse an address that is none, or that others can reach without keys.

    Raises
    ------
    StreamError
        If it is one.
    """
    host = urlsplit(address).hostname or ""
    if not address.startswith("tcp://"):
        msg = f"Expected an address like tcp://127.0.0.1:5511, got {address!r}"
        raise StreamError(msg)
    if keys is None and not _is_loopback(host):
        msg = (
            f"Expected keys to listen on {address}, which other machines can reach, "
            "got none: make them with springhare keys, or listen on 127.0.0.1"
        )
        raise StreamError(msg)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", "lo"}


def _z85(key: bytes) -> bytes:
    return cast("Any", z85).encode(key)
