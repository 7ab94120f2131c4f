"""Chosen frames of sessions go into a project, a new one or one that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.dataset.adding import (
    add_picture,
    add_video,
    new_project,
    picture_path,
    require_empty,
)
from offline.dataset.project import CONFIG_FILE, open_project
from rig.commands.progress import bars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from offline.dataset.choosing import Candidate
    from offline.dataset.views import View

__all__ = ["put_frames", "require_place"]


def require_place(project: Path) -> None:
    """Refuse a project, or a place for a new one, before there is work for it.

    Raises
    ------
    LabelError
        If the project is not what it must be, or something else is there.
    """
    if (project / CONFIG_FILE).exists():
        open_project(project)
    else:
        require_empty(project)


def put_frames(
    project: Path,
    views: Sequence[View],
    chosen: Sequence[Candidate],
    scorer: str,
    bodyparts: Sequence[str] = (),
) -> None:
    """Put frames into a project; a new one is made where there is none.

    Parameters
    ----------
    project
        Its folder.
    views, chosen
        All cameras, and frames of these.
    scorer, bodyparts
        Of a new project; without body parts those of the live model.

    Raises
    ------
    LabelError
        If something is in the way, or the disk refuses.
    """
    if not (project / CONFIG_FILE).exists():
        new_project(
            project,
            task=views[0].info.task,
            scorer=scorer,
            bodyparts=bodyparts or _live_parts(views),
        )
    with bars() as progress:
        for _ in progress.track(
            _add(project, views, chosen), total=len(chosen), description="pictures"
        ):
            pass


def _live_parts(views: Sequence[View]) -> tuple[str, ...]:
    return next((view.bodyparts for view in views if view.bodyparts), ())


def _add(
    project: Path, views: Sequence[View], chosen: Sequence[Candidate]
) -> Iterable[Candidate]:
    """Put chosen frames into a project; yield each when it is there.

    Raises
    ------
    LabelError
        If one cannot be written.
    """
    by_name = {view.name: view for view in views}
    for name in dict.fromkeys(candidate.view for candidate in chosen):
        add_video(project, name, by_name[name].size_px)
    for candidate in chosen:
        view = by_name[candidate.view]
        source = {
            "session": view.info.session_id,
            "subject": view.info.subject,
            "camera": view.camera,
            "frame": candidate.frame,
            "time_s": round(candidate.at_s, 6),
            "criterion": candidate.criterion,
            "score": round(candidate.score, 4),
        }
        path = picture_path(project, view.name, candidate.frame)
        add_picture(path, view.frame(candidate.frame), source)
        yield candidate
