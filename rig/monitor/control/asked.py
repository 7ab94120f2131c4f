"""What was asked of a session, and what was answered.

Pure. Answers carry no number, but those of one kind come in the order of the requests.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rig.monitor.live.link import Answer

__all__ = ["Asked", "RequestLog"]

_PATIENCE_NS = 3_000_000_000
_MOST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and what came of it."""

    request: str
    words: str
    """What was asked, for a person."""
    at_ns: int
    """Host time at which it was sent."""
    outcome: Literal["sent", "silent", "done", "refused", "lost"] = "sent"
    why: str = ""
    """Why it was refused or lost."""

    @property
    def open(self) -> bool:
        """Whether an answer may still come."""
        return self.outcome in {"sent", "silent"}


class RequestLog:
    """The last requests of a session, oldest first.

    Examples
    --------
    >>> log = RequestLog()
    >>> log.sent("stop", "stop", at_ns=0)
    >>> log.waits_for("stop")
    True
    """

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque(maxlen=_MOST)

    @property
    def lines(self) -> Sequence[Asked]:
        """All that is remembered."""
        return tuple(self._asked)

    def sent(self, request: str, words: str, at_ns: int) -> None:
        """Remember a request that was just sent."""
        self._asked.append(Asked(request, words, at_ns))

    def take(self, answers: Iterable[Answer]) -> None:
        """Give each answer to the oldest request of its kind that has none."""
        for answer in answers:
            for k, asked in enumerate(self._asked):
                if asked.request == answer.request and asked.open:
                    why = answer.error or _held_back(answer)
                    outcome = "refused" if why or not answer.ok else "done"
                    self._asked[k] = replace(asked, outcome=outcome, why=why)
                    break

    def turn(self, now_ns: int) -> None:
        """Note which requests are overdue."""
        for k, asked in enumerate(self._asked):
            if asked.outcome == "sent" and now_ns - asked.at_ns > _PATIENCE_NS:
                self._asked[k] = replace(asked, outcome="silent")

    def end(self, why: str) -> None:
        """Give up on what was not answered: nobody is there any more."""
        for k, asked in enumerate(self._asked):
            if asked.open:
                self._asked[k] = replace(asked, outcome="lost", why=why)

    def waits_for(self, *requests: str) -> bool:
        """Tell whether any of some requests is still to be answered."""
        return any(asked.open and asked.request in requests for asked in self._asked)

    def was_done(self, request: str) -> bool:
        """Tell whether a request has been carried out in this session."""
        return any(a.request == request and a.outcome == "done" for a in self._asked)

    def clear(self) -> None:
        """Forget all: another session begins."""
        self._asked.clear()


def _held_back(answer: Answer) -> str:
    """Return why a pulse was decided on and yet not given; empty if it was."""
    outcome = str(answer.result.get("outcome", ""))
    if answer.request != "pulse" or outcome in {"", "fired"}:
        return ""
    if outcome == "disarmed":
        return "the loop is disarmed: arm it first"
    return outcome.replace("_", " ")
