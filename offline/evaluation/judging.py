"""The figures of a set of frames: each model's, and models against the first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from offline.evaluation.calibration import Reliability, reliability
from offline.evaluation.comparing import Paired, frame_means_px, holm, paired
from offline.evaluation.figures import Figures, figures, pck, share
from offline.evaluation.resampling import Estimate, draws, units_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from offline.evaluation.errors import Seen
    from offline.evaluation.resampling import Units

__all__ = [
    "WITHIN_PX",
    "Comparison",
    "Gated",
    "Judged",
    "JudgedModel",
    "Terms",
    "judge",
]

WITHIN_PX = np.linspace(0, 30, 61)
"""Distances of the PCK curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How figures are made."""

    seed: int = 0
    """The same seed gives the same intervals."""
    repeats: int = 2000
    """Draws of the bootstrap, and flips of the test."""
    is_gated: bool = False
    """Whether figures after the gates are wanted too."""


@dataclass(frozen=True, slots=True)
class Gated:
    """What is left of a model's predictions after the gates."""

    overall: Figures
    kept: Estimate
    """Share of the labelled points that are given and pass."""
    parts: Mapping[str, Figures]
    parts_kept: Mapping[str, float]
    pck: tuple[float, ...]
    """As `JudgedModel.pck`: what did not pass is within no distance."""


@dataclass(frozen=True, slots=True)
class JudgedModel:
    """Figures of one model on one set of frames."""

    name: str
    labelled: int
    """Points that are labelled, of the parts that it knows."""
    overall: Figures
    parts: Mapping[str, Figures]
    groups: Mapping[str, Figures]
    """Of each video or animal."""
    gated: Gated | None
    calibration: Reliability
    pck: tuple[float, ...]
    """Share of the labelled points within each of `WITHIN_PX`."""
    worst: tuple[tuple[int, float], ...]
    """Row among all labels and mean error in px, the worst frame first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model against the first."""

    first: str
    other: str
    parts: tuple[str, ...]
    """That both know."""
    paired: Paired
    p_holm: float
    """p that holds for all comparisons of this set together."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One set of frames."""

    name: str
    frames: int
    rows: tuple[int, ...]
    """Of its frames, among all that were looked at."""
    group_kind: Literal["videos", "animals"]
    group_count: int
    drawn: Literal["frames", "videos", "animals"]
    """What the bootstrap drew, and the test flipped, as a whole."""
    models: tuple[JudgedModel, ...]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What the figures of all models of a set share."""

    rows: NDArray[np.int64]
    parts: Sequence[str]
    is_labelled: NDArray[np.bool_]
    groups: NDArray[np.str_]
    units: Units
    weights: NDArray[np.int32]


def judge(
    name: str,
    rows: NDArray[np.int64],
    seen: Sequence[Seen],
    *,
    parts: Sequence[str],
    is_labelled: NDArray[np.bool_],
    groups: Sequence[str],
    group_kind: Literal["videos", "animals"],
    terms: Terms,
) -> Judged:
    """Return the figures of a set of frames.

    Parameters
    ----------
    name
        Of the set.
    rows
        Its frames, among all that were looked at.
    seen
        What each model made of all frames.
    parts
        The project's.
    is_labelled
        (frames, parts), of all frames.
    groups
        (frames,): video or animal, of all frames.
    group_kind
        Which of the two.
    terms
        Seed, repeats, gates.
    """
    mine = [groups[int(row)] for row in rows]
    units = units_of(mine, group_kind)
    random = np.random.default_rng(terms.seed)
    frame = _Frame(
        rows=rows,
        parts=parts,
        is_labelled=is_labelled[rows],
        groups=np.array(mine),
        units=units,
        weights=draws(units, terms.repeats, random),
    )
    return Judged(
        name=name,
        frames=len(rows),
        rows=tuple(rows.tolist()),
        group_kind=group_kind,
        group_count=len(set(mine)),
        drawn=units.kind,
        models=tuple(_judged(frame, one, terms) for one in seen),
        comparisons=_compared(frame, seen, random),
    )


def _judged(frame: _Frame, seen: Seen, terms: Terms) -> JudgedModel:
    errors = seen.errors_px[frame.rows]
    of = frame.is_labelled & seen.parts
    means = frame_means_px(errors)
    order = np.argsort(-np.nan_to_num(means, nan=-1), kind="stable")
    return JudgedModel(
        name=seen.name,
        labelled=int(of.sum()),
        overall=figures(errors, frame.weights),
        parts=_of_parts(frame, seen, errors),
        groups=_of_groups(frame, errors),
        gated=_gated(frame, seen, errors, of) if terms.is_gated else None,
        calibration=reliability(seen.poses[frame.rows, :, 2], errors),
        pck=tuple(pck(errors, int(of.sum()), WITHIN_PX).tolist()),
        worst=tuple(
            (int(frame.rows[k]), float(means[k])) for k in order if means[k] >= 0
        ),
    )


def _of_parts(
    frame: _Frame, seen: Seen, errors: NDArray[np.float64]
) -> dict[str, Figures]:
    return {
        part: figures(errors[:, k : k + 1], frame.weights)
        for k, part in enumerate(frame.parts)
        if seen.parts[k]
    }


def _of_groups(frame: _Frame, errors: NDArray[np.float64]) -> dict[str, Figures]:
    """Return the figures of each video or animal; its own frames are drawn.

    The draws are those of all frames: how often each one came up within its group. In
    a cluster bootstrap whole groups come up, which tells nothing of one by itself.
    """
    found: dict[str, Figures] = {}
    for group in dict.fromkeys(frame.groups.tolist()):
        mine = frame.groups == group
        weights = frame.weights[:, mine]
        if frame.units.kind != "frames":
            random = np.random.default_rng(len(found))
            count = int(mine.sum())
            shares = np.full(count, 1 / count)
            weights = random.multinomial(count, shares, size=len(weights))
        found[group] = figures(errors[mine], weights)
    return found


def _gated(
    frame: _Frame,
    seen: Seen,
    errors: NDArray[np.float64],
    of: NDArray[np.bool_],
) -> Gated:
    kept = seen.is_kept[frame.rows]
    left = np.where(kept, errors, np.nan)
    shares = {
        part: float(kept[of[:, k], k].mean()) if of[:, k].any() else np.nan
        for k, part in enumerate(frame.parts)
        if seen.parts[k]
    }
    return Gated(
        overall=figures(left, frame.weights),
        kept=share(kept, of, frame.weights),
        parts=_of_parts(frame, seen, left),
        parts_kept=shares,
        pck=tuple(pck(left, int(of.sum()), WITHIN_PX).tolist()),
    )


def _compared(
    frame: _Frame, seen: Sequence[Seen], random: np.random.Generator
) -> tuple[Comparison, ...]:
    first, *others = seen

    def against(other: Seen) -> tuple[tuple[str, ...], Paired]:
        both = first.parts & other.parts
        shared = tuple(
            part for part, is_in in zip(frame.parts, both, strict=True) if is_in
        )
        a, b = (one.errors_px[frame.rows][:, both] for one in (first, other))
        return shared, paired(a, b, frame.units, frame.weights, random)

    found = [against(other) for other in others]
    adjusted = holm([told.p for _, told in found])
    return tuple(
        Comparison(first.name, other.name, shared, told, p)
        for other, (shared, told), p in zip(others, found, adjusted, strict=True)
    )
