"""From sessions to pictures that are worth labelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from offline.dataset.adding import add_picture, add_video, picture_path
from offline.dataset.appearance import by_appearance, thumbnail
from offline.dataset.choosing import Candidate, Choice, in_turns
from offline.dataset.project import LABELED_DATA
from offline.dataset.scores import jumps_px, uncertainty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from offline.dataset.choosing import Criterion
    from offline.dataset.views import View

__all__ = ["Terms", "add", "pick"]

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
        for number in _present(project, view):
            choice.exclude(view.name, _time_s(view, number))
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


def add(
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


def _present(project: Path, view: View) -> list[int]:
    """Return the numbers of the frames of a view that a project has."""
    folder = project / LABELED_DATA / view.name
    stems = [path.stem for path in folder.glob("img*")]
    numbers = [int(stem[3:]) for stem in stems if stem[3:].isdigit()]
    return [number for number in numbers if number < view.count]


def _time_s(view: View, frame: int) -> float:
    started_ns = view.info.started_host_ns
    return float(view.exposure_ns[frame] - started_ns) / 1e9


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
    if criterion == "likelihood":
        score = uncertainty(view.poses)
    else:
        score = jumps_px(view.pose_frames, view.poses)
    best = np.argsort(-score, kind="stable")[:_RANKED]
    return [
        _candidate(view, int(view.pose_frames[k]), criterion, float(score[k]))
        for k in best
        if score[k] > 0
    ]


def _candidate(view: View, frame: int, criterion: Criterion, score: float) -> Candidate:
    return Candidate(view.name, frame, _time_s(view, frame), criterion, score)


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
            yield replace(found, at_s=_time_s(other, nearest), criterion="instant")
