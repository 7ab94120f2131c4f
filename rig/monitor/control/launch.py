"""Sessions are rehearsed and begun as programs of their own.

A rehearsal opens every device and records nothing. A session that was begun belongs
to nobody: whatever becomes of the window or its terminal, it goes on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import msgspec

from rig.bus.directory import running
from rig.supervisor.preflight import Check
from rig.system import as_before
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rig.bus.directory import StreamDirectory

__all__ = [
    "Begun",
    "Choice",
    "Ended",
    "Rehearsal",
    "Rehearsed",
    "begin",
    "rehearse",
    "understand",
]

_OWN_WORDS = "springhare: "
"""Begins what the command line says of a user's fault."""
_LOGS = "start-logs"
_MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """What a session is to be made of."""

    rig: Path
    task: Path
    plan: Path
    simulate: bool = False
    """Whether every device is replaced by its twin."""

    @property
    def arguments(self) -> list[str]:
        """The same for the command line."""
        files = {"rig": self.rig, "task": self.task, "session": self.plan}
        named = [f"--{name}={path.resolve()}" for name, path in files.items()]
        return [*named, "--simulate"] if self.simulate else named


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal found."""

    checks: Sequence[Check] = ()
    streams: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What each node that was opened would publish, in words."""
    folder: str = ""
    """Where a session would be written."""
    error: str = ""
    """Why no session can be run; empty if one can."""

    @property
    def ready(self) -> bool:
        """Whether a session can be begun, though a check may warn."""
        return not self.error

    @property
    def warns(self) -> bool:
        """Whether something is to be looked at before."""
        return not all(check.ok for check in self.checks)


_CANCELLED = Rehearsed(error="it was cancelled")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a session that was begun has ended."""

    status: int
    """Exit status; below 0 the signal that killed it."""
    words: str
    """The last it said."""

    @property
    def recorded(self) -> bool:
        """Whether there is a session, whatever it is worth."""
        return self.status in {0, 1}


class Rehearsal:
    """A rehearsal that goes on beside the caller; made by `rehearse`."""

    def __init__(self, choice: Choice) -> None:
        self._out = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115
        self._err = cast("IO[bytes]", tempfile.TemporaryFile())  # noqa: SIM115
        arguments = [*choice.arguments, "--dry-run", "--json"]
        self._process = _start(arguments, self._out, self._err)
        self._found: Rehearsed | None = None

    def poll(self) -> Rehearsed | None:
        """Return what was found; None while it goes on. Never waits."""
        status = self._process.poll()
        if status is not None and self._found is None:
            self._found = _CANCELLED
            if not self._out.closed:
                self._found = understand(status, _text(self._out), _text(self._err))
                self._close()
        return self._found

    def cancel(self) -> None:
        """Ask it to give the devices back and end; does not wait for it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._close()

    def _close(self) -> None:
        self._out.close()
        self._err.close()


class Begun:
    """A session that was begun; made by `begin`.

    Letting go of this object changes nothing for the session.
    """

    def __init__(self, choice: Choice, log: Path) -> None:
        self.log = log
        """What the session's program says."""
        with log.open("ab") as out:
            self._process = _start(choice.arguments, out, out, window=False)

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        return self._process.pid

    def streams(self) -> StreamDirectory | None:
        """Return the session's streams; None before there are any."""
        for streams in running():
            with suppress(OSError, msgspec.MsgspecError):  # just being removed
                if streams.owner.pid == self.pid:
                    return streams
        return None

    def poll(self) -> Ended | None:
        """Return how it ended; None while it goes on. Never waits."""
        status = self._process.poll()
        if status is None:
            return None
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return Ended(status, _last_words(text) or _silent(status))


def rehearse(choice: Choice) -> Rehearsal:
    """Open every device as a session would, without recording; returns at once."""
    return Rehearsal(choice)


def begin(choice: Choice, data_root: Path) -> Begun:
    """Begin a session that outlives its beginner; returns at once.

    Parameters
    ----------
    data_root
        The log goes below it, or to a temporary file where that cannot be.
    """
    return Begun(choice, _new_log(data_root))


def _new_log(data_root: Path) -> Path:
    stamp = utc_now().astimezone().strftime("%Y-%m-%d_%H-%M-%S_")
    folder: Path | None = data_root / _LOGS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(".log", stamp, folder)
    except OSError:
        number, name = tempfile.mkstemp(".log", f"springhare-{stamp}")
    os.close(number)
    return Path(name)


class _Free(subprocess.Popen[bytes]):
    """A process that may outlive its object, without a word of complaint."""

    def __del__(self, *_: Any) -> None:
        if self.returncode is None:
            self.poll()


def _start(
    arguments: Sequence[str], out: IO[bytes], err: IO[bytes], *, window: bool = True
) -> _Free:
    environment = dict(os.environ)
    if not window:  # there is one already: it shall not open another
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
    # a window is modest; what it starts must not be
    return as_before(
        lambda: _Free(
            [sys.executable, "-P", "-m", "rig.cli", "run", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # Ctrl-C and a closed terminal are not for it
            env=environment,
        )
    )


def understand(status: int, out: str, err: str) -> Rehearsed:
    """Return what a rehearsal found, from its exit status and what it printed."""
    try:
        found = msgspec.json.decode(out, type=_Printed)
    except msgspec.MsgspecError:
        return Rehearsed(error=_last_words(err) or _last_words(out) or _silent(status))
    error = found.error
    if status and not error:
        error = _last_words(err) or _silent(status)
    streams = {
        node: [_named(spec) for spec in specs] for node, specs in found.streams.items()
    }
    return Rehearsed(found.checks, streams, found.folder, error)


class _Payload(msgspec.Struct):
    shape: list[int] = []


class _Spec(msgspec.Struct):
    name: str
    kind: str = ""
    rate_hz: float | None = None
    payload: _Payload | None = None


class _Printed(msgspec.Struct):
    """What ``springhare run --dry-run --json`` prints."""

    checks: list[Check] = []
    streams: dict[str, list[_Spec]] = {}
    folder: str = ""
    error: str = ""


def _named(spec: _Spec) -> str:
    if not spec.rate_hz:
        return spec.name
    blocks = spec.kind == "samples" and spec.payload is not None
    per_row = spec.payload.shape[0] if blocks and spec.payload else 1
    return f"{spec.name} {spec.rate_hz * per_row:g} Hz"


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _last_words(text: str) -> str:
    """Return what a program said last: its own message whole, or its last line."""
    _, own, words = f"\n{text}".rpartition(f"\n{_OWN_WORDS}")
    lines = words.strip().splitlines()
    return "\n".join(lines[:_MOST_LINES] if own else lines[-1:])


def _silent(status: int) -> str:
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    return f"it ended without a word ({how})"
