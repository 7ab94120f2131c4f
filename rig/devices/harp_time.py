"""When a board is asked for its time, and which answer belongs to which question.

An answer does not say what it is the answer to. So there is one question at a time;
after one that was not answered in time, or an answer that does not fit, it is quiet
for a while, so that nothing that is still on its way is taken for the next answer.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rig.devices.clock_rows import ASK_HZ, Exchange

if TYPE_CHECKING:
    from sync.online import OnlineClock

__all__ = ["TimeQuestions"]

_PERIOD_NS = round(1e9 / ASK_HZ)
_PATIENCE_NS = 1_000_000_000
_QUIET_NS = 2_000_000_000
"""After the first trouble; twice as long after each further one in a row…"""
_MOST_DOUBLINGS = 2
_STALE_NS = 5_000_000
"""An answer that is so much older than its question is not its answer…"""
_CONVINCED = 3
"""…unless so many in a row say so: then it is the clock that is wrong."""
_REMEMBERED = 16
"""Questions without an answer that are kept: one that comes late is known by them."""


class TimeQuestions:
    """Asks one board for its time.

    Two threads may use it: one that asks, and one that hears the answers.

    Parameters
    ----------
    clock
        The board's clock, to tell what does not fit.
    """

    def __init__(self, clock: OnlineClock) -> None:
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Forget what was asked, as when a board was plugged in anew."""
        self._asked_ns: int | None = None
        self._next_ns = 0
        self._troubles = self._misfits = 0
        self._unanswered: deque[int] = deque(maxlen=_REMEMBERED)

    def due(self, now_ns: int) -> bool:
        """Tell whether to ask now; a question that has waited too long is given up."""
        asked_ns = self._asked_ns
        if asked_ns is None:
            return now_ns >= self._next_ns
        if now_ns - asked_ns >= _PATIENCE_NS:
            self._give_up(asked_ns, now_ns)
        return False

    def ask(self, now_ns: int) -> None:
        """Note that the question leaves now."""
        self._next_ns += _PERIOD_NS  # on a grid: a late turn makes no lower rate
        if self._next_ns <= now_ns:
            self._next_ns = now_ns + _PERIOD_NS
        self._asked_ns = now_ns

    def answered(self, device_ns: int, arrival_ns: int) -> Exchange | None:
        """Take an answer.

        Parameters
        ----------
        device_ns
            Device time in it.
        arrival_ns
            Host time at which it was here.

        Returns
        -------
        Exchange or None
            None if it is not the answer to the question that waits.
        """
        asked_ns = self._asked_ns
        if asked_ns is None:
            return None
        if not self._is_answer(device_ns, asked_ns):
            self._give_up(asked_ns, arrival_ns)
            return None
        self._asked_ns = None
        self._troubles = self._misfits = 0
        return Exchange(asked_ns, device_ns, arrival_ns)

    def _is_answer(self, device_ns: int, asked_ns: int) -> bool:
        state = self._clock.state
        if state is None:
            return True
        said_ns = state.to_host(device_ns)[0]
        if said_ns >= asked_ns - _STALE_NS:
            return True
        if any(abs(said_ns - other_ns) < _STALE_NS for other_ns in self._unanswered):
            return False  # a late one: it tells nothing against the clock
        self._misfits += 1
        return self._misfits >= _CONVINCED

    def _give_up(self, asked_ns: int, now_ns: int) -> None:
        self._asked_ns = None
        self._unanswered.append(asked_ns)
        self._next_ns = now_ns + (_QUIET_NS << min(self._troubles, _MOST_DOUBLINGS))
        self._troubles += 1
