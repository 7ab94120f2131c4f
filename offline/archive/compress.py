"""Compress a session: fold, prove, put in place, and only then let the raw go.

At every instant the session can be read: until the folded file takes the place of
`session.h5` by rename, nothing of the recording was touched; from then on nothing
of the recording is needed. Run again after any crash, it goes on.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from offline.archive.draft import best_draft, discard_drafts, drafts_folder
from offline.archive.estimate import Estimate, estimate
from offline.archive.filters import DEFAULT_FILTER, FILTERS, require_filter
from offline.archive.fold import SPARE_BYTES, fold
from offline.archive.plan import PIECE_BYTES, Plan, make_plan
from offline.archive.pool import open_pool
from offline.archive.progress import Progress, Silent
from offline.archive.raw import raw_datasets
from offline.archive.report import DatasetReport, Report
from offline.archive.source import (
    Source,
    finished_session,
    owned,
    remove_segments,
    require_only_segments,
    take_place,
)
from offline.archive.verify import verify
from rig.errors import SessionError
from rig.recording import disk
from rig.recording.layout import segments_folder
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sync.clock import Clock

__all__ = ["Options", "compress", "plan_compression"]

logger = logging.getLogger(__name__)

_h5: Any = h5py
_MARGIN = 1.1
"""By how much an estimate from samples may fall short."""
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = os.strerror(errno.ENOSPC)


@dataclass(frozen=True, slots=True)
class Options:
    """How a session is to be folded."""

    filter: str = DEFAULT_FILTER
    """For pixels; one of `FILTERS`."""
    workers: int = 1
    """Processes; 1 is this one."""
    keep_raw: bool = False
    piece_bytes: int = PIECE_BYTES
    """About how much one worker packs at once, and how much a crash costs it."""


def plan_compression(path: Path, options: Options) -> Report:
    """Return what `compress` would do, from samples; nothing is changed.

    Raises
    ------
    SpringhareError
        If it would refuse.
    """
    source = finished_session(path)
    if source.folded and not source.has_segments:
        return _already(source)
    require_filter(FILTERS[options.filter])
    if not options.keep_raw:
        require_only_segments(source)
    with (
        owned(source.folder, segments_folder(source.folder)),
        _h5.File(source.file, "r") as session,
    ):
        plan = _plan(source, session, options)
        expected = _estimated(plan)
    return Report(
        session_id=source.session_id,
        outcome="planned",
        filter=plan.filter.name,
        datasets=_datasets(plan, expected.stored),
        raw_bytes=plan.nbytes,
        stored_bytes=expected.nbytes,
        seconds=expected.cpu_s / options.workers,
        free_bytes=disk.free_bytes(source.folder),
    )


def compress(
    path: Path,
    options: Options,
    progress: Progress | None = None,
    clock: Clock | None = None,
) -> Report:
    """Fold a finished session into one self-contained file.

    Parameters
    ----------
    path
        The session's folder or its session file.

    Raises
    ------
    SessionError
        If the session is not finished, the disk is full or refuses, or the folded
        file does not decode to what was recorded; the recording is as it was.
    BusyError
        If somebody records it, compresses it or, at the end, reads it.
    """
    clock = MonotonicClock() if clock is None else clock
    began_ns = clock.now()
    progress = Silent() if progress is None else progress
    source = finished_session(path)
    if source.folded and not source.has_segments:
        remove_segments(source.folder)
        discard_drafts(drafts_folder(source.folder))
        return _already(source)
    with (
        owned(source.folder, segments_folder(source.folder)),
        _in_words(source.folder),
    ):
        # anew: whoever had it until now may have finished the work
        source = finished_session(path)
        if not source.has_segments:
            return _already(source)
        report = _compress(source, options, progress)
    seconds = (clock.now() - began_ns) / 1e9
    return msgspec.structs.replace(report, seconds=seconds)


def _compress(source: Source, options: Options, progress: Progress) -> Report:
    folder, place = source.folder, drafts_folder(source.folder)
    if not options.keep_raw:
        require_only_segments(source)
    free_bytes = disk.free_bytes(folder)
    with (
        _h5.File(source.file, "r") as session,
        open_pool(options.workers) as pool,
    ):
        plan = _plan(source, session, options)
        if source.folded:  # the raw was kept; it goes now, after another proof
            draft, carried_over = source.file, 0
        else:
            _require_room(plan, place)
            place.mkdir(exist_ok=True)
            folded = fold(plan, place, session, pool, progress)
            draft, carried_over = folded.path, folded.carried_over_bytes
        try:
            verify(draft, plan, session, pool, progress)
        except (SessionError, OSError):
            discard_drafts(place)
            raise
        stored = _stored(draft, plan)
        stored_bytes = draft.stat().st_size
    if not source.folded:
        with take_place(source):
            disk.publish(draft, source.file)
            logger.info("%s is folded with %s", source.file, plan.filter.name)
    discard_drafts(place)
    if not options.keep_raw:
        remove_segments(folder)
    return Report(
        session_id=source.session_id,
        outcome="already folded" if source.folded else "folded",
        filter=plan.filter.name,
        datasets=_datasets(plan, stored),
        raw_bytes=plan.nbytes,
        stored_bytes=stored_bytes,
        carried_over_bytes=carried_over,
        free_bytes=free_bytes,
        raw_removed=not options.keep_raw,
    )


def _plan(source: Source, session: Any, options: Options) -> Plan:
    """Return the plan of a session; of a folded one, what was done with it."""
    name = source.filter or options.filter
    require_filter(FILTERS[name])
    pixels = frozenset(
        layout.payload.session_path
        for layout in source.layouts.values()
        if layout.payload is not None and layout.spec.kind == "frames"
    )
    datasets = raw_datasets(source, session)
    origin = b"" if source.folded else source.file.read_bytes()
    return make_plan(datasets, pixels, FILTERS[name], origin, options.piece_bytes)


def _estimated(plan: Plan) -> Estimate:
    try:
        return estimate(plan)
    except OSError as error:
        msg = f"Expected to read the segments, got: {error}: see springhare check"
        raise SessionError(msg) from error


def _require_room(plan: Plan, place: Path) -> None:
    """Refuse to begin what does not fit; an old draft goes first if that helps."""
    needed = int(_MARGIN * _estimated(plan).nbytes) + SPARE_BYTES
    free = disk.free_bytes(place.parent)
    old = best_draft(place, plan)
    if old is not None and old.whole:
        return
    if old is not None and free < needed <= free + old.path.stat().st_size:
        old.discard()
        return
    if free < needed:
        msg = (
            f"Expected {needed / 1e9:.2f} GB of room beside the raw in "
            f"{place.parent}, got {free / 1e9:.2f} GB: free some and run it again; "
            "nothing was changed"
        )
        raise SessionError(msg)


def _stored(path: Path, plan: Plan) -> tuple[int, ...]:
    with _h5.File(path, "r") as file:
        return tuple(
            file[dataset.raw.path].id.get_storage_size() for dataset in plan.datasets
        )


def _datasets(plan: Plan, stored: tuple[int, ...]) -> list[DatasetReport]:
    return [
        DatasetReport(dataset.raw.path, dataset.filter_name, dataset.raw.nbytes, nbytes)
        for dataset, nbytes in zip(plan.datasets, stored, strict=True)
    ]


def _already(source: Source) -> Report:
    return Report(
        session_id=source.session_id,
        outcome="already folded",
        filter=source.filter or "",
        stored_bytes=source.file.stat().st_size,
        raw_removed=True,
    )


@contextmanager
def _in_words(folder: Path) -> Generator[None]:
    """Say what the disk said; a full one is given back what was taken of it."""
    try:
        yield
    except OSError as error:
        full = error.errno == errno.ENOSPC or _FULL in str(error)
        if full:
            discard_drafts(drafts_folder(folder))
        advice = "what was done is kept; run it again"
        if full:
            advice = "free some of it and run it again; what was taken is given back"
        elif error.errno in _FORBIDDEN:
            advice = "nothing was changed; have it made writable, and run it again"
        words = _FULL if full else error
        msg = f"Expected to compress {folder}, got: {words}: {advice}"
        raise SessionError(msg) from error
