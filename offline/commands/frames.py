"""Commands about frames and their labels."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from offline.dataset.choosing import Criterion

__all__ = ["frames"]


@click.group(short_help="Frames to be labelled: choose them, and check the labels.")
def frames() -> None:
    """Frames that a pose model is trained with."""


@frames.command("pick", short_help="Choose frames of sessions that are worth a label.")
@click.argument(
    "sessions",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option(
    "--project",
    required=True,
    type=OutFolder(),
    help="DeepLabCut project that they go into; a new one is made where there is none.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="How many frames in all.",
)
@click.option(
    "--by",
    "criteria",
    multiple=True,
    type=click.Choice(["appearance", "likelihood", "jumps"]),
    help="What makes a frame worth it, in turns; by default all: that it looks unlike "
    "the others, that the live model was unsure, that a part leapt.",
)
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@click.option(
    "--every-camera",
    is_flag=True,
    help="With each frame what the session's other cameras saw at that instant.",
)
@click.option(
    "--apart",
    "apart_s",
    type=click.FloatRange(min=0),
    default=0.25,
    show_default=True,
    help="No two frames of a camera are closer than so many seconds.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--scorer", help="Of a new project: who labels; by default your login.")
@click.option(
    "--bodypart",
    "bodyparts",
    multiple=True,
    help="Of a new project; by default those of the sessions' live model.",
)
@click.option("--dry-run", is_flag=True, help="Only tell; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was chosen as JSON.")
def pick(
    sessions: tuple[Path, ...],
    project: Path,
    count: int,
    criteria: tuple[Criterion, ...],
    cameras: tuple[str, ...],
    every_camera: bool,
    apart_s: float,
    seed: int,
    scorer: str | None,
    bodyparts: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
) -> int:
    """Choose frames of SESSIONS and put them into a DeepLabCut project.

    Each picture is the frame as it was recorded, named by its number. Frames near to
    those that the project has are not chosen. Label them with DeepLabCut's own window
    or with napari-deeplabcut.
    """
    from offline.dataset.choosing import CRITERIA
    from offline.dataset.command import PickWish, run_pick
    from offline.dataset.pick import Terms

    terms = Terms(
        count=count,
        criteria=criteria or CRITERIA,
        apart_s=apart_s,
        every_camera=every_camera,
        seed=seed,
    )
    wish = PickWish(
        sessions=sessions,
        project=project,
        terms=terms,
        cameras=cameras,
        scorer=scorer or getpass.getuser(),
        bodyparts=bodyparts,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_pick(wish)


@frames.command("check", short_help="Find errors of the labels, and show them.")
@click.argument("project", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Contact sheet; more of them beside it. By default in springhare-check in the "
    "project's folder.",
)
@click.option("--force", is_flag=True, help="Replace sheets that are there at --out.")
@click.option(
    "--all", "all_frames", is_flag=True, help="Also sheets of all labelled pictures."
)
@click.option("--strict", is_flag=True, help="End with 1 where anything is suspect.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def check(
    project: Path,
    out: Path | None,
    force: bool,
    all_frames: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Find errors of the labels of a DeepLabCut PROJECT.

    Left and right that were exchanged, parts where the animal's shape does not allow
    them, parts off the animal or the picture, labels copied from one picture to the
    next, pictures that are there twice, and what is not labelled. Suspects are drawn,
    the worst first. Nothing in the project is changed.
    """
    from offline.dataset.checking.command import CheckWish, run_check

    wish = CheckWish(
        project=project,
        out=out,
        force=force,
        all_frames=all_frames,
        strict=strict,
        as_json=as_json,
    )
    return run_check(wish)
