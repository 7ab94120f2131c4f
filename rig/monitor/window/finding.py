"""Looks for a session beside the window: from afar that takes a second or two."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from rig.monitor.live.link import Link

__all__ = ["Finder"]


class Finder:
    """Runs one search at a time in a thread; nobody waits for it.

    Parameters
    ----------
    find
        Finds a running session.
    """

    def __init__(self, find: Callable[[], Link | None]) -> None:
        self._find = find
        self._search: Future[Link | None] | None = None

    @property
    def searching(self) -> bool:
        """Whether a search goes on, or its end was not taken."""
        return self._search is not None

    @property
    def done(self) -> bool:
        """Whether a search has come to its end."""
        return self._search is not None and self._search.done()

    def begin(self) -> None:
        """Begin to search, unless it goes on already."""
        if self._search is None:
            self._search = Future()
            threading.Thread(
                target=self._run, args=[self._search], name="finder", daemon=True
            ).start()

    def take(self) -> Link | None:
        """Return what a search that is done has found; None where it found nothing.

        Raises
        ------
        SpringhareError
            If the search says so.
        """
        search, self._search = self._search, None
        return None if search is None else search.result()

    def _run(self, search: Future[Link | None]) -> None:
        try:
            search.set_result(self._find())
        except BaseException as error:  # noqa: BLE001 - whoever takes it raises it
            search.set_exception(error)
