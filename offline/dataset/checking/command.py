"""What ``springhare frames check`` does with its options."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from offline.dataset.checking.check import check
from offline.dataset.checking.drawing import SHEETS_FOLDER, draw
from offline.dataset.project import open_project
from offline.picture_file import require_picture
from rig.commands.outputs import require_file, require_folder
from rig.commands.progress import bars

if TYPE_CHECKING:
    from pathlib import Path

    from offline.dataset.checking.check import Report
    from offline.dataset.checking.drawing import Drawn
    from offline.dataset.checking.finding import Finding
    from offline.dataset.project import Project

__all__ = ["CheckWish", "run_check"]

_MOST_ROWS = 40
_STYLE = {"wrong": "red", "doubtful": "yellow", "note": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWish:
    """What the user asked for."""

    project: Path
    out: Path | None
    """The first sheet; None for the project's own folder of sheets."""
    force: bool
    """Whether sheets that are there may be replaced."""
    all_frames: bool
    strict: bool
    as_json: bool


def run_check(wish: CheckWish) -> int:
    """Check a project, draw what is suspect, and tell of it.

    Returns
    -------
    int
        Exit status: 1 where anything is suspect and that was asked for.

    Raises
    ------
    SpringhareError
        If the project is not what it must be, or a sheet cannot be written.
    """
    project = open_project(wish.project)
    if wish.out is None:
        require_folder(project.folder / SHEETS_FOLDER, "--out")
    else:
        require_picture(wish.out)
        require_file(wish.out, "--out", force=wish.force)
    with bars() as progress:
        task = progress.add_task("pictures", total=None)
        report = check(
            project, lambda k, n: progress.update(task, completed=k, total=n)
        )
    drawn = draw(
        project, report, wish.out, force=wish.force, all_frames=wish.all_frames
    )
    if wish.as_json:
        click.echo(json.dumps(_as_json(project, report, drawn), indent=2))
    else:
        _tell(project, report, drawn)
    return int(wish.strict and bool(report.suspects))


def _as_json(project: Project, report: Report, drawn: Drawn) -> object:
    return {
        "project": str(project.folder),
        "pictures": len(project.pictures),
        "labelled": int(project.labels.is_labelled.any(axis=1).sum()),
        "counts": report.counts,
        "suspects": len(report.suspects),
        "findings": [
            {
                "severity": f.severity,
                "kind": f.kind,
                "text": f.text,
                "images": [str(image) for image in f.images],
                "parts": list(f.parts),
                "score": round(f.score, 3),
            }
            for f in report.findings
        ],
        "remarks": list(report.remarks),
        "sheets": [str(sheet) for sheet in drawn.sheets],
        "left_out_of_sheets": drawn.left_out,
    }


def _tell(project: Project, report: Report, drawn: Drawn) -> None:
    if report.findings:
        table = Table(box=None, pad_edge=False)
        for name in ("", "picture", "what", "why"):
            table.add_column(name, overflow="fold")
        for finding in report.findings[:_MOST_ROWS]:
            table.add_row(
                f"[{_STYLE[finding.severity]}]{finding.severity}[/]",
                *map(_plain, (_picture(finding), finding.kind, finding.text)),
            )
        Console().print(table)
    if (more := len(report.findings) - _MOST_ROWS) > 0:
        click.echo(f"and {more} more: --json tells them all")
    for remark in report.remarks:
        click.echo(f"not judged or left aside: {remark}")
    click.echo(_summary(project, report))
    if sheets := drawn.sheets:
        more = f" and {len(sheets) - 1} more" if len(sheets) > 1 else ""
        click.echo(f"look at {sheets[0]}{more}")
    if drawn.left_out:
        pictures = "picture is" if drawn.left_out == 1 else "pictures are"
        click.echo(
            f"{drawn.left_out} more suspect {pictures} on no sheet, the least suspect "
            "ones: mend the others, and check again"
        )


def _plain(words: str) -> str:
    return words.replace("[", r"\[")


def _picture(finding: Finding) -> str:
    if not finding.images:
        return ""
    image = finding.images[0]
    name = image.parent.name
    return name if finding.kind == "unlabelled" else f"{name}/{image.name}"


def _summary(project: Project, report: Report) -> str:
    count = int(project.labels.is_labelled.any(axis=1).sum())
    of = f"of {count} labelled pictures"
    if not report.suspects:
        return f"nothing suspect in any {of}"
    kinds = Counter(finding.kind for finding in report.suspects)
    words = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common())
    images = {f.images[0] for f in report.suspects if f.images}
    suspects = "suspect" if len(report.suspects) == 1 else "suspects"
    return f"{len(report.suspects)} {suspects} in {len(images)} {of}: {words}"
