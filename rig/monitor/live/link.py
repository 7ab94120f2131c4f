"""How a session is reached: its streams, what it is, how it stands, and requests.

A `LocalLink` maps the rings and talks to the supervisor of a session on this machine.
`rig.monitor.remote.link` reaches one on another machine, for reading only.
"""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from rig.bus.control import ControlClient
from rig.bus.directory import running
from rig.bus.reader import RingReader
from rig.errors import SpringhareError, StreamError
from rig.messages import Reply, Request
from rig.monitor.live.pictures import RingPictures
from rig.recording.sidecar import read_sidecar
from rig.supervisor.status import Status
from rig.system import is_alive
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rig.bus.directory import StreamDirectory
    from rig.bus.reader import StreamReader
    from rig.bus.ring import Ring
    from rig.messages import StreamSpec
    from rig.monitor.live.pictures import Pictures
    from rig.recording.sidecar import SessionInfo, Verdict
    from sync.clock import Clock

__all__ = ["Answer", "Link", "LocalLink", "find_session"]

_ASK_EVERY_NS = 250_000_000
"""Between two questions how it stands."""
_PATIENCE_NS = 2_000_000_000
"""An answer is waited for so long: a supervisor that is busy is not asked again."""
_ALIVE_NS = 100_000_000
"""Between two looks whether the supervisor is there."""
_LOOK_EVERY_NS = 500_000_000
"""Between two looks for the verdict of a session whose supervisor is silent."""
_MOST_ANSWERS = 32


class Answer(NamedTuple):
    """What came of a request."""

    request: str
    ok: bool
    result: Mapping[str, Any]
    error: str = ""


class Link(Protocol):
    """A session that is looked at. Nothing waits but `info`."""

    can_ask: bool
    """Whether requests are taken: another machine may only look."""

    @property
    def name(self) -> str:
        """What the session is called where it is reached."""
        ...

    @property
    def clock(self) -> Clock:
        """Reads as the clock of the machine on which the session runs."""
        ...

    @property
    def trouble(self) -> str:
        """Why nothing comes, in words; empty while the connection is well."""
        ...

    def info(self) -> SessionInfo | None:
        """Return what the session is; None while it does not say."""
        ...

    def specs(self) -> list[StreamSpec]:
        """Return what streams there are by now."""
        ...

    def reader(self, stream: str, start: int | None = None) -> StreamReader:
        """Return a reader that never waits, from `start` or from what comes next.

        Raises
        ------
        SpringhareError
            If there is no such stream.
        """
        ...

    def pictures(self, camera: str) -> Pictures:
        """Return the pictures of a camera.

        Raises
        ------
        SpringhareError
            If there is no such camera.
        """
        ...

    def poll(self) -> None:
        """Ask how it stands, now and then, and take in what was answered."""
        ...

    @property
    def status(self) -> Status | None:
        """The session at a glance; None before the first answer."""
        ...

    @property
    def silent_s(self) -> float:
        """Seconds since the supervisor was last heard."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the session's supervisor has ended."""
        ...

    @property
    def verdict(self) -> Verdict | None:
        """What the session was worth; None until it has been closed."""
        ...

    def ask(self, request: str, **arguments: Any) -> None:
        """Ask the supervisor for something; its answer is among `answers`."""
        ...

    def answers(self) -> list[Answer]:
        """Return the answers that have come since the last time."""
        ...

    def close(self) -> None:
        """Let go; may be called twice."""
        ...


class LocalLink:
    """A session on this machine.

    Parameters
    ----------
    streams
        Its streams.
    clock
        Host clock.
    """

    can_ask = True
    trouble = ""

    def __init__(self, streams: StreamDirectory, clock: Clock | None = None) -> None:
        self.streams = streams
        self._owner = streams.owner
        self.clock = clock or MonotonicClock()
        self._client = ControlClient(
            streams.path / "control", f"monitor-{os.getpid()}-{next(_numbers)}"
        )
        self._rings: dict[str, Ring] = {}
        """Each is mapped once: those of cameras take a while."""
        self._ids = count(1)
        self._asked: dict[int, str] = {}
        self._asked_ns = 0
        self._heard_ns = self._look_alive_ns = self.clock.now()
        self._gone = False
        self._status: Status | None = None
        self._answers: list[Answer] = []
        self._verdict: Verdict | None = None
        self._looked_ns = 0

    @property
    def name(self) -> str:
        """Name of the folder of its streams."""
        return self.streams.path.name

    @property
    def folder(self) -> Path:
        """The folder that the session is recorded into."""
        return Path(self._owner.session_folder)

    def info(self) -> SessionInfo | None:
        """Return the session's sidecar; None before the recorder has written it."""
        return read_sidecar(self.folder)

    def specs(self) -> list[StreamSpec]:
        """Return what streams there are by now."""
        return [self._ring(name).spec for name in self.streams.names()]

    def reader(self, stream: str, start: int | None = None) -> StreamReader:
        """Return a reader of a ring, from `start` or from what is published next."""
        return RingReader(self._ring(stream), start)

    def pictures(self, camera: str) -> Pictures:
        """Return the pictures of a camera's ring."""
        return RingPictures(self._ring(f"cameras/{camera}"))

    def poll(self) -> None:
        """Ask for the status four times a second, and take in what was answered."""
        now_ns = self.clock.now()
        waits = "status" in self._asked.values()
        pause_ns = _PATIENCE_NS if waits else _ASK_EVERY_NS
        if now_ns - self._asked_ns >= pause_ns and not self.gone:
            self._asked_ns = now_ns
            self.ask("status")
        while (message := self._client.receive(0)) is not None:
            if isinstance(message, Reply):
                self._take(message)

    @property
    def status(self) -> Status | None:
        """The session at a glance; None before the first answer."""
        return self._status

    @property
    def silent_s(self) -> float:
        """Seconds since the supervisor last answered."""
        return (self.clock.now() - self._heard_ns) / 1e9

    @property
    def gone(self) -> bool:
        """Whether the supervisor's process has ended; looked at ten times a second."""
        now_ns = self.clock.now()
        if not self._gone and now_ns >= self._look_alive_ns:
            self._look_alive_ns = now_ns + _ALIVE_NS
            self._gone = not is_alive(self._owner.pid, self._owner.started)
        return self._gone

    @property
    def verdict(self) -> Verdict | None:
        """What the session was worth; None until it has been closed."""
        now_ns = self.clock.now()
        looked = now_ns - self._looked_ns < _LOOK_EVERY_NS
        if self._verdict is None and not looked and (self.gone or self.silent_s > 1):
            self._looked_ns = now_ns
            with suppress(SpringhareError, OSError):
                info = self.info()
                self._verdict = None if info is None else info.verdict
        return self._verdict

    def ask(self, request: str, **arguments: Any) -> None:
        """Ask the supervisor for something; its answer is among `answers`."""
        k = next(self._ids)
        if len(self._asked) > _MOST_ANSWERS:  # nobody is there: they were lost
            self._asked.clear()
        self._asked[k] = request
        message = Request(request_id=k, name=request, arguments=arguments)
        if not self._client.try_to_send(message) and request != "status":
            words = "the supervisor does not take requests: it hangs"
            self._answers.append(Answer(request, ok=False, result={}, error=words))

    def answers(self) -> list[Answer]:
        """Return the answers that have come since the last time."""
        found, self._answers = self._answers, []
        return found

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._client.close()
        self._rings.clear()

    def _ring(self, stream: str) -> Ring:
        if stream not in self._rings:
            self._rings[stream] = self.streams.ring(stream)
        return self._rings[stream]

    def _take(self, reply: Reply) -> None:
        self._heard_ns = self.clock.now()
        request = self._asked.pop(reply.request_id, None)
        if request is None:  # it had been given up
            return
        if request != "status":
            self._answers.append(Answer(request, reply.ok, reply.result, reply.error))
        elif reply.ok:
            self._status = msgspec.convert(reply.result, Status)


_numbers = count()


def find_session(name: str | None = None) -> StreamDirectory | None:
    """Return the running session of this machine; None while there is none.

    Parameters
    ----------
    name
        Of the session's streams, or its folder's; None takes the only one.

    Raises
    ------
    StreamError
        If several run and none is named, or none has the name.
    """
    found = running()
    names = {streams.path.name: streams for streams in found}
    if name is not None:
        for streams in found:
            if name in {streams.path.name, _folder_name(streams)}:
                return streams
        msg = f"Expected a running session named {name!r}, got {_listed(names)}"
        raise StreamError(msg)
    if len(found) > 1:
        msg = f"Expected one running session, got {_listed(names)}: name one"
        raise StreamError(msg)
    return found[0] if found else None


def _folder_name(streams: StreamDirectory) -> str:
    try:
        return Path(streams.owner.session_folder).name
    except (OSError, SpringhareError):
        return ""


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"
