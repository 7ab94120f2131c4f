"""The proof: the folded file is decoded whole and compared with the segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import numpy as np

from offline.archive.filters import require_filter
from offline.archive.raw import read_raw
from offline.archive.structure import differences
from rig.errors import SessionError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.archive.plan import DatasetPlan, Piece, Plan
    from offline.archive.pool import Pool
    from offline.archive.progress import Progress

__all__ = ["ADDED_ATTRIBUTES", "compare_piece", "verify"]

ADDED_ATTRIBUTES = frozenset({"storage", "storage_filter", "storage_needs"})

_h5: Any = h5py


def verify(
    path: Path, plan: Plan, session: Any, pool: Pool, progress: Progress
) -> None:
    """Compare a folded file with the session it was made of, bit for bit.

    Parameters
    ----------
    path
        The folded file.
    session
        The open `session.h5`, for names, types and attributes; entries are
        compared with the segments themselves.

    Raises
    ------
    SessionError
        If anything differs.
    """
    with _h5.File(path, "r") as file:
        _refuse(list(differences(session, file, ADDED_ATTRIBUTES)))
    with progress.phase("verifying", plan.nbytes) as advance:
        tasks = ((path, plan.datasets[p.dataset], p) for p in plan.pieces)
        for piece, found in zip(
            plan.pieces, pool.map(compare_piece, tasks), strict=True
        ):
            if found is not None:
                name = plan.datasets[piece.dataset].raw.path
                _refuse([f"entry {found} of {name} differs"])
            advance(plan.size_of(piece))


def compare_piece(path: Path, plan: DatasetPlan, piece: Piece) -> int | None:
    """Return the first entry of a piece that is not, bit for bit, the raw one.

    Any process can do it.

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


def _refuse(faults: list[str]) -> None:
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        msg = (
            "Expected the folded file to decode to what was recorded, it does not: "
            f"{faults[0]}{more}: the recording is untouched; run it again, and look "
            "after this computer's memory and disk if it comes again"
        )
        raise SessionError(msg)


def _bytes(entries: NDArray[Any]) -> NDArray[np.uint8]:
    return np.frombuffer(np.ascontiguousarray(entries).data, np.uint8)
