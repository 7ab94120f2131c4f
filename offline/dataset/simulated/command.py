"""What ``springhare frames simulate`` does with its options."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from offline.dataset.adding import new_project
from offline.dataset.project import CONFIG_FILE, open_project
from offline.dataset.simulated.making import (
    SKELETON,
    make,
    require_new,
    require_parts,
)
from offline.dataset.simulated.plan import plan
from rig.commands.progress import bars
from rig.config.examples import examples_folder
from rig.config.loading import load_rig
from rig.sim.world import BODY_PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from offline.dataset.labels import Labels
    from offline.dataset.simulated.plan import Planned, Terms

__all__ = ["SimulateWish", "run_simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateWish:
    """What the user asked for."""

    project: Path
    rig: Path | None
    """None for the demo's."""
    terms: Terms
    scorer: str
    """Of a new project."""
    dry_run: bool
    as_json: bool


def run_simulate(wish: SimulateWish) -> int:
    """Put simulated, labelled frames into a project; tell of it.

    Raises
    ------
    LabelError
        If the project, the cameras or the numbers are not what they must be, or
        something is in the way.
    ConfigError
        If the rig file is wrong.
    """
    rig = load_rig(wish.rig or examples_folder() / "rig" / "demo.yaml")
    bodyparts, scorer = _terms_of(wish)
    with bars() as progress:
        task = progress.add_task("animals", total=None)
        planned = plan(
            rig,
            wish.terms,
            lambda k, n: progress.update(task, completed=k, total=n),
        )
    require_new(wish.project, planned)
    made: dict[str, Labels] = {}
    if not wish.dry_run:
        if not (wish.project / CONFIG_FILE).exists():
            new_project(
                wish.project,
                task=rig.name,
                scorer=scorer,
                bodyparts=bodyparts,
                skeleton=SKELETON,
            )
        made = _make(wish.project, planned, bodyparts, scorer)
    if wish.as_json:
        click.echo(json.dumps(_as_json(wish, planned, made), indent=2))
    else:
        _tell(wish, planned, made)
    return 0


def _terms_of(wish: SimulateWish) -> tuple[tuple[str, ...], str]:
    """Return body parts and scorer: the project's own where there is one."""
    if not (wish.project / CONFIG_FILE).exists():
        return BODY_PARTS, wish.scorer
    project = open_project(wish.project)
    require_parts(project.bodyparts)
    return project.bodyparts, project.scorer


def _make(
    project: Path, planned: Sequence[Planned], bodyparts: Sequence[str], scorer: str
) -> dict[str, Labels]:
    with bars() as progress:
        total = sum(len(one.numbers) for one in planned)
        task = progress.add_task("pictures", total=total)
        return {
            one.name: make(
                project,
                one,
                bodyparts=bodyparts,
                scorer=scorer,
                advance=lambda: progress.advance(task),
            )
            for one in planned
        }


def _counts(labels: Labels) -> dict[str, int]:
    counts = labels.is_labelled.sum(axis=0).tolist()
    return dict(zip(labels.bodyparts, counts, strict=True))


def _as_json(
    wish: SimulateWish, planned: Sequence[Planned], made: Mapping[str, Labels]
) -> dict[str, Any]:
    recordings: list[dict[str, Any]] = [
        {
            "folder": one.name,
            "animal": one.animal,
            "seed": one.seed,
            "story": one.story,
            "camera": one.camera,
            "frames": one.numbers.tolist(),
            "labelled": _counts(made[one.name]) if one.name in made else None,
        }
        for one in planned
    ]
    return {
        "project": str(wish.project),
        "written": not wish.dry_run,
        "recordings": recordings,
    }


def _tell(
    wish: SimulateWish, planned: Sequence[Planned], made: Mapping[str, Labels]
) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("folder", overflow="fold")
    table.add_column("pictures", justify="right")
    if made:
        table.add_column("not always seen", overflow="fold")
    for one in planned:
        row = [one.name, str(len(one.numbers))]
        if one.name in made:
            row.append(_unseen(made[one.name]))
        table.add_row(*row)
    Console().print(table)
    pictures = sum(len(one.numbers) for one in planned)
    animals = len({one.animal for one in planned})
    place = "would go into" if wish.dry_run else "went into"
    click.echo(
        f"{_several(pictures, 'labelled picture')} of "
        f"{_several(animals, 'simulated animal')} {place} {wish.project}"
    )
    if not wish.dry_run:
        click.echo(f"train on them: springhare train {wish.project}")


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _unseen(labels: Labels) -> str:
    total = len(labels.images)
    some = {part: n for part, n in _counts(labels).items() if n < total}
    return ", ".join(f"{part} in {n} of {total}" for part, n in some.items())
