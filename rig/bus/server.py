"""The serving end of streams over TCP: answers readers, remembers none of them.

It reads the rings as any other reader does, so it can harm no writer. What leaves
the machine is encrypted and goes only to readers whose key is known.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import zmq
from zmq.utils import z85

from rig.bus.reader import Batch, RingReader
from rig.bus.remote_messages import StreamReply, StreamRequest, decode, encode
from rig.errors import SpringhareError, StreamError
from sync.clock import Clock, MonotonicClock

if TYPE_CHECKING:
    from rig.bus.directory import StreamDirectory
    from rig.bus.keys import ServerKeys
    from rig.bus.ring import Ring

__all__ = ["StreamServer"]

logger = logging.getLogger(__name__)

_ZAP_ADDRESS = "inproc://zeromq.zap.01"
_LARGEST_REQUEST_BYTES = 65_536
_LARGEST_REPLY_BYTES = 64_000_000
_LONGEST_WAIT_MS = 60_000
_REPLIES_IN_FLIGHT = 2
"""For one reader; what it does not fetch is dropped, it asks again."""


@dataclass(frozen=True, slots=True)
class _Parked:
    """A request that is held because there is nothing new."""

    request: StreamRequest
    ring: Ring
    generation: int
    due_ns: int


class StreamServer:
    """Serves a session's streams to any number of readers on other machines.

    Parameters
    ----------
    streams
        The session's streams.
    address
        Where to listen, e.g. ``tcp://192.168.1.10:5511``; port ``*`` takes any.
    keys
        The server's keys; needed for any address but a loopback one.
    clock
        Host clock.

    Raises
    ------
    StreamError
        If the address is not the machine's own, is taken, or may not be used
        without keys.
    """

    def __init__(
        self,
        streams: StreamDirectory,
        address: str,
        keys: ServerKeys | None = None,
        clock: Clock | None = None,
    ) -> None:
        _require_keys(address, keys)
        self._streams = streams
        self._keys = keys
        self._clock = clock or MonotonicClock()
        owner = streams.owner
        self._session = f"{streams.path.name} {owner.pid}-{owner.started}"
        self._rings: dict[str, Ring] = {}
        self._parked: dict[bytes, _Parked] = {}
        # A context of its own: keys are asked for once per context.
        self._context = zmq.Context()
        self._zap = self._listen_for_keys() if keys else None
        self._socket = self._context.socket(zmq.ROUTER)
        self._waiter = streams.waiter()
        self._set_up()
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            msg = f"Expected to listen on {address}, got: {error.strerror}"
            raise StreamError(msg) from error
        self.address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        """Where it listens, with the port that was taken."""

    def _set_up(self) -> None:
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.SNDHWM, _REPLIES_IN_FLIGHT),
            (zmq.MAXMSGSIZE, _LARGEST_REQUEST_BYTES),
            (zmq.HEARTBEAT_IVL, 2000),
            (zmq.HEARTBEAT_TIMEOUT, 6000),
        ):
            self._socket.setsockopt(option, value)
        self._waiter.add_socket(self._socket)
        if self._keys is not None:
            self._socket.setsockopt(zmq.CURVE_SERVER, 1)
            self._socket.setsockopt(zmq.CURVE_SECRETKEY, self._keys.pair.secret)
            self._socket.setsockopt(zmq.ZAP_DOMAIN, b"springhare")

    def _listen_for_keys(self) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.REP)
        socket.setsockopt(zmq.LINGER, 0)
        socket.bind(_ZAP_ADDRESS)
        return socket

    def step(self, timeout_ms: int) -> None:
        """Answer what was asked; wait for the first question up to `timeout_ms`."""
        self._waiter.wait(self._wait_ms(timeout_ms))
        while self._zap is not None and self._zap.poll(0):
            self._judge(self._zap, self._zap.recv_multipart())
        while self._socket.poll(0):
            client, *frames = self._socket.recv_multipart()
            self._take(client, b"".join(frames))
        self._answer_parked()

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        self._waiter.close()
        self._socket.close(linger=0)
        if self._zap is not None:
            self._zap.close(linger=0)
        self._context.term()

    def _wait_ms(self, timeout_ms: int) -> int:
        if not self._parked:
            return timeout_ms
        due_ns = min(parked.due_ns for parked in self._parked.values())
        return max(0, min(timeout_ms, -(-(due_ns - self._clock.now()) // 1_000_000)))

    def _judge(self, zap: zmq.Socket[bytes], frames: list[bytes]) -> None:
        """Let a reader in if its key is known (ZeroMQ's RFC 27)."""
        version, request_id, _domain, address, _identity, mechanism, *secrets = frames
        allowed = (
            self._keys is not None
            and mechanism == b"CURVE"
            and len(secrets) == 1
            and _z85(secrets[0]) in self._keys.clients
        )
        if not allowed:
            logger.warning("Refused a reader at %s: unknown key", address.decode())
        status = (b"200", b"OK") if allowed else (b"400", b"unknown key")
        zap.send_multipart([version, request_id, *status, b"", b""])

    def _take(self, client: bytes, data: bytes) -> None:
        self._parked.pop(client, None)
        try:
            request = decode(data, StreamRequest)
        except SpringhareError as error:
            self._send(client, StreamReply(request_id=-1, error=str(error)))
            return
        try:
            self._serve(client, request)
        except SpringhareError as error:
            reply = StreamReply(request_id=request.request_id, error=str(error))
            self._send(client, reply)

    def _serve(self, client: bytes, request: StreamRequest) -> None:
        if request.session not in {"", self._session}:
            msg = (
                "Expected the session that the reader began with, got another one: "
                "begin a new reader"
            )
            raise StreamError(msg)
        if not request.stream:
            names = self._streams.names()
            self._send(client, self._reply(request, names=names))
            return
        ring = self._ring(request.stream)
        if request.cursor is None:
            self._send(client, self._reply(request, ring, spec=ring.spec))
        elif ring.head > request.cursor or ring.closed or request.wait_ms <= 0:
            self._send_rows(client, request, ring)
        else:
            wait_ns = min(request.wait_ms, _LONGEST_WAIT_MS) * 1_000_000
            due_ns = self._clock.now() + wait_ns
            self._parked[client] = _Parked(request, ring, ring.generation, due_ns)

    def _ring(self, name: str) -> Ring:
        if name not in self._rings:
            self._rings[name] = self._streams.ring(name)
            self._waiter.add(self._streams.notice_path(name))
        return self._rings[name]

    def _answer_parked(self) -> None:
        now = self._clock.now()
        for client, parked in list(self._parked.items()):
            ring = parked.ring
            news = (
                ring.head > (parked.request.cursor or 0)
                or ring.closed
                or ring.generation != parked.generation
            )
            if news or now >= parked.due_ns:
                del self._parked[client]
                self._send_rows(client, parked.request, ring)

    def _send_rows(self, client: bytes, request: StreamRequest, ring: Ring) -> None:
        closed, head = ring.closed, ring.head  # in this order: after it no more comes
        reader = RingReader(ring, request.cursor)
        batch = _read(reader, request)
        reply = self._reply(
            request,
            ring,
            head=head,
            closed=closed,
            first_seq=reader.cursor - len(batch),
            count=len(batch),
            skipped=reader.skipped,
            losses=reader.losses,
        )
        self._send(client, reply, batch)

    def _reply(
        self, request: StreamRequest, ring: Ring | None = None, **more: Any
    ) -> StreamReply:
        if ring is not None:
            more = {"generation": ring.generation, "head": ring.head, **more}
        return StreamReply(request_id=request.request_id, session=self._session, **more)

    def _send(
        self, client: bytes, reply: StreamReply, batch: Batch | None = None
    ) -> None:
        frames: list[Any] = [client, encode(reply)]
        if batch is not None:
            frames += [batch.rows.tobytes(), batch.payload.reshape(-1).view("u1")]
        self._socket.send_multipart(frames, copy=False)


def _z85(key: bytes) -> bytes:
    return cast("Any", z85).encode(key)


def _read(reader: RingReader, request: StreamRequest) -> Batch:
    spec = reader.spec
    nbytes = spec.row.itemsize + (spec.payload.nbytes if spec.payload else 0)
    budget = min(request.max_bytes, _LARGEST_REPLY_BYTES)
    most = max(1, min(request.max_rows, budget // nbytes))
    if request.policy == "newest":
        batch = reader.latest()
        return batch if batch is not None else reader.read(0)
    return reader.read(most)


def _require_keys(address: str, keys: ServerKeys | None) -> None:
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
