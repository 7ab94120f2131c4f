"""What ``springhare align`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console

from offline.alignment.cues import look_for_cues
from offline.alignment.display import show_alignment, show_files
from offline.alignment.foreign import (
    Options,
    align_files,
    output_files,
    write_tables,
)
from offline.alignment.layout import ALIGNED_FILE
from offline.alignment.pipeline import align
from offline.alignment.report import write_report
from offline.alignment.result import worst
from offline.alignment.store import write_aligned
from offline.delays import find_calibration
from rig.errors import SessionError
from rig.recording.layout import SESSION_FILE
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.alignment.foreign.train import Unit
    from offline.alignment.pipeline import Aligned
    from offline.alignment.result import Alignment

__all__ = ["REPORT_FILE", "Wish", "run"]

REPORT_FILE = "derived/sync-report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked for."""

    sources: tuple[Path, ...]
    max_drift_ppm: float
    calibration: Path | None
    cues: bool
    dry_run: bool
    as_json: bool
    columns: tuple[str, ...]
    unit: Unit | None
    reference: str | None
    out: Path | None
    """Of other people's files; a session's results go into it."""


def run(wish: Wish) -> int:
    """Do what was asked for and tell of it.

    Returns
    -------
    int
        The exit status: 1 where something failed.
    """
    sessions = [path for path in wish.sources if _is_session(path)]
    if sessions and len(sessions) != len(wish.sources):
        odd = next(path for path in wish.sources if not _is_session(path))
        msg = (
            f"Expected sessions, or files with times of pulses, got both: {odd} is no "
            "session's folder; align them one after another"
        )
        raise SessionError(msg)
    found = [_session(path, wish) for path in sessions] or [_foreign(wish)]
    if wish.as_json:
        texts = [one.to_json() for one in found]
        click.echo(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return 1 if worst(one.level for one in found) == "FAIL" else 0


def _is_session(path: Path) -> bool:
    return path.is_dir() or path.name == SESSION_FILE


def _session(path: Path, wish: Wish) -> Alignment:
    console = Console(stderr=True)
    with Recording.open(path) as recording, console.status("reading") as status:
        if recording.ledger is None:
            msg = (
                f"Expected a session that is closed in {recording.folder}, got one "
                "that is not: springhare recover mends one that was cut short"
            )
            raise SessionError(msg)
        aligned = align(
            recording,
            max_drift_ppm=wish.max_drift_ppm,
            latencies=find_calibration(recording, wish.calibration),
            look=look_for_cues if wish.cues else None,
            progress=status.update,
        )
        folder = recording.folder
        places = (folder / ALIGNED_FILE, folder / REPORT_FILE)
        if not wish.dry_run:
            status.update("writing")
            _write(*places, aligned)
    _tell(wish, aligned, () if wish.dry_run else places)
    return aligned.alignment


def _foreign(wish: Wish) -> Alignment:
    options = Options(
        columns=wish.columns,
        unit=wish.unit,
        reference=wish.reference,
        max_drift_ppm=wish.max_drift_ppm,
    )
    with Console(stderr=True).status("matching"):
        aligned = align_files(wish.sources, options)
        places = output_files(wish.sources, aligned.streams, wish.out)
        written: tuple[Path, ...] = ()
        if not wish.dry_run:
            origin_ns = aligned.alignment.origin_ns
            tables = write_tables(places, aligned.streams, origin_ns)
            _write(places.aligned, places.report, aligned)
            written = (places.aligned, places.report, *tables)
    _tell(wish, aligned, written)
    return aligned.alignment


def _tell(wish: Wish, aligned: Aligned, written: Sequence[Path]) -> None:
    if not wish.as_json:
        show_alignment(aligned.alignment)
        show_files(written)


def _write(tables: Path, page: Path, aligned: Aligned) -> None:
    write_aligned(tables, aligned.alignment, aligned.streams, aligned.evidence)
    write_report(page, aligned.alignment, aligned.evidence, aligned.streams)
