"""From sessions to pictures that are worth labelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.appearance import by_appearance, thumbnail
from offline.dataset.choosing import Candidate, Choice, in_turns
from offline.dataset.project import LABELED_DATA
from offline.dataset.scores import disagreement_px, jumps_px, uncertainty
from offline.reanalysis.found import camera_poses, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.dataset.choosing import Criterion
    from offline.dataset.views import View

__all__ = ["Terms", "pick", "present"]

_LOOKED_AT = 600
"""Frames of a view that are compared by what they show."""
_RANKED = 2000
"""Of a view, by each criterion: enough that some are apart from one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How frames are picked."""

    count: int
    """Frames that are wanted; a last instant is taken whole."""
    criteria: tuple[Criterion, ...]
    apart_s: float
    """No two frames of a camera are closer."""
    every_camera: bool
    """Whether a frame brings those of the session's other cameras with it."""
    seed: int


def pick(
    views: Sequence[View],
    terms: Terms,
    project: Path,
    advance: Callable[[str, int, int], None] = lambda *_: None,
) -> list[Candidate]:
    """Choose frames that are worth labelling; nothing is written.

    Parameters
    ----------
    views
        Of all sessions.
    terms
        How many, and by what.
    project
        Folder of the project: frames near to those that it has are not chosen.
    advance
        Told of each frame that was looked at: its view, how many, of how many.

    Returns
    -------
    list of Candidate
        By view and time; fewer than wanted where there are not so many apart.
    """
    choice = Choice(terms.apart_s)
    for view in views:
        for number in present(project, view):
            choice.exclude(view.name, view.seconds(number))
    proposed: dict[Criterion, list[Candidate]] = {
        criterion: _propose(views, criterion, terms, advance)
        for criterion in terms.criteria
    }
    by_name = {view.name: view for view in views}
    for taken in in_turns(proposed, choice):
        if terms.every_camera:
            for other in _siblings(by_name[taken.view], taken, views):
                choice.take(other)
        if len(choice.chosen) >= terms.count:
            break
    return sorted(choice.chosen, key=lambda c: (c.view, c.frame))


def present(project: Path, view: View) -> list[int]:
    """Return the numbers of the frames of a view that a project has."""
    folder = project / LABELED_DATA / view.name
    stems = [path.stem for path in folder.glob("img*")]
    numbers = [int(stem[3:]) for stem in stems if stem[3:].isdigit()]
    return [number for number in numbers if number < view.count]


def _propose(
    views: Sequence[View],
    criterion: Criterion,
    terms: Terms,
    advance: Callable[[str, int, int], None],
) -> list[Candidate]:
    """Return frames by a criterion, the best first: views in turns, or by score."""
    if criterion == "appearance":
        each = [_by_appearance(view, terms, len(views), advance) for view in views]
        turns = zip_longest(*each)
        return [c for turn in turns for c in turn if c is not None]
    found: list[Candidate] = []
    for view in views:
        if len(view.pose_frames):
            found += _by_pose(view, criterion)
    return sorted(found, key=lambda c: -c.score)


def _by_appearance(
    view: View, terms: Terms, views: int, advance: Callable[[str, int, int], None]
) -> list[Candidate]:
    numbers = np.unique(np.linspace(0, view.count - 1, _LOOKED_AT).astype(np.int64))
    small: list[NDArray[np.float32]] = []
    for k, number in enumerate(numbers.tolist()):
        small.append(thumbnail(view.frame(number)))
        advance(view.name, k + 1, len(numbers))
    clusters = max(2, -(-terms.count // views))
    order, share = by_appearance(np.stack(small), clusters, terms.seed)
    return [
        _candidate(view, int(numbers[k]), "appearance", float(score))
        for k, score in zip(order, share, strict=True)
    ]


def _by_pose(view: View, criterion: Criterion) -> list[Candidate]:
    frames = view.pose_frames
    if criterion == "likelihood":
        score = uncertainty(view.poses)
    elif criterion == "jumps":
        score = jumps_px(frames, view.poses)
    else:
        frames, score = _disagreement_px(view)
    best = np.argsort(-score, kind="stable")[:_RANKED]
    return [
        _candidate(view, int(frames[k]), criterion, float(score[k]))
        for k in best
        if score[k] > 0
    ]


def _disagreement_px(view: View) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return frames, and how far live and offline poses are apart there."""
    offline = camera_poses(view.recording, view.camera)
    if offline is None:
        return np.empty(0, np.int64), np.empty(0)
    both = paired(view.pose_frames, view.poses, view.bodyparts, offline)
    return both.frames, disagreement_px(both.first, both.second)


def _candidate(view: View, frame: int, criterion: Criterion, score: float) -> Candidate:
    return Candidate(view.name, frame, view.seconds(frame), criterion, score)


def _siblings(
    view: View, candidate: Candidate, views: Sequence[View]
) -> Iterable[Candidate]:
    """Yield what other cameras of a session saw at the instant of a frame.

    A frame whose exposure is farther than half a period saw another one.
    """
    at_ns = view.exposure_ns[candidate.frame]
    for other in views:
        if other.recording is not view.recording or other.camera == view.camera:
            continue
        nearest = int(np.abs(other.exposure_ns - at_ns).argmin())
        period_ns = float(np.median(np.diff(other.exposure_ns))) if other.count else 0
        if abs(float(other.exposure_ns[nearest] - at_ns)) <= period_ns / 2:
            found = replace(candidate, view=other.name, frame=nearest)
            yield replace(found, at_s=other.seconds(nearest), criterion="instant")
