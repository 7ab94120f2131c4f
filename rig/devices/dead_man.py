"""The dead man's handle: whether the board may drive its outputs now. Pure.

The board holds its outputs low unless it was told lately that it may drive them. It
is told so while the loop is armed and whoever decides gives signs of life: a node of
inference that died or hangs, this node's own end, a broken cable, all end a pulse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BEATS", "DeadMan"]

BEATS = "beats"
"""Counter in the ring of decisions by which whoever decides says that it lives."""
_WORDS_PER_TIMEOUT = 10


class DeadMan:
    """Says when to write which permission to the board.

    Parameters
    ----------
    timeout_ns
        So long a sign of life counts.
    life
        Gives something that changes while whoever decides is alive; None where
        nobody is to be watched.
    armed
        Whether fires are carried out.
    """

    def __init__(
        self, timeout_ns: int, life: Callable[[], object] | None, *, armed: bool
    ) -> None:
        self.armed = armed
        self._timeout_ns = timeout_ns
        self._life = life
        self._seen = None if life is None else life()
        self._seen_ns: int | None = None
        self._said: bool | None = None
        self._said_ns = 0

    def restart(self) -> None:
        """Forget what the board was told: it is another one, or was restarted."""
        self._said = None

    def alive(self, now_ns: int) -> bool:
        """Look for a sign of life; tell whether the last one still counts."""
        seen = None if self._life is None else self._life()
        if self._life is None or seen != self._seen:
            self._seen, self._seen_ns = seen, now_ns
        return self._seen_ns is not None and now_ns - self._seen_ns <= self._timeout_ns

    def words(self, now_ns: int) -> tuple[int, ...]:
        """Return what to write to the board now, in order: 1 permits, 0 does not.

        Where this node itself was away for too long, the board has let go: it is
        told so before anything else, and what it was doing is over for sure.
        """
        permitted = self.alive(now_ns) and self.armed
        away_ns = now_ns - self._said_ns
        lapsed = bool(self._said) and away_ns > self._timeout_ns
        due = away_ns >= self._timeout_ns // _WORDS_PER_TIMEOUT
        if permitted == self._said and not due:
            return ()
        self._said, self._said_ns = permitted, now_ns
        return (0, 1) if permitted and lapsed else (int(permitted),)
