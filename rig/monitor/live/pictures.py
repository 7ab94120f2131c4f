"""One picture of a camera, taken from where it lies, each n-th pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rig.bus.reader import RingReader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rig.bus.ring import Ring

__all__ = ["Picture", "Pictures", "RingPictures"]


class Picture(NamedTuple):
    """A frame's row, and each `step`-th row and column of its pixels."""

    row: np.void
    pixels: NDArray[Any]
    step: int


class Pictures(Protocol):
    """The pictures of one camera."""

    def take(self, seq: int | None, step: int) -> Picture | None:
        """Return the frame of that `seq`, or the newest; maybe another one.

        Nothing is waited for: from another machine it is the one that has come, and
        what is wanted is asked for. None while there is none, or it is overwritten.
        """
        ...


class RingPictures:
    """Pictures of a ring on this machine: only the pixels that are drawn are copied.

    Parameters
    ----------
    ring
        Of the camera.
    """

    def __init__(self, ring: Ring) -> None:
        self._ring = ring
        self._reader = RingReader(ring)

    def take(self, seq: int | None, step: int) -> Picture | None:
        """Return the frame of that `seq`, or the newest; None if it is overwritten."""
        wanted = self._ring.head - 1 if seq is None else seq
        if wanted < 0:
            return None
        self._reader.cursor = wanted
        view = self._reader.peek(1)
        if not len(view) or view.first_seq != wanted:
            return None
        row = view.rows[0].copy()
        pixels = view.payload[0][::step, ::step].copy()
        return Picture(row, pixels, step) if view.intact() else None
