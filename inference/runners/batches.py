"""Pictures of different shapes cannot go through a network at once: sorted apart."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["by_shape"]


def by_shape(
    frames: Sequence[NDArray[np.uint8]],
    infer: Callable[[list[NDArray[np.uint8]]], Iterable[NDArray[np.float32]]],
) -> list[NDArray[np.float32]]:
    """Return the pose in each frame, those of one shape inferred at once."""
    places: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for k, frame in enumerate(frames):
        places[frame.shape].append(k)
    found: dict[int, NDArray[np.float32]] = {}
    for same in places.values():
        found.update(zip(same, infer([frames[k] for k in same]), strict=True))
    return [found[k] for k in range(len(frames))]
