"""The nearest known name: what somebody probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`; None if none is.

    A name that differs in its unit only is the nearest of all.

    Examples
    --------
    >>> nearest("exposure_ms", ["exposure_us", "expose_ms_x", "gain_db"])
    'exposure_us'
    >>> nearest("shutter", ["exposure_us", "gain_db"]) is None
    True
    """
    names = list(known)
    stem = name.lower().rpartition("_")[0]
    same_quantity = [other for other in names if stem and other.startswith(f"{stem}_")]
    for choice in (same_quantity, names):
        if found := get_close_matches(name.lower(), choice, n=1, cutoff=0.6):
            return found[0]
    return None
