"""The labelled frames that models are judged on: a fair test of both. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offline.evaluation.frames import picture_key, rows_of
from offline.gate.checks import Check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path, PurePosixPath

    from offline.evaluation.result import Evaluation

__all__ = ["Held", "fair_names", "unseen"]

_FEW = 10


@dataclass(frozen=True, slots=True)
class Held:
    """Labelled frames to be judged on."""

    project: Path
    names: tuple[str, ...] | None
    """Of the pictures; None for all labelled ones."""
    learnt: frozenset[str] = frozenset()
    """Pictures that the candidate's training learnt from, by `picture_key`, where they
    are known from beside it."""


def fair_names(
    held: Held, labelled: Sequence[PurePosixPath], learnt: AbstractSet[str]
) -> tuple[list[str] | None, list[str]]:
    """Leave out what the current model was trained on, where enough is left.

    Else it would look better than it is, and a better candidate be refused.

    Parameters
    ----------
    held
        The frames.
    labelled
        All labelled pictures of the project.
    learnt
        By the current model, by `picture_key`.

    Returns
    -------
    list of str or None
        Names of pictures; None for all labelled ones.
    list of str
        What is to be said of it.

    Raises
    ------
    LabelError
        If a name is not among the labelled pictures.
    """
    names = None if held.names is None else list(held.names)
    rows = range(len(labelled)) if names is None else rows_of(names, labelled)
    images = [str(labelled[row]) for row in rows]
    fair = [image for image in images if picture_key(image) not in learnt]
    if len(fair) == len(images) or len(fair) < _FEW:
        return names, []
    left_out = len(images) - len(fair)
    return fair, [f"{left_out} more are left out that the current one has learnt"]


def unseen(found: Evaluation, held: Held, remarks: Sequence[str]) -> Check:
    """Judge whether the frames are a test of the candidate at all.

    Parameters
    ----------
    found
        The current model first, where there is one; the candidate last.
    held
        The frames.
    remarks
        What else is to be said.
    """
    [judged] = found.sets
    why = {model: why for _, model, why in found.doubts}
    *currents, candidate = found.names
    told = [f"{judged.frames} frames of {found.project}", *remarks]
    told += [
        f"the current one: {why[name]}: then it looks better than it is"
        for name in currents
        if name in why
    ]
    shared = sum(picture_key(image) in held.learnt for image in found.images)
    if shared or (candidate in why and found.facts[-1].trained.images is not None):
        beside = f"it was trained on {shared} of these {len(found.images)} frames"
        told.append(beside if shared else why[candidate])
        told.append("name its split (--split), or other frames (--on)")
        return Check("frames", "FAIL", "; ".join(told))
    is_known = candidate not in why or bool(held.learnt)
    if not is_known:
        told.append(why[candidate])
    is_few = judged.frames < _FEW
    if is_few:
        told.append("so few say little")
    state = "PASS" if is_known and not is_few else "WARN"
    return Check("frames", state, "; ".join(told))
