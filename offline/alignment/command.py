"""What ``springhare align`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console

from offline.alignment.cues import look_for_cues
from offline.alignment.display import show_alignment, show_files
from offline.alignment.layout import ALIGNED_FILE
from offline.alignment.pipeline import align
from offline.alignment.report import write_report
from offline.alignment.result import worst
from offline.alignment.store import write_aligned
from offline.latency import find_calibration
from rig.errors import SessionError
from rig.recording.layout import SESSION_FILE
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
    column: str | None
    unit: str | None
    reference: str | None
    out: Path | None


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
    found = [_session(path, wish) for path in sessions] or [_files(wish)]
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
                f"Expected a session that is closed in {recording.folder}, got one that "
                f"is not: springhare recover {recording.folder}, if it was cut short"
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
        written = () if wish.dry_run else _write(folder, aligned, status.update)
    if not wish.as_json:
        show_alignment(aligned.alignment)
        show_files(written)
    return aligned.alignment


def _write(
    folder: Path, aligned: Aligned, progress: Callable[[str], None]
) -> tuple[Path, Path]:
    progress("writing")
    tables, page = folder / ALIGNED_FILE, folder / REPORT_FILE
    write_aligned(tables, aligned.alignment, aligned.streams, aligned.evidence)
    progress("drawing")
    write_report(page, aligned.alignment, aligned.evidence, aligned.streams)
    return tables, page
