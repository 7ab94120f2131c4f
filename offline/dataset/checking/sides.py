"""Which body parts are one another's mirror image, by their names. Pure."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["left_right_pairs"]


def left_right_pairs(bodyparts: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of parts whose names differ by the side alone.

    Parameters
    ----------
    bodyparts
        Names: ``leftear`` and ``rightear``, ``ear_L`` and ``ear_R``, ``FLpaw`` and
        ``FRpaw``.

    Returns
    -------
    list of (int, int)
        Numbers of the left part and of the right one; no part in two pairs.
    """
    pairs: list[tuple[int, int]] = []
    taken: set[int] = set()
    for a, b in combinations(range(len(bodyparts)), 2):
        if taken & {a, b}:
            continue
        for left, right in ((a, b), (b, a)):
            if _are_mates(bodyparts[left], bodyparts[right]):
                pairs.append((left, right))
                taken |= {a, b}
    return pairs


def _are_mates(left: str, right: str) -> bool:
    small_left, small_right = left.lower(), right.lower()
    if "left" in small_left:
        return small_left.replace("left", "right") == small_right
    if len(left) != len(right):
        return False
    other = [k for k, (a, b) in enumerate(zip(left, right, strict=True)) if a != b]
    if len(other) != 1:
        return False
    k = other[0]
    return (small_left[k], small_right[k]) == ("l", "r") and _is_bound(left, k)


def _is_bound(name: str, k: int) -> bool:
    """Return whether a letter begins or ends a word: ``ear_L``, ``earL``, ``lEar``."""
    before, after = name[:k][-1:], name[k + 1 :][:1]
    if not before.isalpha() or not after.isalpha():
        return True
    return name[k].isupper() != before.isupper() or name[k].isupper() != after.isupper()
