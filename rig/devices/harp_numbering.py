"""Running numbers of 32 bits: what came, what is missing, and why.

Harp has no sequence number, so each of our payloads carries one. A jump is a loss;
a number that runs backwards is a board that began anew, or damage that the sum did
not show.
"""

from __future__ import annotations

__all__ = ["Numbering"]

_WRAP = 1 << 32
_FORWARD = 1 << 31


class Numbering:
    """The running number of one stream.

    Parameters
    ----------
    first
        The number that is expected first.

    Examples
    --------
    >>> numbering = Numbering()
    >>> numbering.take(0, 10), numbering.take(30, 10)
    (0, 20)
    >>> numbering.next, numbering.missing
    (40, 20)
    """

    def __init__(self, first: int = 0) -> None:
        self.next = first
        """The number that is expected next; it does not wrap."""
        self.missing = 0
        """How many numbers never came."""
        self.backwards = 0
        """Numbers in a row that ran backwards; above a few, the board began anew."""

    def take(self, raw: int, count: int = 1) -> int | None:
        """Take `count` elements, the first of which has a number of 32 bits.

        Returns
        -------
        int or None
            How many are missing before it; None if the number ran backwards, which
            is not taken.
        """
        gap = (raw - self.next) % _WRAP
        if gap >= _FORWARD:
            self.backwards += 1
            return None
        self.backwards = 0
        self.missing += gap
        self.next += gap + count
        return gap

    def skip_to(self, number: int) -> int:
        """Give up all before a number; return how many these are."""
        gap = max(number - self.next, 0)
        self.missing += gap
        self.next += gap
        return gap
