"""What ``springhare frames pick`` does with its options."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from offline.dataset.adding import new_project
from offline.dataset.pick import Terms, add, pick
from offline.dataset.project import CONFIG_FILE, open_project
from offline.dataset.views import views_of
from rig.errors import LabelError
from rig.recording.reader import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.dataset.choosing import Candidate
    from offline.dataset.views import View

__all__ = ["PickWish", "run_pick"]

_WORDS = {
    "appearance": "looks unlike the others: {0:.0%} look like it",
    "likelihood": "the live model was unsure: {0:.0%}",
    "jumps": "a part leapt by {0:.0f} px",
    "instant": "the same instant from here",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PickWish:
    """What the user asked for."""

    sessions: tuple[Path, ...]
    project: Path
    terms: Terms
    cameras: tuple[str, ...]
    scorer: str
    bodyparts: tuple[str, ...]
    """Of a new project; empty for those of the live model."""
    dry_run: bool
    as_json: bool


def run_pick(wish: PickWish) -> int:
    """Choose frames and put them into the project; tell of it.

    Raises
    ------
    LabelError
        If the project or a session is not what it must be, or nothing can be written.
    SessionError
        If there is no such session.
    """
    is_new = not (wish.project / CONFIG_FILE).exists()
    if not is_new:
        open_project(wish.project)
    with ExitStack() as stack:
        views = [
            view
            for folder in wish.sessions
            for view in views_of(
                stack.enter_context(Recording.open(folder)), wish.cameras
            )
        ]
        _refuse_twins(views)
        chosen = _pick(views, wish)
        if not wish.dry_run:
            if is_new:
                new_project(
                    wish.project,
                    task=views[0].info.task,
                    scorer=wish.scorer,
                    bodyparts=wish.bodyparts or _live_parts(views),
                )
            _add(wish.project, views, chosen)
    _tell(chosen, wish)
    return 0


def _refuse_twins(views: Sequence[View]) -> None:
    names = [view.name for view in views]
    if len(set(names)) < len(names):
        msg = "Expected each session once, got one of them twice"
        raise LabelError(msg)


def _live_parts(views: Sequence[View]) -> tuple[str, ...]:
    return next((view.bodyparts for view in views if view.bodyparts), ())


def _pick(views: Sequence[View], wish: PickWish) -> list[Candidate]:
    with _progress() as progress:
        tasks = {
            view.name: progress.add_task(view.name, total=None, visible=False)
            for view in views
        }

        def advance(view: str, done: int, total: int) -> None:
            progress.update(tasks[view], completed=done, total=total, visible=True)

        return pick(views, wish.terms, wish.project, advance)


def _add(project: Path, views: Sequence[View], chosen: Sequence[Candidate]) -> None:
    with _progress() as progress:
        for _ in progress.track(
            add(project, views, chosen), total=len(chosen), description="pictures"
        ):
            pass


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _tell(chosen: Sequence[Candidate], wish: PickWish) -> None:
    if wish.as_json:
        found = {
            "project": str(wish.project),
            "written": not wish.dry_run,
            "wanted": wish.terms.count,
            "frames": [asdict(candidate) for candidate in chosen],
        }
        click.echo(json.dumps(found, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("folder", "frame", "s", "why"):
        table.add_column(name, justify="right" if name in {"frame", "s"} else "left")
    for c in chosen:
        why = _WORDS[c.criterion].format(c.score)
        table.add_row(c.view, f"{c.frame}", f"{c.at_s:.3f}", why)
    Console().print(table)
    place = "would go" if wish.dry_run else "are"
    few = "" if len(chosen) >= wish.terms.count else f" ({wish.terms.count} wanted: "
    few += "no others lie far enough apart)" if few else ""
    click.echo(f"{len(chosen)} frames{few} {place} in {wish.project}")
    if not wish.dry_run:
        click.echo("label them with DeepLabCut's window or napari-deeplabcut")
