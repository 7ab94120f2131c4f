"""Commands about frames and their labels."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rig.commands.extras import require_packages
from rig.commands.outputs import OutFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from offline.dataset.choosing import Criterion
    from rig.sim.world import Story

__all__ = ["frames", "label", "refine"]


_OFFLINE = ("offline", "PIL", "matplotlib", "pandas", "scipy", "tables")
"""The extra, and what these commands need of it."""
_F = TypeVar("_F", bound="Callable[..., Any]")


def _into_project(command: _F) -> _F:
    """Give a command the options of frames that are chosen for a project."""
    options = (
        click.option(
            "--apart",
            "apart_s",
            type=click.FloatRange(min=0),
            default=0.25,
            show_default=True,
            help="No two frames of a camera are closer than so many seconds.",
        ),
        click.option("--seed", type=int, default=0, show_default=True),
        click.option(
            "--scorer", help="Of a new project: who labels; by default your login."
        ),
        click.option(
            "--bodypart",
            "bodyparts",
            multiple=True,
            help="Of a new project; by default those of the sessions' live model.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


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
    type=click.Choice(["appearance", "likelihood", "jumps", "disagreement"]),
    help="What makes a frame worth it, in turns; by default all: that it looks unlike "
    "the others, that the live model was unsure, that a part leapt, that the poses of "
    "springhare analyse are elsewhere.",
)
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@click.option(
    "--every-camera",
    is_flag=True,
    help="With each frame what the session's other cameras saw at that instant.",
)
@_into_project
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
    those that the project has are not chosen. Label them with springhare label, or
    with DeepLabCut's own window.
    """
    require_packages(*_OFFLINE)
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


@frames.command("simulate", short_help="Labelled frames of simulated animals.")
@click.option(
    "--project",
    required=True,
    type=OutFolder(),
    help="DeepLabCut project that they go into; a new one is made where there is none.",
)
@click.option(
    "--rig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rig file with the cameras; by default the demo's.",
)
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@click.option(
    "--story",
    "stories",
    multiple=True,
    type=click.Choice(["jump", "reach", "walk"]),
    help="What the animals do, several times; by default what the rig file says.",
)
@click.option("--animals", type=click.IntRange(1, 1000), default=8, show_default=True)
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=400,
    show_default=True,
    help="How many pictures in all.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--scorer",
    default="simulation",
    show_default=True,
    help="Of a new project: in whose name labels are kept, later ones too.",
)
@click.option("--dry-run", is_flag=True, help="Only tell; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def simulate(
    project: Path,
    rig: Path | None,
    cameras: tuple[str, ...],
    stories: tuple[Story, ...],
    animals: int,
    count: int,
    seed: int,
    scorer: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Make labelled frames of simulated animals, before the first real one.

    Each animal is seen by each camera of the rig, as its pictures would be: one folder
    per animal and camera, ten body parts, those that are hidden not labelled. How the
    cameras stand exactly, light and contrast differ from one to the next. The same seed
    gives the same frames. An animal's name is its seed for springhare demo, which is
    a million or more: those with smaller seeds stay unseen.
    """
    require_packages(*_OFFLINE)
    from offline.dataset.simulated.command import SimulateWish, run_simulate
    from offline.dataset.simulated.plan import Terms

    terms = Terms(
        animals=animals, count=count, cameras=cameras, stories=stories, seed=seed
    )
    wish = SimulateWish(
        project=project,
        rig=rig,
        terms=terms,
        scorer=scorer,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_simulate(wish)


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
    require_packages(*_OFFLINE)
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


@click.command(short_help="Label frames by hand, in napari-deeplabcut.")
@click.argument("project", type=click.Path(path_type=Path))
@click.option(
    "--video",
    metavar="NAME",
    help="Folder of pictures; by default the first that has unlabelled ones.",
)
@click.option("--dry-run", is_flag=True, help="Only tell; start nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print how far it is as JSON.")
def label(project: Path, video: str | None, dry_run: bool, as_json: bool) -> int:
    """Label the frames of a DeepLabCut PROJECT by hand.

    Tells how many pictures of each folder have a label, and opens the next folder in
    napari-deeplabcut, where it is installed (pip install napari-deeplabcut, here or in
    an environment of its own). Ctrl-S there saves. The exit status is napari's.
    """
    require_packages(*_OFFLINE)
    from offline.dataset.labelling.command import LabelWish, run_label

    return run_label(
        LabelWish(project=project, video=video, dry_run=dry_run, as_json=as_json)
    )


@click.command(short_help="The next frames worth a label, from sessions, on one sheet.")
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
    "--model",
    help="Looks at all frames first, where it has not: as for springhare analyse. By "
    "default the poses that are there are taken, the last made ones.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="How many frames in all.",
)
@click.option("--camera", "cameras", multiple=True, help="Only this; several times.")
@_into_project
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Contact sheet, more of them beside it; by default in springhare-refine in "
    "the project's folder.",
)
@click.option("--force", is_flag=True, help="Replace sheets that are there at --out.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only tell; write nothing but the sheet that --out names.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was chosen as JSON.")
def refine(
    sessions: tuple[Path, ...],
    project: Path,
    model: str | None,
    count: int,
    cameras: tuple[str, ...],
    apart_s: float,
    seed: int,
    scorer: str | None,
    bodyparts: tuple[str, ...],
    out: Path | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """From SESSIONS to the next frames that are worth a label, on a ranked sheet.

    A frame is worth it where live and offline poses are apart, a wrong fire hung on a
    pose, a part leapt, or the models were unsure; the chosen ones are apart in time and
    unlike one another. They go into the project; springhare label is the next step.
    """
    require_packages(*_OFFLINE)
    from offline.refine.command import RefineWish, run_refine

    wish = RefineWish(
        sessions=sessions,
        project=project,
        model=model,
        count=count,
        cameras=cameras,
        apart_s=apart_s,
        seed=seed,
        scorer=scorer or getpass.getuser(),
        bodyparts=bodyparts,
        out=out,
        force=force,
        dry_run=dry_run,
        as_json=as_json,
    )
    return run_refine(wish)
