"""What ``springhare frames pick`` does with its options."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from offline.dataset.filling import put_frames, require_place
from offline.dataset.pick import Terms, pick
from offline.dataset.views import opened_views
from offline.reanalysis.found import analyse_command, camera_poses
from rig.commands.progress import bars
from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.dataset.choosing import Candidate, Criterion
    from offline.dataset.views import View

__all__ = ["PickWish", "run_pick"]

_BY_TWO: Criterion = "disagreement"
"""What takes offline poses beside the live ones."""
_WORDS = {
    "appearance": "looks unlike the others: {0:.0%} look like it",
    "likelihood": "the live model was unsure: {0:.0%}",
    "jumps": "a part leapt by {0:.0f} px",
    "disagreement": "live and offline are {0:.0f} px apart",
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
    require_place(wish.project)
    with opened_views(wish.sessions, wish.cameras) as views:
        terms, left_out = _able(views, wish.terms)
        chosen = _pick(views, replace(wish, terms=terms))
        if not wish.dry_run:
            put_frames(wish.project, views, chosen, wish.scorer, wish.bodyparts)
    _tell(chosen, wish, left_out)
    return 0


def _able(views: Sequence[View], terms: Terms) -> tuple[Terms, list[str]]:
    """Return terms without what these views cannot be asked for, and say so.

    Raises
    ------
    LabelError
        If nothing else was asked for.
    """
    if _BY_TWO not in terms.criteria:
        return terms, []
    seen = [view for view in views if len(view.pose_frames)]
    lacking = [view for view in seen if not camera_poses(view.recording, view.camera)]
    names = ", ".join(view.name for view in lacking)
    commands = "; ".join(dict.fromkeys(analyse_command(v.recording) for v in lacking))
    if len(lacking) < len(seen):
        told = f"no {_BY_TWO} for {names}, without offline poses: {commands}"
        return terms, [told] if lacking else []
    why = f"no offline poses of {names}: {commands}" if seen else "no live poses"
    others = tuple(each for each in terms.criteria if each != _BY_TWO)
    if not others:
        msg = f"Expected live and offline poses for --by {_BY_TWO}, got {why}"
        raise LabelError(msg)
    return replace(terms, criteria=others), [f"{_BY_TWO} is left out: {why}"]


def _pick(views: Sequence[View], wish: PickWish) -> list[Candidate]:
    with bars() as progress:
        tasks = {
            view.name: progress.add_task(view.name, total=None, visible=False)
            for view in views
        }

        def advance(view: str, done: int, total: int) -> None:
            progress.update(tasks[view], completed=done, total=total, visible=True)

        return pick(views, wish.terms, wish.project, advance)


def _tell(chosen: Sequence[Candidate], wish: PickWish, left_out: Sequence[str]) -> None:
    if wish.as_json:
        found = {
            "project": str(wish.project),
            "written": not wish.dry_run,
            "wanted": wish.terms.count,
            "left_out": left_out,
            "frames": [asdict(candidate) for candidate in chosen],
        }
        click.echo(json.dumps(found, indent=2))
        return
    for words in left_out:
        click.echo(words, err=True)
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
        click.echo(f"label them: springhare label {wish.project}")
