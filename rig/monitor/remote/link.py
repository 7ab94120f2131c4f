"""A session on another machine, for reading only.

`springhare serve` runs there. Nothing here waits but the first contact: a `Courier`
fetches what was asked for, in a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from rig.bus.remote_line import RemoteLine
from rig.errors import StreamError
from rig.monitor.live.link import Answer
from rig.monitor.remote.clock import RemoteClock
from rig.monitor.remote.courier import Courier
from rig.monitor.remote.fed import FedReader, RemotePictures
from rig.monitor.remote.standing import Standing, decode_info, decode_standing
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.bus.keys import ClientKeys
    from rig.bus.remote_messages import About, StreamReply
    from rig.errors import SpringhareError
    from rig.messages import StreamSpec
    from rig.recording.sidecar import SessionInfo, Verdict
    from rig.supervisor.status import Status
    from sync.clock import Clock

__all__ = ["RemoteLink"]

_EVERY_NS: dict[About, int] = {
    "streams": 2_000_000_000,
    "session": 5_000_000_000,
    "status": 250_000_000,
}
_UNKNOWN_NS = 250_000_000
"""So often it is asked what the session is, until it says so."""
_MUTE_S = 2.0
_FIRST_MS = 1500
"""The first contact is given so long to be made, and so long to be answered."""
_MOST_ANSWERS = 32
_LOOK_ONLY = (
    "Expected a monitor on the rig's own machine, got one that looks from another: it "
    "may only look; ask there"
)


class RemoteLink:
    """A session that `springhare serve` serves; a `Link`.

    Parameters
    ----------
    address
        The server's, e.g. ``tcp://192.168.1.10:5511``.
    keys
        The reader's keys, where the server has some.
    clock
        This machine's.

    Raises
    ------
    StreamError
        If nobody answers, or not as a server does.
    VersionError
        If the server is of another version.
    """

    can_ask = False

    def __init__(
        self,
        address: str,
        keys: ClientKeys | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.address = address
        self._clock = clock or MonotonicClock()
        self.clock = RemoteClock(self._clock)
        """Reads as the host clock of the session's machine."""
        self._session = ""
        self._specs: dict[str, StreamSpec] = {}
        self._refused: dict[str, str] = {}
        self._info: SessionInfo | None = None
        self._standing = Standing()
        self._heard_ns = self._clock.now()
        self._trouble = ""
        self._replaced = False
        self._answers: list[Answer] = []
        self._questions = {
            about: _Question(about, every_ns, self._hear, self._be_refused)
            for about, every_ns in _EVERY_NS.items()
        }
        self._meet(RemoteLine(address, keys))
        self._courier = Courier(address, keys, self._clock, self.clock.take)
        for question in self._questions.values():
            self._courier.take(question)

    @property
    def name(self) -> str:
        """Name of the session over there."""
        return self._session.partition(" ")[0]

    @property
    def trouble(self) -> str:
        """Why nothing comes, in words; empty while all is well with the connection."""
        if self._trouble or self._unheard_s < _MUTE_S:
            return self._trouble
        return (
            f"nothing is heard from {self.address} for {self._unheard_s:.0f} s: is "
            "springhare serve running there?"
        )

    def info(self) -> SessionInfo | None:
        """Return what the session is, as of some seconds ago; None if not known yet."""
        return self._info

    def specs(self) -> list[StreamSpec]:
        """Return what streams there are, as of some seconds ago; also refused ones."""
        return list(self._specs.values())

    def reader(self, stream: str, start: int | None = None) -> FedReader:
        """Return a reader of what comes over, for as long as somebody holds it.

        Raises
        ------
        StreamError
            If there is no such stream, or it is not served.
        """
        reader = FedReader(self._spec(stream), self._session, start)
        self._courier.take(reader)
        return reader

    def pictures(self, camera: str) -> RemotePictures:
        """Return the pictures of a camera.

        Raises
        ------
        StreamError
            If there is no such camera, or it is not served.
        """
        pictures = RemotePictures(self._spec(f"cameras/{camera}"), self._session)
        self._courier.take(pictures)
        return pictures

    def poll(self) -> None:
        """Do nothing: the courier asks."""

    @property
    def status(self) -> Status | None:
        """The session at a glance; None before the supervisor has answered.

        Its streams are among `specs`.
        """
        return self._standing.status

    @property
    def silent_s(self) -> float:
        """Seconds since the supervisor was last heard, here or there."""
        return self._standing.silent_s + self._unheard_s

    @property
    def gone(self) -> bool:
        """Whether the session has ended: the server said so, or serves another one."""
        return self._standing.gone or self._replaced

    @property
    def verdict(self) -> Verdict | None:
        """What the session was worth; None until it has been closed."""
        return self._standing.verdict

    def ask(self, request: str, **arguments: Any) -> None:
        """Answer that nothing can be asked from another machine."""
        if len(self._answers) < _MOST_ANSWERS:
            self._answers.append(Answer(request, ok=False, result={}, error=_LOOK_ONLY))

    def answers(self) -> list[Answer]:
        """Return the answers that have come since the last time."""
        found, self._answers = self._answers, []
        return found

    def close(self) -> None:
        """End the thread and the connection; may be called twice."""
        self._courier.close()

    @property
    def _unheard_s(self) -> float:
        return (self._clock.now() - self._heard_ns) / 1e9

    def _meet(self, line: RemoteLine) -> None:
        """Make the first contact: after it is known what session it is."""
        try:
            for question in self._questions.values():
                sent_ns = self._clock.now()
                reply = line.ask(_FIRST_MS, **question.request)
                now_ns = self._clock.now()
                self._session = self._session or reply.session
                self.clock.take(sent_ns, now_ns, reply.host_ns)
                question.answered(reply, [], now_ns)
        finally:
            line.close()

    def _spec(self, stream: str) -> StreamSpec:
        if reason := self._refused.get(stream):
            raise StreamError(reason)
        if stream not in self._specs:
            msg = (
                f"Expected a stream named {stream!r}, got none; there are: "
                f"{', '.join(self._specs) or 'no streams'}"
            )
            raise StreamError(msg)
        return self._specs[stream]

    def _hear(self, about: About, reply: StreamReply, now_ns: int) -> None:
        """Take in an answer; called from the courier's thread after the first ones."""
        self._replaced = reply.session != self._session
        if self._replaced:
            other = reply.session.partition(" ")[0]
            self._trouble = (
                f"{self.name} has ended: {self.address} serves {other} now; begin anew"
            )
        elif about == "streams":
            self._specs |= {spec.name: spec for spec in reply.specs}
            self._refused = reply.refused
        elif about == "session":
            self._info = decode_info(reply.about) or self._info
            if self._info is None:
                self._questions["session"].hurry(now_ns + _UNKNOWN_NS)
        else:
            self._hear_status(decode_standing(reply.about), now_ns)

    def _hear_status(self, standing: Standing | None, now_ns: int) -> None:
        if standing is None:
            return
        status = standing.status or self._standing.status
        if not self._knows(status):  # who sees it would look for streams that are new
            status = self._standing.status
            self._questions["streams"].hurry(now_ns)
        self._standing = msgspec.structs.replace(standing, status=status)
        self._heard_ns = now_ns
        self._trouble = ""

    def _knows(self, status: Status | None) -> bool:
        names = [] if status is None else [stream.name for stream in status.streams]
        return all(name in self._specs for name in names)

    def _be_refused(self, error: SpringhareError) -> None:
        self._trouble = str(error)


class _Question:
    """One of the questions about the session, asked now and then."""

    def __init__(
        self,
        about: About,
        every_ns: int,
        hear: Callable[[About, StreamReply, int], None],
        be_refused: Callable[[SpringhareError], None],
    ) -> None:
        self.request: dict[str, Any] = {"stream": "", "about": about}
        self._about: About = about
        self._every_ns = every_ns
        self._due_ns = 0
        self._hear = hear
        self._be_refused = be_refused

    def hurry(self, due_ns: int) -> None:
        """Ask by then."""
        self._due_ns = min(self._due_ns, due_ns)

    def question(self, now_ns: int) -> dict[str, Any] | None:
        """Return the question when it is time."""
        return self.request if now_ns >= self._due_ns else None

    def answered(self, reply: StreamReply, frames: Any, now_ns: int) -> None:
        """Tell the link."""
        self._due_ns = now_ns + self._every_ns
        self._hear(self._about, reply, now_ns)

    def refused(self, error: SpringhareError, now_ns: int) -> None:
        """Tell the link, and ask again as often as ever."""
        self._due_ns = now_ns + self._every_ns
        self._be_refused(error)
