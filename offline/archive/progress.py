"""How far it is: what the work tells while it goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

__all__ = ["Advance", "Progress", "Silent"]


class Advance(Protocol):
    """Told of each part that is done."""

    def __call__(self, nbytes: int, stored: int = 0) -> None:
        """Say how many raw bytes were done, and to how many they were packed."""
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
        yield lambda nbytes, stored=0: None
