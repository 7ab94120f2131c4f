"""Whether a model finds the animal as well as the one on the rig. Pure.

Something is sure where the 95 % interval of the paired difference says so, and there
are `_LEAST_FRAMES` frames: of fewer, even if all were worse, a test could not tell it
from chance. What is sure must also matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from inference.convert.proof import LIMIT_PX
from offline.evaluation.words import interval, px
from offline.gate.checks import Check

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from offline.evaluation.judging import Comparison, JudgedModel
    from offline.gate.usable import Gain, Usable

__all__ = ["MARGIN_PX", "Rival", "accuracy"]

MARGIN_PX = 0.5
"""So much more may be chance."""

_LEAST_FRAMES = 6
"""All of six worse: p = 2/64. All of five: p = 2/32, and anything could be sure."""
_FEWER = 0.05
"""Such a share of points less matters, where it is sure."""
_FAR_FEWER = 0.1
"""So many less matter without being sure."""
_FEWER_OF_PART = 0.15
"""Of one part, where it is sure: one of several seems worse by chance more often."""

_LEAST_KEPT = 0.5
"""Share of likely points of a first model: there is none to ask for more."""


@dataclass(frozen=True, slots=True)
class Rival:
    """The model on the rig, and a candidate held against it."""

    current: JudgedModel
    comparison: Comparison
    usable: Usable
    acted: AbstractSet[str]
    """Body parts that the task acts upon."""
    lacking: tuple[str, ...]
    """Labelled body parts that only the current one gives."""


def accuracy(
    candidate: JudgedModel,
    rival: Rival | None,
    *,
    margin_px: float | None,
    most_px: float | None,
) -> Check:
    """Judge the errors on labelled frames.

    A candidate fails where its median error is surely larger than the current model's,
    or larger by more than the margin at best guess; where fewer of its points can be
    used, of all or of a part that the task acts upon; or where its median error is
    beyond what was asked for. A first model fails where half of its points are not
    likely.

    Parameters
    ----------
    candidate
        Its figures, gates included.
    rival
        The current model on the same frames; None: there is none.
    margin_px
        By how much it may seem worse.
    most_px
        Largest median error; None asks for none.
    """
    overall = candidate.overall.median_px
    said = f"median {px(overall.value)} px"
    if ends := interval(overall):
        said += f" ({ends})"
    if candidate.gated is not None:
        said += f", {100 * candidate.gated.kept.value:.0f} % of the points likely"
    faults: list[str] = []
    if not isfinite(overall.value):
        faults.append("no labelled point was found at all")
    elif most_px is not None and overall.value > most_px:
        faults.append(f"at most {px(most_px)} px is allowed")
    if rival is None:
        if candidate.gated is not None and candidate.gated.kept.value < _LEAST_KEPT:
            faults.append("rules would act upon less than half of them")
        return _check(said, faults, ["there is none to compare with"])
    said += _compared(rival)
    faults += _faults(rival, margin_px)
    return _check(said, faults, _warnings(rival))


def _check(said: str, faults: list[str], warnings: list[str]) -> Check:
    state = "FAIL" if faults else "WARN" if warnings else "PASS"
    return Check("accuracy", state, "; ".join([said, *faults, *warnings]))


def _compared(rival: Rival) -> str:
    difference = rival.comparison.paired.median_difference_px
    if not isfinite(difference.value):
        return ""
    return (
        f"; the current one {px(rival.current.overall.median_px.value)} px: difference "
        f"{difference.value:+.2f} px ({difference.low:+.2f} to {difference.high:+.2f})"
    )


def _faults(rival: Rival, margin_px: float | None) -> list[str]:
    paired = rival.comparison.paired
    difference = paired.median_difference_px
    if not isfinite(difference.value):
        return ["the current one and it have no point in common"]
    faults: list[str] = []
    allowed_px = LIMIT_PX if _is_surely_more(rival) else MARGIN_PX
    if difference.value > (allowed_px if margin_px is None else margin_px):
        faults.append("it is worse")
    overall = rival.usable.overall
    if overall.share.value < -(_FEWER if _is_less(overall) else _FAR_FEWER):
        faults.append(_told("the points", overall))
    return faults + [_told(p, g) for p, g in _poor(rival) if p in rival.acted]


def _warnings(rival: Rival) -> list[str]:
    found = [_told(p, g) for p, g in _poor(rival) if p not in rival.acted]
    difference = rival.comparison.paired.median_difference_px
    if _is_surely_more(rival) and difference.value > LIMIT_PX:
        found.append("it is worse, within the margin that was asked for")
    if rival.lacking:
        found.append(f"it does not give {', '.join(rival.lacking)}")
    return found


def _is_surely_more(rival: Rival) -> bool:
    paired = rival.comparison.paired
    return paired.frames >= _LEAST_FRAMES and paired.median_difference_px.low > 0


def _poor(rival: Rival) -> list[tuple[str, Gain]]:
    return [
        (part, gain)
        for part, gain in rival.usable.parts.items()
        if _is_less(gain) and gain.share.value < -_FEWER_OF_PART
    ]


def _is_less(gain: Gain) -> bool:
    return gain.frames >= _LEAST_FRAMES and gain.share.high < 0


def _told(what: str, gain: Gain) -> str:
    return (
        f"of {what}, {-100 * gain.share.value:.0f} % are not likely and near any more"
    )
