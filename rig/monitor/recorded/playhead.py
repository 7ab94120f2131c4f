"""Where a recorded session stands: it is put somewhere, played, stepped. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.clock import Clock

__all__ = ["FASTEST", "SLOWEST", "Playhead"]

SLOWEST, FASTEST = 0.01, 20.0


class Playhead:
    """A moment of a session, in ns since its start.

    Parameters
    ----------
    clock
        By which it is played.

    Examples
    --------
    >>> from sync.clock import ManualClock
    >>> clock = ManualClock(0)
    >>> head = Playhead(clock)
    >>> head.end_ns = 1_000
    >>> head.play(0.5)
    >>> clock.advance(600)
    >>> head.advance()
    >>> head.at_ns
    300
    """

    def __init__(self, clock: Clock) -> None:
        self.end_ns = 0
        """It stops there."""
        self.playing = False
        self.speed = 1.0
        self._clock = clock
        self._from_ns = 0
        self._since_ns = 0
        self.at_ns = 0

    def seek(self, at_ns: int) -> None:
        """Go to a moment; what is played goes on from there."""
        self.at_ns = min(max(at_ns, 0), max(self.end_ns, 0))
        self._from_ns, self._since_ns = self.at_ns, self._clock.now()

    def play(self, speed: float) -> None:
        """Go on from here, at so many seconds of the session in a second.

        Raises
        ------
        ValueError
            If it is slower or faster than can be played.
        """
        if not SLOWEST <= speed <= FASTEST:
            msg = f"Expected a speed of {SLOWEST:g} to {FASTEST:g}, got {speed:g}"
            raise ValueError(msg)
        self.speed = speed
        self.playing = True
        self.seek(self.at_ns)

    def pause(self) -> None:
        """Stay where it is."""
        self.playing = False

    def advance(self) -> None:
        """Go where it is by now."""
        if not self.playing:
            return
        elapsed_ns = self._clock.now() - self._since_ns
        self.at_ns = min(self._from_ns + round(self.speed * elapsed_ns), self.end_ns)
        if self.at_ns >= self.end_ns:
            self.playing = False
