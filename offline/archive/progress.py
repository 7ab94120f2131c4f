"""How far it is: what the work tells while it goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

__all__ = ["Advance", "Counted", "Progress", "Silent"]


class Advance(Protocol):
    """Told of each part that is done."""

    def __call__(self, nbytes: int, stored: int = 0, *, kept: bool = False) -> None:
        """Say how many raw bytes were done, and to how many they were packed.

        Parameters
        ----------
        kept
            Whether an earlier run had packed them.
        """
        ...


class Progress(Protocol):
    """Shows how far the work is."""

    def phase(self, name: str, nbytes: int) -> AbstractContextManager[Advance]:
        """Begin a part of the work, of so many raw bytes."""
        ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def phase(self, name: str, nbytes: int) -> Generator[Advance]:
        """Begin a part of the work."""
        yield lambda nbytes, stored=0, *, kept=False: None


class Counted:
    """Counts what was carried over, and hands everything on."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.kept_bytes = 0

    @contextmanager
    def phase(self, name: str, nbytes: int) -> Generator[Advance]:
        """Begin a part of the work."""
        with self._progress.phase(name, nbytes) as advance:

            def count(nbytes: int, stored: int = 0, *, kept: bool = False) -> None:
                self.kept_bytes += nbytes if kept else 0
                advance(nbytes, stored, kept=kept)

            yield count
