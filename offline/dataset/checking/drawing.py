"""Which sheets a check draws, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.dataset.checking.sheets import PER_SHEET, Panel, draw_sheet, panels_of
from rig.commands.outputs import require_file
from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.dataset.checking.check import Report
    from offline.dataset.project import Project

__all__ = ["SHEETS_FOLDER", "Drawn", "draw"]

SHEETS_FOLDER = "springhare-check"
_MOST_SHEETS, _PER_ALL = 20, 36


@dataclass(frozen=True, slots=True)
class Drawn:
    """Sheets that were drawn."""

    sheets: list[Path]
    left_out: int
    """Suspect pictures that are on no sheet: the least suspect ones."""


def draw(
    project: Project,
    report: Report,
    out: Path | None,
    *,
    force: bool,
    all_frames: bool,
) -> Drawn:
    """Draw sheets; those of an earlier check in the project's folder go.

    Parameters
    ----------
    project, report
        What was checked, and what was found.
    out
        The first sheet, others beside it; None for the project's own folder.
    force
        Whether sheets that are there at `out` may be replaced.
    all_frames
        Whether all labelled pictures are drawn, too.

    Raises
    ------
    SpringhareError
        If a sheet is there already, or cannot be written.
    """
    panels = panels_of(report.findings)
    shown = panels[: _MOST_SHEETS * PER_SHEET]
    jobs = _sheets("suspects", shown, PER_SHEET)
    if all_frames:
        labels = project.labels
        there = labels.of(labels.is_labelled.any(axis=1)).images
        everyone = [Panel((image,), (), ()) for image in there]
        jobs += _sheets("all", everyone, _PER_ALL)
    places = _places(project, [name for name, _ in jobs], out, force=force)
    for (_, here), path, title in zip(
        jobs, places, _titles(project, jobs), strict=True
    ):
        draw_sheet(project, here, path, title)
    return Drawn(places, len(panels) - len(shown))


def _sheets(
    name: str, panels: Sequence[Panel], most: int
) -> list[tuple[str, Sequence[Panel]]]:
    return [
        (f"{name}-{k // most + 1:02d}", panels[k : k + most])
        for k in range(0, len(panels), most)
    ]


def _titles(project: Project, jobs: Sequence[tuple[str, Sequence[Panel]]]) -> list[str]:
    return [f"{project.task}: {name}" for name, _ in jobs]


def _places(
    project: Project, names: Sequence[str], out: Path | None, *, force: bool
) -> list[Path]:
    """Return where sheets go, once it is clear that they may."""
    if out is None:
        folder = project.folder / SHEETS_FOLDER
        if not folder.is_dir() and not names:
            return []
        try:
            folder.mkdir(exist_ok=True)
            for old in [*folder.glob("suspects-*.png"), *folder.glob("all-*.png")]:
                old.unlink()
        except OSError as error:
            msg = (
                f"Expected to write into {folder}, got {error.strerror}: name another "
                "place with --out"
            )
            raise LabelError(msg) from error
        return [folder / f"{name}.png" for name in names]
    places = [
        out if k == 0 else out.with_stem(f"{out.stem}-{name}")
        for k, name in enumerate(names)
    ]
    for place in places:
        require_file(place, "--out", force=force)
    return places
