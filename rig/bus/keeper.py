"""Who tells readers on other machines of a session, and what is kept back from them.

The server of streams knows neither what a session is nor what must not be seen of it:
it asks a keeper, which whoever starts it has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.bus.remote_messages import About

__all__ = ["Keeper", "OpenKeeper"]


class Keeper(Protocol):
    """Tells readers of the session, and keeps back what they must not see.

    Asked from the loop that serves: nothing here may wait.
    """

    def about(self, what: About) -> bytes:
        """Return what the session is, or how it stands; empty while nobody says.

        Raises
        ------
        SpringhareError
            If it cannot be told; the reader is told why.
        """
        ...

    def refusal(self, stream: str) -> str:
        """Return why a stream is not served; empty for one that is."""
        ...

    def veil(self, stream: str, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Return rows as they may be seen: as many, with the same numbers."""
        ...


class OpenKeeper:
    """Tells nothing and keeps nothing back."""

    def about(self, what: About) -> bytes:
        """Return nothing."""
        return b""

    def refusal(self, stream: str) -> str:
        """Return no reason."""
        return ""

    def veil(self, stream: str, rows: NDArray[np.void]) -> NDArray[np.void]:
        """Return the rows as they are."""
        return rows
