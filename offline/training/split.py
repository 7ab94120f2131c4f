"""Which labelled frames are learnt from, and which are kept for the test. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rig.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Split", "split_frames"]

_LEAST_GROUPS = 3
"""With fewer, a whole one for the test would leave too little to learn from."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Numbers of pictures, by what they are for."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    by: Literal["animal", "video", "frame"]
    """What is never on both sides."""
    remark: str
    """In words, what the test error means by that."""


def split_frames(
    videos: Sequence[str], animals: Sequence[str], test_share: float, seed: int
) -> Split:
    """Keep whole animals for the test, else whole videos, else single frames.

    Frames of one recording are alike: a model that is tested on the neighbours of
    what it learnt looks better than it is on the next animal.

    Parameters
    ----------
    videos, animals
        (frames,) which each frame is from; an animal may be unknown (empty).
    test_share
        Of all frames, about; between 0 and 1.
    seed
        The same seed gives the same split.

    Raises
    ------
    LabelError
        If there are too few frames.
    """
    count = len(videos)
    if count < 2:
        msg = f"Expected two labelled frames, to learn and to test, got {count}"
        raise LabelError(msg)
    random = np.random.default_rng(seed)
    wanted = min(max(1, round(test_share * count)), count - 1)
    if all(animals) and len(set(animals)) >= _LEAST_GROUPS:
        test = _whole(animals, wanted, random)
        return _split(count, test, "animal", "tested on animals it never saw")
    if len(set(videos)) >= _LEAST_GROUPS:
        test = _whole(videos, wanted, random)
        words = "tested on recordings it never saw, maybe of animals it knows"
        return _split(count, test, "video", words)
    test = random.permutation(count)[:wanted]
    words = (
        f"tested on frames of recordings it learnt from ({len(set(videos))} in all, "
        f"{_LEAST_GROUPS} would be needed to keep whole ones): the next animal will be "
        "harder"
    )
    return _split(count, test, "frame", words)


def _whole(
    groups: Sequence[str], wanted: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the frames of whole groups, as near to as many as wanted as they come."""
    sizes = Counter(groups)
    names = sorted(sizes)
    chosen: set[str] = set()
    total = 0
    for k in random.permutation(len(names)):
        name = names[k]
        if len(chosen) == len(names) - 1:
            break
        if not chosen or abs(total + sizes[name] - wanted) < abs(total - wanted):
            chosen.add(name)
            total += sizes[name]
    return np.flatnonzero([group in chosen for group in groups])


def _split(
    count: int,
    test: NDArray[np.int64],
    by: Literal["animal", "video", "frame"],
    remark: str,
) -> Split:
    kept = np.sort(test)
    return Split(np.setdiff1d(np.arange(count), kept), kept, by, remark)
