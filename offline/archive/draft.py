"""The draft: the folded session file while it is made, under a hidden name.

It lies in ``.compress/`` inside the session, with its journal. A draft that was cut
off is never opened as HDF5 again; its chunks are carried over into the next one.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]

from offline.archive.journal import Journal, read_notes
from offline.archive.structure import copy_attributes, object_names
from rig.recording.layout import FOLDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from offline.archive.encoders import Packed
    from offline.archive.journal import Entry
    from offline.archive.plan import DatasetPlan, Piece, Plan

__all__ = ["Draft", "OldDraft", "best_draft", "discard_drafts", "drafts_folder"]

_h5: Any = h5py
_V110 = ("v110", "v110")


def drafts_folder(session: Path) -> Path:
    """Return the folder of a session's drafts."""
    return session / ".compress"


@dataclass(frozen=True, slots=True)
class OldDraft:
    """A draft that an earlier run left."""

    path: Path
    pieces: Mapping[int, Entry]
    """What is in it, by the number of the piece."""
    whole: bool
    """Whether it is closed and on the disk, and can be opened."""

    def read(self, piece: int) -> list[Packed] | None:
        """Return the chunks of a piece; None if it does not have them."""
        entry = self.pieces.get(piece)
        return None if entry is None else entry.read(self.path)

    def discard(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        _journal_of(self.path).unlink(missing_ok=True)


class Draft:
    """A folded session file that is being written.

    Parameters
    ----------
    place
        Folder of drafts.
    plan
        Of the fold.
    session
        The open `session.h5`, whose groups and attributes are taken over.
    """

    def __init__(self, place: Path, plan: Plan, session: Any) -> None:
        self.path = place / f"{_next_number(place)}.h5"
        self._plan = plan
        self._journal = Journal(_journal_of(self.path), plan.fingerprint)
        self._file = _h5.File(self.path, "x", libver=_V110)
        try:
            _lay_out(self._file, plan, session)
            self._datasets = [self._file[plan.raw.path].id for plan in plan.datasets]
        except BaseException:
            self.close()
            raise

    def write(self, piece: Piece, chunks: Sequence[Packed]) -> None:
        """Write the chunks of a piece, and note it.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        dataset = self._datasets[piece.dataset]
        places = piece.places(self._plan.datasets[piece.dataset])
        offsets: list[int] = []
        for place, (mask, data) in zip(places, chunks, strict=True):
            dataset.write_direct_chunk(place, data, mask)
            offsets.append(dataset.get_chunk_info_by_coord(place).byte_offset)
        self._journal.note(piece.number, chunks, offsets)

    def finish(self) -> None:
        """Close the file, whole and on the disk; it can be opened from now on.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        try:
            self._file.close()
        except RuntimeError as error:  # what h5py makes of a full disk here
            raise OSError(str(error)) from error
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            # so that the proof reads what the disk has, not what memory has
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self._journal.whole()

    def close(self) -> None:
        """Let go of the files, as they are; may be called twice."""
        self._journal.close()
        try:
            self._file.close()
        except (OSError, RuntimeError):
            # a full disk: HDF5 lets go once the draft's own room is given back
            os.truncate(self.path, 0)
            self._file.close()

    def __enter__(self) -> Draft:
        """Return the draft."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def best_draft(place: Path, plan: Plan) -> OldDraft | None:
    """Return the draft of a plan that has most; every other one is removed."""
    found = [
        OldDraft(path, *read_notes(_journal_of(path), plan.fingerprint))
        for path in place.glob("*.h5")
    ]
    best = max(found, key=lambda old: (old.whole, len(old.pieces)), default=None)
    for old in found:
        if old is not best or not old.pieces:
            old.discard()
    return best if best is not None and best.pieces else None


def discard_drafts(place: Path) -> None:
    """Remove all drafts and their folder."""
    shutil.rmtree(place, ignore_errors=True)


def _journal_of(path: Path) -> Path:
    return path.with_suffix(".journal")


def _next_number(place: Path) -> int:
    return 1 + max((int(path.stem) for path in place.glob("*.*")), default=0)


def _lay_out(file: Any, plan: Plan, session: Any) -> None:
    """Make everything but the chunks: groups, datasets, attributes."""
    for dataset in plan.datasets:
        _make_dataset(file, dataset)
    for name in object_names(session):
        if isinstance(session[name], _h5.Group):
            file.require_group(name)
        copy_attributes(session[name], file[name])
    file.attrs["storage"] = FOLDED
    file.attrs["storage_filter"] = plan.filter.name
    file.attrs["storage_needs"] = plan.filter.needs


def _make_dataset(file: Any, plan: DatasetPlan) -> None:
    raw, packing = plan.raw, plan.packing
    if packing is None:
        file.create_dataset(raw.path, raw.shape, raw.dtype)
        return
    file.create_dataset(
        raw.path,
        raw.shape,
        raw.dtype,
        chunks=packing.chunk,
        **packing.filter.properties(raw.dtype),
    )
