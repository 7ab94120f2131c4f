"""What a worker does: pack a piece, or compare it with what was packed.

Plain functions of what they are given, so that any process can run them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from offline.archive.encoders import packed
from offline.archive.filters import require_filter
from offline.archive.raw import read_raw

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.encoders import Packed
    from offline.archive.plan import DatasetPlan, Piece

__all__ = ["compare_piece", "pack_block", "pack_piece"]

_h5: Any = h5py


def pack_piece(plan: DatasetPlan, piece: Piece) -> list[Packed]:
    """Return the chunks of a piece, packed, in order."""
    return pack_block(plan, piece, read_raw(plan.raw, piece.first, piece.stop))


def pack_block(plan: DatasetPlan, piece: Piece, block: NDArray[Any]) -> list[Packed]:
    """Return the chunks of a piece whose entries are given."""
    if plan.packing is None:
        return []
    require_filter(plan.packing.filter)
    chunk = plan.packing.chunk
    found: list[Packed] = []
    for place in piece.places(plan):
        begin = (place[0] - piece.first, *place[1:])
        where = tuple(slice(b, b + n) for b, n in zip(begin, chunk, strict=True))
        found.append(packed(block[where], plan.packing))
    return found


def compare_piece(path: Path, plan: DatasetPlan, piece: Piece) -> int | None:
    """Return the first entry of a piece that is not, bit for bit, the raw one.

    Parameters
    ----------
    path
        The folded file, which is read as anybody would read it.

    Returns
    -------
    int or None
        Its number in the dataset; None if all are the same.
    """
    if plan.packing is not None:
        require_filter(plan.packing.filter)
    wanted = _bytes(read_raw(plan.raw, piece.first, piece.stop))
    with _h5.File(path, "r") as file:
        try:
            found = _bytes(file[plan.raw.path][piece.first : piece.stop])
        except OSError:  # a chunk that its filter refuses
            return piece.first
    if np.array_equal(found, wanted):
        return None
    at = int(np.argmax(found != wanted)) if found.shape == wanted.shape else 0
    return piece.first + at // plan.raw.entry_bytes


def _bytes(entries: NDArray[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(np.ascontiguousarray(entries).data, np.uint8)
