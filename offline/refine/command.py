"""What ``springhare refine`` does with its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console

from offline.dataset.filling import put_frames, require_place
from offline.dataset.views import opened_views
from offline.picture_file import require_picture
from offline.reanalysis.found import analyse_command
from offline.refine.display import Chosen, show_chosen
from offline.refine.looked import look_at
from offline.refine.poses import make_poses
from offline.refine.rank import rank
from offline.refine.sheet import PER_SHEET, draw_ranked
from rig.commands.outputs import require_file
from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from offline.dataset.views import View
    from offline.refine.looked import Looked
    from offline.refine.rank import Ranked

__all__ = ["SHEETS_FOLDER", "RefineWish", "run_refine"]

SHEETS_FOLDER = "springhare-refine"
"""In the project; each run's sheets have a number of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefineWish:
    """What the user asked for."""

    sessions: tuple[Path, ...]
    project: Path
    model: str | None
    """Looks at all frames first; None for poses that are there."""
    count: int
    cameras: tuple[str, ...]
    apart_s: float
    seed: int
    scorer: str
    """Of a new project."""
    bodyparts: tuple[str, ...]
    """Of a new project; empty for those of the live model."""
    out: Path | None
    """The contact sheet; None for the project's folder of sheets."""
    force: bool
    dry_run: bool
    as_json: bool


def run_refine(wish: RefineWish) -> int:
    """Choose the next frames to be labelled, show them, put them into the project.

    Raises
    ------
    SpringhareError
        If a session, the project or the model is not what it must be, there is nothing
        to choose by, or something cannot be written.
    """
    require_place(wish.project)
    if wish.out is not None:
        require_picture(wish.out)
        require_file(wish.out, "--out", force=wish.force)
    files: Mapping[tuple[str, str], Path] = {}
    remarks: list[str] = []
    if wish.model is not None:
        files, remarks = make_poses(
            wish.sessions, wish.cameras, wish.model, dry_run=wish.dry_run
        )
    with opened_views(wish.sessions, wish.cameras) as views:
        looked, more = _looked(views, files)
        with Console(stderr=True).status("frames"):
            ranked = rank(looked, wish.project, wish.count, wish.apart_s, wish.seed)
        if not ranked:
            msg = (
                f"Expected frames that are worth a label, got none of {len(views)} "
                "views: all poses are likely, smooth and alike, or the project has "
                "frames near to all others"
            )
            raise LabelError(msg)
        if not wish.dry_run:
            put_frames(
                wish.project,
                views,
                sorted((r.candidate for r in ranked), key=lambda c: (c.view, c.frame)),
                wish.scorer,
                wish.bodyparts or _bodyparts(looked),
            )
        sheets = _draw(ranked, wish)
    chosen = Chosen(
        project=wish.project,
        wanted=wish.count,
        written=not wish.dry_run,
        ranked=ranked,
        sheets=sheets,
        remarks=[*remarks, *more],
    )
    if wish.as_json:
        click.echo(chosen.to_json())
    else:
        show_chosen(chosen)
    return 0


def _looked(
    views: Sequence[View], files: Mapping[tuple[str, str], Path]
) -> tuple[list[Looked], list[str]]:
    """Return what is known of each view, and what to say of it."""
    looked: list[Looked] = []
    remarks: list[str] = []
    unseen: list[View] = []
    for view in views:
        found = look_at(view, files.get((view.info.session_id, view.camera)))
        if found is None:
            unseen.append(view)
            continue
        looked.append(found)
        if found.offline is None:
            remarks.append(
                f"{view.name} is ranked by its live poses alone: give --model, or run "
                f"{analyse_command(view.recording)}"
            )
        elif found.same_model:
            remarks.append(
                f"{view.name}: the offline poses are by the live model, so the two do "
                "not disagree; another --model would tell more"
            )
    if not looked:
        names = ", ".join(view.name for view in unseen)
        msg = (
            f"Expected poses of {names}, live or made afterwards, got none: give "
            f"--model, or run {analyse_command(unseen[0].recording)}"
        )
        raise LabelError(msg)
    remarks += [f"{view.name} is left out: no model saw it" for view in unseen]
    return looked, remarks


def _bodyparts(looked: Sequence[Looked]) -> tuple[str, ...]:
    """Return those of the live model; of the offline one where nobody looked live."""
    live = next((each.view.bodyparts for each in looked if each.view.bodyparts), ())
    files = (each.offline for each in looked if each.offline is not None)
    return live or next((file.bodyparts for file in files), ())


def _draw(ranked: Sequence[Ranked], wish: RefineWish) -> list[Path]:
    """Draw the sheets; without a place for them a dry run draws none."""
    if wish.out is None and wish.dry_run:
        return []
    pages = range(0, len(ranked), PER_SHEET)
    places = _places(wish, len(pages))
    for first, place in zip(pages, places, strict=True):
        title = f"{wish.project.resolve().name}: the next frames to be labelled"
        draw_ranked(ranked[first : first + PER_SHEET], first + 1, place, title)
    return places


def _places(wish: RefineWish, count: int) -> list[Path]:
    if wish.out is not None:
        places = [wish.out]
        places += [
            wish.out.with_stem(f"{wish.out.stem}-{k}") for k in range(2, count + 1)
        ]
        for place in places[1:]:
            require_file(place, "--out", force=wish.force)
        return places
    folder = wish.project / SHEETS_FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        msg = (
            f"Expected to write into {folder}, got {error.strerror}: name another "
            "place with --out"
        )
        raise LabelError(msg) from error
    known = [int(p.stem) for p in folder.glob("*.png") if p.stem.isdigit()]
    first = max(known, default=0) + 1
    return [folder / f"{first + k:03d}.png" for k in range(count)]
