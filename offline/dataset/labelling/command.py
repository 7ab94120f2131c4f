"""What ``springhare label`` does with its options."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from offline.dataset.labelling.folders import choose, folders_of
from offline.dataset.labelling.napari import (
    NAPARI,
    find_napari,
    require_plugin,
    start,
    words_for,
)
from offline.dataset.project import open_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from offline.dataset.labelling.folders import Folder

__all__ = ["LabelWish", "run_label"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelWish:
    """What the user asked for."""

    project: Path
    video: str | None
    """Folder of pictures; None for the first that has unlabelled ones."""
    dry_run: bool
    as_json: bool


def run_label(wish: LabelWish) -> int:
    """Tell how far a project is labelled, and open its next folder in napari.

    Returns
    -------
    int
        Exit status of napari; 0 where it was not started.

    Raises
    ------
    LabelError
        If the project is not what it must be, or napari-deeplabcut is not there.
    """
    project = open_project(wish.project)
    folders = folders_of(project)
    chosen = choose(folders, wish.video)
    words = [] if chosen is None else words_for(project, chosen.name)
    command = [NAPARI, *words] if words else []
    if wish.as_json:
        click.echo(json.dumps(_as_json(folders, chosen, command), indent=2))
    else:
        _tell(folders, chosen, command)
    if wish.dry_run or chosen is None:
        return 0
    napari = find_napari()
    require_plugin(napari)
    return start([napari, *words], project.folder)


def _as_json(
    folders: Sequence[Folder], chosen: Folder | None, command: Sequence[str]
) -> dict[str, object]:
    return {
        "folders": [asdict(folder) for folder in folders],
        "next": None if chosen is None else chosen.name,
        "command": list(command),
    }


def _tell(
    folders: Sequence[Folder], chosen: Folder | None, command: Sequence[str]
) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("folder", overflow="fold")
    table.add_column("labelled", justify="right")
    table.add_column("pictures", justify="right")
    for one in folders:
        mark = "→" if one is chosen else ""
        table.add_row(mark, one.name, str(one.labelled), str(one.pictures))
    Console().print(table)
    labelled = sum(one.labelled for one in folders)
    pictures = sum(one.pictures for one in folders)
    click.echo(f"{labelled} of {pictures} pictures are labelled")
    if chosen is None:
        click.echo("nothing left to label: --video opens a folder all the same")
    else:
        click.echo(shlex.join(command))
