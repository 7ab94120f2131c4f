"""What ``springhare evaluate`` does with its options."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
import numpy as np
from rich.console import Console

from offline.dataset.project import open_project
from offline.dataset.sources import animals_of
from offline.evaluation.display import show
from offline.evaluation.errors import (
    Seen,
    errors_px,
    in_parts_of,
    is_kept,
    lone_parts,
    require_shared,
)
from offline.evaluation.frames import (
    FrameSet,
    read_names,
    read_split,
    rows_of,
)
from offline.evaluation.judging import Terms, judge
from offline.evaluation.looking import look
from offline.evaluation.models import load, names_for
from offline.evaluation.page import page
from offline.evaluation.result import Evaluation, Machine, as_json
from offline.evaluation.training import doubt
from rig.commands.outputs import require_file
from rig.commands.progress import bars
from rig.recording.disk import replace_file
from sync.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offline.dataset.labels import Labels
    from offline.dataset.project import Project
    from offline.evaluation.errors import GateLimits
    from offline.evaluation.looking import Looks
    from offline.evaluation.models import Loaded
    from offline.models import Engine

__all__ = ["EvaluateWish", "evaluate", "run_evaluate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateWish:
    """What the user asked for."""

    models: tuple[str, ...]
    project: Path
    engine: Engine | None
    resize: float
    frames: Path | None
    """List of pictures; None for all labelled ones."""
    split: Path | None
    """Lists of train and test; None for one set."""
    limits: GateLimits
    terms: Terms
    out: Path | None
    """The page; None for one named after project and time in the working folder."""
    as_json: bool


def run_evaluate(wish: EvaluateWish) -> int:
    """Evaluate models, tell of it, and write the page.

    Raises
    ------
    LabelError
        If the project, its pictures or a list of them is not what it must be.
    ModelError
        If a model is none, or has no part in common with the project.
    SpringhareError
        If the page cannot be written.
    """
    path = wish.out or _place(wish.project)
    require_file(path, "--out", force=wish.out is not None)
    project = open_project(wish.project)
    found = evaluate(wish, project)
    replace_file(path, page(found, project.folder).encode())
    if wish.as_json:
        click.echo(json.dumps(as_json(found, str(path)), indent=1))
        return 0
    show(found, Console())
    click.echo(f"page: {path}")
    return 0


def evaluate(wish: EvaluateWish, project: Project) -> Evaluation:
    """Return all that an evaluation finds; nothing is written.

    Raises
    ------
    LabelError, ModelError
        As `run_evaluate`.
    """
    every = project.require_labels()
    sets = _sets(wish, every)
    rows = np.unique(np.concatenate([one.rows for one in sets]))
    labels = every.of(rows)
    with ExitStack() as stack:
        loaded: list[Loaded] = []
        for name, shown in zip(wish.models, names_for(wish.models), strict=True):
            loaded.append(load(name, shown, wish.engine, wish.resize))
            stack.callback(loaded[-1].model.close)
            require_shared(loaded[-1].model.bodyparts, labels.bodyparts)
        looks = _look(loaded, [project.folder / image for image in labels.images])
    seen = _seen(loaded, looks, labels, wish.limits)
    groups, kind = _groups(project, labels)
    own = [FrameSet(one.name, np.searchsorted(rows, one.rows)) for one in sets]
    return Evaluation(
        project=project.folder.resolve().name,
        scorer=project.scorer,
        made_utc=utc_now().strftime("%Y-%m-%d %H:%M"),
        parts=labels.bodyparts,
        images=labels.images,
        groups=tuple(groups),
        labels_px=labels.xy_px,
        names=tuple(one.name for one in loaded),
        facts=tuple(one.facts for one in loaded),
        speeds=tuple(looks.speeds),
        seen=tuple(seen),
        sets=tuple(
            judge(
                one.name,
                one.rows,
                seen,
                parts=labels.bodyparts,
                is_labelled=labels.is_labelled,
                groups=groups,
                group_kind=kind,
                terms=wish.terms,
            )
            for one in own
        ),
        doubts=tuple(_doubts(own, loaded, labels, wish)),
        remarks=tuple(_remarks(project, loaded, labels, looks, seen)),
        machine=Machine(os.cpu_count() or 1, looks.load_before, looks.load_after),
        terms=wish.terms,
        limits=wish.limits,
        resize=wish.resize,
    )


def _place(project: Path) -> Path:
    """Return where the page goes: a new one for each run, none is replaced."""
    folder = project.parent if project.is_file() else project
    return Path(f"evaluation-{folder.resolve().name}-{utc_now():%Y%m%d-%H%M%S}.html")


def _sets(wish: EvaluateWish, labels: Labels) -> list[FrameSet]:
    if wish.split is not None:
        sides = read_split(wish.split)
        return [
            FrameSet(side, rows_of(names, labels.images))
            for side, names in sides.items()
        ]
    if wish.frames is not None:
        names = read_names(wish.frames)
        return [FrameSet("chosen", rows_of(names, labels.images))]
    return [FrameSet("all", np.arange(len(labels.images), dtype=np.int64))]


def _look(loaded: Sequence[Loaded], paths: Sequence[Path]) -> Looks:
    with bars() as progress:
        task = progress.add_task("pictures", total=len(paths))
        return look(
            [one.model for one in loaded],
            paths,
            lambda done: progress.update(task, completed=done),
        )


def _seen(
    loaded: Sequence[Loaded], looks: Looks, labels: Labels, limits: GateLimits
) -> list[Seen]:
    found: list[Seen] = []
    for one, given in zip(loaded, looks.poses, strict=True):
        parts = one.model.bodyparts
        poses = in_parts_of(given, parts, labels.bodyparts)
        found.append(
            Seen(
                name=one.name,
                parts=np.array([part in parts for part in labels.bodyparts]),
                poses=poses,
                errors_px=errors_px(poses, labels.xy_px),
                is_kept=is_kept(poses, limits),
            )
        )
    return found


def _groups(
    project: Project, labels: Labels
) -> tuple[Sequence[str], Literal["videos", "animals"]]:
    """Return of each frame the animal where all are known, else the video."""
    animals = animals_of(project.folder, labels.images)
    if all(animals):
        return animals, "animals"
    return labels.videos, "videos"


def _doubts(
    sets: Sequence[FrameSet],
    loaded: Sequence[Loaded],
    labels: Labels,
    wish: EvaluateWish,
) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for one in sets:
        images = [labels.images[row] for row in one.rows]
        for model in loaded:
            if one.name == "train":
                why = "these are the frames that were trained on, as the split says"
            elif wish.split is not None and model.facts.trained.images is None:
                continue  # the split says it: these were not
            else:
                why = doubt(model.facts.trained, images)
            if why:
                found.append((one.name, model.name, why))
    return found


def _remarks(
    project: Project,
    loaded: Sequence[Loaded],
    labels: Labels,
    looks: Looks,
    seen: Sequence[Seen],
) -> list[str]:
    lost_points = [
        int((labels.is_labelled & one.parts & np.isnan(one.errors_px)).sum())
        for one in seen
    ]
    found = list(project.remarks)
    for one in loaded:
        found += lone_parts(one.name, one.model.bodyparts, labels.bodyparts)
    found += [
        f"{loaded[k].name} takes grey pictures only: colour ones were shown to it by "
        "their luminance"
        for k in looks.turned_grey
    ]
    found += [
        f"{one.name} gave nothing for {lost} labelled points: they are in no figure "
        "but the PCK curve"
        for one, lost in zip(loaded, lost_points, strict=True)
        if lost
    ]
    if len(sizes := sorted(set(looks.sizes_px))) > 1:
        shown = ", ".join(f"{w}×{h}" for w, h in sizes[:5])
        found.append(
            f"{len(sizes)} sizes of pictures ({shown}): px of different sizes are put "
            "together; the speed is of the most frequent one"
        )
    return found
