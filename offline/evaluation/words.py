"""Figures as people read them."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offline.evaluation.judging import Judged
    from offline.evaluation.resampling import Estimate

__all__ = ["DASH", "bytes_", "drawn_words", "interval", "p_value", "percent", "px"]

DASH = "–"
_THIN = "\u202f"
_MANY = 20
"""Units from which a percentile interval has about the coverage that it says."""
_SIZES = (("MB", 1e6), ("kB", 1e3))


def px(value: float) -> str:
    """Return a distance with as many digits as mean something.

    Examples
    --------
    >>> px(3.14159), px(31.4159), px(314.159), px(float("nan"))
    ('3.14', '31.4', '314', '–')
    """
    if not isfinite(value):
        return DASH
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f}"


def percent(value: float) -> str:
    """Return a share in percent."""
    return f"{100 * value:.1f}" if isfinite(value) else DASH


def interval(estimate: Estimate, *, is_share: bool = False) -> str:
    """Return the ends of a confidence interval; empty where there is none."""
    if not isfinite(estimate.low):
        return ""
    told = percent if is_share else px
    return f"{told(estimate.low)} to {told(estimate.high)}"


def p_value(p: float) -> str:
    """Return a p value; small ones as a bound."""
    if not isfinite(p):
        return DASH
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def bytes_(count: int) -> str:
    """Return the size of a file."""
    for unit, one in _SIZES:
        if count >= one:
            return f"{count / one:.1f}{_THIN}{unit}"
    return f"{count}{_THIN}B"


def drawn_words(judged: Judged) -> str:
    """Return what intervals and tests are made by, and for what they hold."""
    count, kind = judged.group_count, judged.group_kind
    many = kind if count != 1 else kind.removesuffix("s")
    if judged.drawn != "frames":
        few = ", but from so few they come out too narrow" if count < _MANY else ""
        return (
            f"95 % intervals: bootstrap over {count} {many}, each drawn as a whole; "
            f"they hold for other {kind}{few}"
        )
    return (
        f"95 % intervals: bootstrap over {judged.frames} frames of {count} {many}, too "
        f"few to be drawn as wholes: they hold for other frames of the same {many}, "
        "not for other animals"
    )
