"""A recorded stream read page by page: any moment of hours at once, in little memory.

Rows lie in order of time, so that a moment is found by guessing its page from the
pages on both sides. What was read is kept, the least used page goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.monitor.recorded.stored import stored_of
from rig.recording.extents import committed_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rig.recording.reader import Recording

__all__ = ["PAGE_ROWS", "Pages", "Table", "joined"]

PAGE_ROWS = 2048
_KEPT_PAGES = 64
_GUESSES = 4
"""By proportion, before the stretch is halved."""


class Pages:
    """Keeps what a function made of pages of rows.

    Parameters
    ----------
    make
        Gives the arrays of rows from one number to before another.
    kept
        So many pages are kept.
    """

    def __init__(
        self,
        make: Callable[[int, int], tuple[NDArray[Any], ...]],
        kept: int = _KEPT_PAGES,
    ) -> None:
        self._make = make
        self._most = kept
        self._kept: OrderedDict[int, tuple[int, tuple[NDArray[Any], ...]]] = (
            OrderedDict()
        )

    def get(self, number: int, count: int) -> tuple[NDArray[Any], ...]:
        """Return a page, of `count` rows in all; the last one grows with them."""
        start = number * PAGE_ROWS
        stop = min(start + PAGE_ROWS, count)
        found = self._kept.get(number)
        if found is None or found[0] < stop:
            found = stop, self._make(start, stop)
            self._kept[number] = found
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return found[1]

    def between(self, start: int, stop: int, count: int) -> list[tuple[Any, ...]]:
        """Return the pages that hold rows from `start` to before `stop`."""
        if start >= stop:
            return []
        last = (stop - 1) // PAGE_ROWS
        return [self.get(n, count) for n in range(start // PAGE_ROWS, last + 1)]


class Table:
    """The committed rows of a stream, and their payload.

    Parameters
    ----------
    recording
        The session.
    stream
        Name of the stream.
    """

    def __init__(self, recording: Recording, stream: str) -> None:
        self.stream = stream
        self.spec = recording.streams[stream]
        self.fault = ""
        """Why something of it could not be read; empty while all could."""
        self._stored = stored_of(recording, stream)
        self.count = self._stored.count()
        self._rows = Pages(lambda start, stop: (self.read_rows(start, stop),))
        self._payloads = Pages(lambda start, stop: (self.read_payload(start, stop),))

    def reopen(self, recording: Recording) -> None:
        """Go on with the file that has taken the place of the session's file."""
        self._stored = stored_of(recording, self.stream)
        self.count = max(self.count, self._stored.count())

    def grow(self) -> None:
        """Take in what was committed since the last time."""
        while True:
            more = self._stored.rows(self.count, self.count + PAGE_ROWS)
            found = committed_prefix(more["host_ns"])
            self.count += found
            if found < PAGE_ROWS:
                return

    def rows(self, start: int, stop: int) -> NDArray[np.void]:
        """Return rows from `start` to before `stop`; `host_ns` is 0 in damaged ones."""
        return self._taken(self._rows, start, stop)

    def row(self, number: int) -> np.void | None:
        """Return one row; None where there is none, or it is damaged."""
        found = self.rows(number, number + 1)
        return found[0] if len(found) and found[0]["host_ns"] else None

    def payload(self, start: int, stop: int) -> NDArray[Any]:
        """Return the payloads of rows, one for each; for small ones, not for frames."""
        return self._taken(self._payloads, start, stop)

    def stretch(
        self, column: str, start_ns: int, end_ns: int
    ) -> tuple[int, NDArray[np.void]]:
        """Return the rows of a time, both ends included, and the first one's number."""
        first = self.find(start_ns - 1, column)
        return first, self.rows(first, self.find(end_ns, column))

    def picture(self, number: int) -> NDArray[Any] | None:
        """Return the payload of one row, read anew; None where it is damaged."""
        found, whole = self._stored.payload(number, number + 1)
        if whole:
            return found[0]
        self.fault = f"picture {number} cannot be read"
        return None

    def read_rows(self, start: int, stop: int) -> NDArray[np.void]:
        """Return committed rows, read anew; `host_ns` is 0 in damaged ones."""
        rows = self._stored.rows(start, stop)
        damaged = np.flatnonzero(rows["host_ns"] == 0)
        if len(damaged):
            self.fault = f"{len(damaged)} rows from {start + damaged[0]} on are damaged"
        return rows

    def read_payload(self, start: int, stop: int) -> NDArray[Any]:
        """Return entries of the payload, read anew; 0 where they are damaged."""
        found, whole = self._stored.payload(start, stop)
        if not whole:
            self.fault = f"some of the entries {start} to {stop} cannot be read"
        return found

    def find(self, at: int, column: str) -> int:
        """Return how many rows have a value in `column` that is not after `at`."""
        page = self._page_of(at, column)
        if page < 0:
            return 0
        (rows,) = self._rows.get(page, self.count)
        values = np.maximum.accumulate(rows[column])
        return page * PAGE_ROWS + int(np.searchsorted(values, at, "right"))

    def last(self, column: str) -> int | None:
        """Return the last row's value; None where there are no rows."""
        row = self.row(self.count - 1) if self.count else None
        return None if row is None else int(row[column])

    def _page_of(self, at: int, column: str) -> int:
        """Return the last page whose first value is not after `at`; -1 if none is."""
        pages = -(-self.count // PAGE_ROWS)
        low, high = 0, pages
        begins = self._first(low, column) if pages else None
        if begins is None or begins > at:
            return -1
        ends = self.last(column)
        guesses = _GUESSES
        while high - low > 1:
            middle = (low + high) // 2
            if guesses and ends is not None and ends > begins:
                share = (at - begins) / (ends - begins)
                middle = min(max(low + int(share * (high - low)), low + 1), high - 1)
                guesses -= 1
            value = self._first(middle, column)
            if value is None or value > at:
                high, ends = middle, value
            else:
                low, begins = middle, value
        return low

    def _first(self, page: int, column: str) -> int | None:
        """Return the first value of a page, or of the next one that can be read."""
        for number in range(page, -(-self.count // PAGE_ROWS)):
            (rows,) = self._rows.get(number, self.count)
            sound = np.flatnonzero(rows["host_ns"])
            if len(sound):
                return int(rows[column][sound[0]])
        return None

    def _taken(self, pages: Pages, start: int, stop: int) -> NDArray[Any]:
        stop = min(stop, self.count)
        if start < 0 or start >= stop:
            nothing = self._stored.rows if pages is self._rows else self.read_payload
            return nothing(0, 0)
        parts = [page for (page,) in pages.between(start, stop, self.count)]
        first = start // PAGE_ROWS * PAGE_ROWS
        return joined(parts)[start - first : stop - first]


def joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays as one, without a copy where there is one only."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
