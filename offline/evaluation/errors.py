"""Predictions against labels: whose parts are whose, how far off, what counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rig.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "GateLimits",
    "Seen",
    "errors_px",
    "in_parts_of",
    "is_kept",
    "lone_parts",
    "require_shared",
]


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a prediction must pass to count as given; None: is not asked."""

    likelihood: float | None = None
    """Least likelihood."""
    jump_px: float | None = None
    """Farthest that a part may lie from the middle of its pose."""

    @property
    def are_set(self) -> bool:
        """Whether anything is asked at all."""
        return self.likelihood is not None or self.jump_px is not None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What one model made of the labelled frames, in the project's parts."""

    name: str
    parts: NDArray[np.bool_]
    """(parts,): those that this model knows."""
    poses: NDArray[np.float64]
    """(frames, parts, 3): x px, y px, likelihood; NaN where nothing was given."""
    errors_px: NDArray[np.float64]
    """(frames, parts); NaN where not labelled, or nothing was given."""
    is_kept: NDArray[np.bool_]
    """(frames, parts): whether it passes the gates."""


def in_parts_of(
    poses: NDArray[np.floating], model: Sequence[str], project: Sequence[str]
) -> NDArray[np.float64]:
    """Return poses in the order of the project's parts.

    Parameters
    ----------
    poses
        (frames, model's parts, 3).
    model, project
        Names of parts; they are matched as they are written.

    Returns
    -------
    ndarray of float64
        (frames, project's parts, 3); NaN for parts that the model does not have.
    """
    found = np.full((len(poses), len(project), 3), np.nan)
    for k, name in enumerate(project):
        if name in model:
            found[:, k] = poses[:, list(model).index(name)]
    return found


def require_shared(model: Sequence[str], project: Sequence[str]) -> None:
    """Refuse a model that has no part in common with the project.

    Raises
    ------
    ModelError
        If it has none.
    """
    if not set(model) & set(project):
        msg = (
            f"Expected a model of the project's body parts ({', '.join(project)}), "
            f"got one of {', '.join(model)}: take a model of this animal, or rename "
            "the parts in the project"
        )
        raise ModelError(msg)


def lone_parts(name: str, model: Sequence[str], project: Sequence[str]) -> list[str]:
    """Return remarks on the parts that only a model or only the project has."""
    only_model = [part for part in model if part not in project]
    only_project = [part for part in project if part not in model]
    remarks: list[str] = []
    if only_model:
        remarks.append(f"{name} also gives {', '.join(only_model)}: not labelled here")
    if only_project:
        remarks.append(
            f"{name} does not give {', '.join(only_project)}: its figures are of its "
            "other parts"
        )
    return remarks


def errors_px(
    poses: NDArray[np.floating], labels_px: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return how far predicted places are from labelled ones.

    Parameters
    ----------
    poses
        (frames, parts, 3): x px, y px, likelihood.
    labels_px
        (frames, parts, 2); NaN where a part was not labelled.

    Returns
    -------
    ndarray of float64
        (frames, parts): px; NaN where either is not known.

    Examples
    --------
    >>> errors_px(np.array([[[3.0, 4.0, 1.0]]]), np.zeros((1, 1, 2)))
    array([[5.]])
    """
    apart = poses[:, :, :2].astype(np.float64) - labels_px
    off = np.hypot(apart[..., 0], apart[..., 1])
    return np.where(np.isfinite(off), off, np.nan)


def is_kept(poses: NDArray[np.floating], limits: GateLimits) -> NDArray[np.bool_]:
    """Return which predictions pass the gates.

    Live, a jump is a part that moves faster than is possible. Labelled pictures are no
    film: the one before is of another second. So a jump is here a part that lies far
    from where its pose is, the median of the parts that are likely enough; with fewer
    than three of those, nobody can tell which one has jumped, and none has.

    Parameters
    ----------
    poses
        (frames, parts, 3); NaN where nothing was given: it is not kept.
    limits
        What is asked.

    Returns
    -------
    ndarray of bool
        (frames, parts).
    """
    kept = np.isfinite(poses).all(axis=2)
    if limits.likelihood is not None:
        kept &= poses[:, :, 2] >= limits.likelihood
    if limits.jump_px is None:
        return kept
    for pose, good in zip(poses, kept, strict=True):
        if good.sum() >= _LEAST_PARTS:
            apart = pose[:, :2] - np.median(pose[good, :2], axis=0)
            good &= np.hypot(apart[:, 0], apart[:, 1]) <= limits.jump_px
    return kept


_LEAST_PARTS = 3
"""Of two parts that are far from each other, either may have jumped."""
