"""The serving end of streams over TCP: answers readers, remembers none of them.

It reads the rings as any other reader does, so it can harm no writer. What leaves
the machine is encrypted and goes only to readers whose key is known. What the session
is, and what of it must not be seen, a `Keeper` tells: nothing here knows of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zmq

from rig.bus.door import Door, require_keys
from rig.bus.keeper import Keeper, OpenKeeper
from rig.bus.reader import Batch, RingReader
from rig.bus.remote_messages import StreamReply, StreamRequest, decode, encode
from rig.errors import SpringhareError, StreamError
from sync.clock import Clock, MonotonicClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rig.bus.directory import StreamDirectory
    from rig.bus.keys import ServerKeys
    from rig.bus.ring import Ring

__all__ = ["StreamServer"]

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
    keeper
        Tells of the session, and says what is kept back; by default nothing is.

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
        keeper: Keeper | None = None,
    ) -> None:
        require_keys(address, keys)
        self._streams = streams
        self._keeper = keeper or OpenKeeper()
        self._clock = clock or MonotonicClock()
        owner = streams.owner
        self._session = f"{streams.path.name} {owner.pid}-{owner.started}"
        self._rings: dict[str, Ring] = {}
        self._awaited: set[str] = set()
        """Streams whose writers wake this server: somebody waits for them."""
        self._parked: dict[bytes, _Parked] = {}
        self._context = zmq.Context()
        self._door = Door(self._context, keys) if keys else None
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
        if self._door is not None:
            self._door.guard(self._socket)
            self._waiter.add_socket(self._door.socket)

    def step(self, timeout_ms: int) -> None:
        """Answer what was asked; wait for the first question up to `timeout_ms`."""
        self._waiter.wait(self._wait_ms(timeout_ms))
        if self._door is not None:
            self._door.step()
        while self._socket.poll(0):
            client, *frames = self._socket.recv_multipart()
            self._take(client, b"".join(frames))
        self._answer_parked()

    def close(self) -> None:
        """Close the sockets; may be called twice."""
        self._waiter.close()
        self._socket.close(linger=0)
        if self._door is not None:
            self._door.close()
        self._context.term()

    def _wait_ms(self, timeout_ms: int) -> int:
        if not self._parked:
            return timeout_ms
        due_ns = min(parked.due_ns for parked in self._parked.values())
        return max(0, min(timeout_ms, -(-(due_ns - self._clock.now()) // 1_000_000)))

    def _take(self, client: bytes, data: bytes) -> None:
        self._parked.pop(client, None)
        try:
            request = decode(data, StreamRequest)
        except SpringhareError as error:
            self._send(client, StreamReply(request_id=-1, error=str(error)))
            return
        try:
            self._serve(client, request)
        except (SpringhareError, OSError) as error:
            self._send(client, self._reply(request, error=str(error)))

    def _serve(self, client: bytes, request: StreamRequest) -> None:
        if request.session not in {"", self._session}:
            msg = (
                "Expected the session that the reader began with, got another one: "
                "begin a new reader"
            )
            raise StreamError(msg)
        if not request.stream:
            self._send(client, self._tell(request))
            return
        if refusal := self._keeper.refusal(request.stream):
            raise StreamError(refusal)
        ring = self._ring(request.stream)
        if request.cursor is None:
            self._send(client, self._reply(request, ring, spec=ring.spec))
        elif ring.head > request.cursor or ring.closed or request.wait_ms <= 0:
            self._send_rows(client, request, ring)
        else:
            wait_ns = min(request.wait_ms, _LONGEST_WAIT_MS) * 1_000_000
            due_ns = self._clock.now() + wait_ns
            self._await(request.stream)
            self._parked[client] = _Parked(request, ring, ring.generation, due_ns)

    def _tell(self, request: StreamRequest) -> StreamReply:
        """Return the answer to a question that is of no stream in particular."""
        if request.about in {"session", "status"}:
            return self._reply(request, about=self._keeper.about(request.about))
        names = self._streams.names()
        if not request.about:
            return self._reply(request, names=names)
        reasons = {name: self._keeper.refusal(name) for name in names}
        return self._reply(
            request,
            names=names,
            specs=[self._ring(name).spec for name in names],
            refused={name: reason for name, reason in reasons.items() if reason},
        )

    def _ring(self, name: str) -> Ring:
        if name not in self._rings:
            self._rings[name] = self._streams.ring(name)
        return self._rings[name]

    def _await(self, name: str) -> None:
        """Be woken by a stream; not before somebody waits, for it costs its writer."""
        if name not in self._awaited:
            self._waiter.add(self._streams.notice_path(name))
            self._awaited.add(name)

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
        payload, step = _thinned(batch.payload, ring, request.step)
        reply = self._reply(
            request,
            ring,
            head=head,
            closed=closed,
            first_seq=reader.cursor - len(batch),
            count=len(batch),
            skipped=reader.skipped,
            losses=reader.losses,
            step=step,
        )
        rows = self._keeper.veil(request.stream, batch.rows)
        self._send(client, reply, Batch(rows, payload))

    def _reply(
        self, request: StreamRequest, ring: Ring | None = None, **more: Any
    ) -> StreamReply:
        if ring is not None:
            more = {"generation": ring.generation, "head": ring.head, **more}
        return StreamReply(
            request_id=request.request_id,
            session=self._session,
            host_ns=self._clock.now(),
            **more,
        )

    def _send(
        self, client: bytes, reply: StreamReply, batch: Batch | None = None
    ) -> None:
        frames: list[Any] = [client, encode(reply)]
        if batch is not None:
            frames += [_bytes(batch.rows), batch.payload.reshape(-1).view("u1")]
        self._socket.send_multipart(frames, copy=False)


def _read(reader: RingReader, request: StreamRequest) -> Batch:
    spec = reader.spec
    nbytes = spec.row.itemsize + (spec.payload.nbytes if spec.payload else 0)
    budget = min(request.max_bytes, _LARGEST_REPLY_BYTES)
    most = max(1, min(request.max_rows, budget // nbytes))
    if request.policy == "newest":
        batch = reader.latest()
        return batch if batch is not None else reader.read(0)
    return reader.read(most)


def _thinned(payload: NDArray[Any], ring: Ring, step: int) -> tuple[NDArray[Any], int]:
    """Return each `step`-th row and column of frames, and the step that it came to."""
    if step <= 1 or ring.spec.kind != "frames":
        return payload, 1
    return np.ascontiguousarray(payload[:, ::step, ::step]), step


def _bytes(rows: NDArray[np.void]) -> bytes:
    """Return rows as bytes, with nothing in their gaps.

    A copy of rows has in its gaps whatever lay in this process's memory there.
    """
    whole = np.zeros(rows.shape, rows.dtype)
    whole[...] = rows
    return whole.tobytes()
