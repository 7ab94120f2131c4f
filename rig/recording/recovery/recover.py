"""Carries a recovery out: the old names are kept, the new files put in their place.

A crash at any point leaves a session that can be recovered: the rows are never
touched, and each file is replaced by rename.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rig.errors import SessionError
from rig.recording import disk
from rig.recording.finish import settle
from rig.recording.inspection import bytes_to_compare, inspect_recording
from rig.recording.layout import (
    RESERVE_FILE,
    SESSION_FILE,
    SIDECAR_FILE,
    segments_folder,
)
from rig.recording.reader import Recording
from rig.recording.recovery.draft import drafted
from rig.recording.recovery.leftovers import (
    keep_old,
    leftovers,
    replaced,
    unnamed,
)
from rig.recording.recovery.plan import make_plan
from rig.recording.recovery.report import report_of, report_of_folded
from rig.recording.sidecar import write_sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from rig.recording.recovery.plan import Plan, Watched
    from rig.recording.recovery.report import RecoveryReport

__all__ = ["recover_session"]


@contextmanager
def _unwatched(_total: int) -> Generator[Callable[[int], None]]:
    yield lambda _: None


def recover_session(
    folder: Path,
    *,
    everything: bool = False,
    dry_run: bool = False,
    memory_waits: bool = False,
    watched: Watched = _unwatched,
) -> RecoveryReport:
    """Make a session whole that ended badly, from its files alone.

    What was still in memory is to be recorded before. No segment is altered: rows
    that are not kept stay where they are, and are not shown. A stream ends at the
    first row of its unsynced end that does not agree with its checksum: all that was
    recorded more than about a second before a power cut (the interval between two
    syncs, and the time that those take) is kept.

    Parameters
    ----------
    everything
        Whether to compare all rows with their checksums, not only those that a power
        cut may have spoilt.
    dry_run
        Whether to find out only, and change nothing.
    memory_waits
        Whether rows of it are in memory still, so that what seems lost may be there.
    watched
        Is told how many bytes will be compared; gives what is told of each further.

    Raises
    ------
    SessionError
        If there is no session, or the disk refuses; it is as it was.
    VersionError
        If it is of another version.
    BusyError
        If it is being recorded.
    """
    with _owned(folder):
        with drafted(folder) as draft:
            file = draft.wreck.file
            if file is not None and file.folded:
                return _look(
                    folder, everything=everything, dry_run=dry_run, watched=watched
                )
            waste = _waste(folder)
            if not dry_run:  # makes room on a disk that is full
                (segments_folder(folder) / RESERVE_FILE).unlink(missing_ok=True)
            plan = make_plan(draft, everything=everything, watched=watched)
        steps = [*_steps(plan), *waste]
        if not dry_run:
            _carry_out(plan)
    return report_of(plan, steps, dry_run=dry_run, memory_waits=memory_waits)


@contextmanager
def _owned(folder: Path) -> Generator[None]:
    """Keep recorders away; say in words what the disk refuses."""
    place, lock = segments_folder(folder), None
    try:
        if place.is_dir():
            lock = disk.lock_folder(place)
        yield
    except OSError as error:
        msg = (
            f"Expected to recover {folder}, got: {error}: what was recorded is as it "
            "was; mend that, then recover it again"
        )
        raise SessionError(msg) from error
    finally:
        if lock is not None:
            os.close(lock)


def _look(
    folder: Path, *, everything: bool, dry_run: bool, watched: Watched
) -> RecoveryReport:
    """Report on a folded session: it was whole when it was folded."""
    with Recording.open(folder) as recording:
        total = bytes_to_compare(recording) if everything else 0
        with watched(total) as told:
            inspection = inspect_recording(recording, quick=not everything, told=told)
        return report_of_folded(recording, inspection, dry_run=dry_run)


def _steps(plan: Plan) -> list[str]:
    """Say what is to be done."""
    folder = plan.wreck.folder
    steps = [
        f"{path.name} has its name again: it holds rows"
        for path in unnamed(folder).values()
    ]
    if not plan.stands:
        steps.append(replaced(folder / SESSION_FILE))
    if not plan.sidecar_stands:
        again = f"{SIDECAR_FILE} written anew"
        if plan.wreck.info_fault:
            again = replaced(folder / SIDECAR_FILE)
        steps.append(f"{again}: {plan.state}")
    return steps


def _waste(folder: Path) -> list[str]:
    """Say what is left of the recording itself, and is to be removed."""
    again = unnamed(folder)
    waste = [path for path in leftovers(folder) if path not in again]
    if not waste:
        return []
    nbytes = sum(512 * path.stat().st_blocks for path in waste)
    files = "file" if len(waste) == 1 else "files"
    return [
        f"{len(waste)} {files} removed that only a running recording needs "
        f"({nbytes / 1e6:,.0f} MB)"
    ]


def _carry_out(plan: Plan) -> None:
    wreck, folder = plan.wreck, plan.wreck.folder
    for hidden, path in unnamed(folder).items():
        hidden.rename(path)
        disk.sync_folder(path.parent)
    if wreck.info_fault:
        keep_old(folder / SIDECAR_FILE)
    if not plan.stands:
        keep_old(folder / SESSION_FILE)
        settle(folder, plan.info, wreck.layouts, plan.extents, plan.ledger, plan.state)
    elif not plan.sidecar_stands:
        write_sidecar(folder, plan.info)
    for path in leftovers(folder):
        path.unlink()
