"""What the keys do while a session is watched in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from rig.commands.line_input import LineInput
from rig.monitor.health.judgement import clock_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rig.monitor.live.link import Answer, Link

__all__ = ["MonitorKeys"]

_KEYS = "a arm  d disarm  0-9 mark  n note  s stop  q quit"
_LOOK_ONLY = "q quit   (another machine may only look)"
_DONE = {"arm": "armed", "disarm": "disarmed", "note": "noted", "stop": "stopping"}


class MonitorKeys:
    """Turns keys into requests to a session, and their answers into words.

    Parameters
    ----------
    link
        The session.
    """

    def __init__(self, link: Link) -> None:
        self.quit = False
        """Whether somebody wants to look no more."""
        self._link = link
        self._line: LineInput | None = None
        self._line_ns = 0
        self._asks_to_stop = False
        self._said = Text()

    def press(self, keys: Iterable[str]) -> None:
        """Take keys."""
        for key in keys:
            if self._line is not None:
                self._write(key, self._line)
            elif self._asks_to_stop:
                self._asks_to_stop = False
                if key == "y":
                    self._ask("stop")
            elif key == "q":
                self.quit = True
            elif self._link.can_ask:
                self._command(key)

    def hear(self, answers: Iterable[Answer], session_s: float) -> None:
        """Take in what came of requests."""
        for answer in answers:
            if answer.ok:
                done = _DONE.get(answer.request, answer.request)
                self._said = Text(f"{clock_words(session_s)} {done}", "bold")
            else:
                refused = f"{answer.request} refused: {answer.error}"
                self._said = Text(refused, "bold yellow")

    @property
    def footer(self) -> Text:
        """What the keys do now, and what came of the last one."""
        if self._line is not None:
            text = Text("note: ", "bold").append(self._line.text).append("▁")
            return text.append("   Enter keeps it, Escape leaves it", "dim")
        if self._asks_to_stop:
            return Text("stop the session? y stops it, any other key does not", "bold")
        keys = Text(_KEYS if self._link.can_ask else _LOOK_ONLY, "dim")
        return keys.append("   ").append_text(self._said) if self._said else keys

    def _command(self, key: str) -> None:
        if key in {"a", "d"}:
            self._ask("arm" if key == "a" else "disarm")
        elif key in set("0123456789"):
            self._ask("note", key=key, at_ns=self._link.clock.now())
        elif key == "n":
            self._line, self._line_ns = LineInput(), self._link.clock.now()
        elif key == "s":
            self._asks_to_stop = True

    def _write(self, key: str, line: LineInput) -> None:
        state = line.feed(key)
        if state == "done":
            self._ask("note", text=line.text.strip(), at_ns=self._line_ns)
        if state != "goes on":
            self._line = None

    def _ask(self, request: str, **arguments: object) -> None:
        self._said = Text(f"{request}…", "dim")
        self._link.ask(request, **arguments)
