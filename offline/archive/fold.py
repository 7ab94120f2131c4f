"""The fold: segments in, one packed session file out, under a hidden name."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offline.archive.draft import Draft, best_draft
from offline.archive.encoders import packed
from offline.archive.filters import require_filter
from offline.archive.raw import read_raw
from rig.recording import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from offline.archive.draft import OldDraft
    from offline.archive.encoders import Packed
    from offline.archive.plan import DatasetPlan, Piece, Plan
    from offline.archive.pool import Pool
    from offline.archive.progress import Progress

__all__ = ["SPARE_BYTES", "Folded", "fold", "pack_piece"]

SPARE_BYTES = 256 * 1024 * 1024
"""Room that is left to others on the disk."""


@dataclass(frozen=True, slots=True)
class Folded:
    """The folded file: whole, closed, not yet compared with the raw one."""

    path: Path
    carried_over_bytes: int
    """Raw bytes that an earlier run had packed."""


def fold(
    plan: Plan, place: Path, session: Any, pool: Pool, progress: Progress
) -> Folded:
    """Make the folded file of a session, or finish one that was begun.

    Parameters
    ----------
    place
        Folder of drafts.
    session
        The open `session.h5`.

    Raises
    ------
    OSError
        If the disk is full or refuses. What was done stays for the next run.
    """
    old = best_draft(place, plan)
    if old is not None and old.whole:
        return Folded(old.path, plan.nbytes)
    carried_over = 0
    with (
        progress.phase("packing", plan.nbytes) as advance,
        Draft(place, plan, session) as draft,
    ):
        for piece, chunks, kept in _packed(plan, old, pool):
            stored = sum(len(data) for _, data in chunks)
            _require_room(place, stored)
            draft.write(piece, chunks)
            advance(plan.size_of(piece), stored)
            carried_over += plan.size_of(piece) if kept else 0
        draft.finish()
    if old is not None:
        old.discard()
    return Folded(draft.path, carried_over)


def pack_piece(plan: DatasetPlan, piece: Piece) -> list[Packed]:
    """Return the chunks of a piece, packed, in order; any process can do it."""
    if plan.packing is None:
        return []
    require_filter(plan.packing.filter)
    block = read_raw(plan.raw, piece.first, piece.stop)
    return [
        packed(block, (place[0] - piece.first, *place[1:]), plan.packing)
        for place in piece.places(plan)
    ]


def _packed(
    plan: Plan, old: OldDraft | None, pool: Pool
) -> Iterator[tuple[Piece, list[Packed], bool]]:
    """Yield each piece with its chunks, and whether an earlier run had packed it."""
    known = {} if old is None else old.pieces
    last_known = max(known, default=-1)
    fresh = pool.map(
        pack_piece,
        (
            (plan.datasets[piece.dataset], piece)
            for piece in plan.pieces
            if piece.number not in known
        ),
    )
    for piece in plan.pieces:
        if old is None or piece.number not in known:
            yield piece, next(fresh), False
            continue
        chunks = old.read(piece.number)
        if chunks is None:  # what a power cut took
            yield piece, pack_piece(plan.datasets[piece.dataset], piece), False
        else:
            yield piece, chunks, True
        if piece.number == last_known:
            old.discard()


def _require_room(place: Path, nbytes: int) -> None:
    # before HDF5 meets the end of the disk: it could not even close the file
    if disk.free_bytes(place) < nbytes + SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
