"""Models look at pictures in turns, and are timed while they do.

Turns are fair on a machine with other work: what slows one model slows the others.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from offline.dataset.opening import opened_picture
from rig.errors import LabelError, ModelError
from sync.clock import MonotonicClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from inference.model import PoseModel

__all__ = ["Looks", "Speed", "grey_of", "look", "read_picture"]

_GREY, _DEEP = frozenset({"1", "L", "LA"}), ("I", "F")
_TIMED = 100
"""Looks that a 99 % quantile needs at least."""
_LONGEST_S = 20.0
"""Looks that are only for the clock take no longer."""
_KEPT = 8
"""Pictures that are looked at again for the clock."""
_REST_S = 0.01
"""Before each look where models take turns: workers of the last one's engine that wait
awake for more would take a core from the next."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How long a model took for a frame, on this machine."""

    looks: int
    size_px: tuple[int, int]
    """Width, height of the pictures."""
    median_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What came of looking."""

    poses: list[NDArray[np.float32]]
    """Of each model: (pictures, its parts, 3)."""
    speeds: list[Speed]
    """Of each model."""
    sizes_px: tuple[tuple[int, int], ...]
    """(pictures,): width, height."""
    load_before: float
    load_after: float
    """Load average over a minute; the models' own work is in it."""
    turned_grey: tuple[int, ...]
    """Numbers of the models that were shown colour pictures as grey ones."""


@dataclass(slots=True, eq=False)
class _Eye:
    """A model, the shapes it is ready for, and its times."""

    model: PoseModel
    is_ready: dict[tuple[int, ...], bool] = field(default_factory=dict)
    """By shape; True where it is shown the picture as grey."""
    poses: list[NDArray[np.float32]] = field(default_factory=list)
    times_ms: dict[tuple[int, ...], list[float]] = field(default_factory=dict)

    def look(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        clock = MonotonicClock()
        seen = grey_of(picture) if self._as_grey(picture) else picture
        began_ns = clock.now()
        pose = self.model.infer(seen)
        took_ms = (clock.now() - began_ns) / 1e6
        self.times_ms.setdefault(picture.shape[:2], []).append(took_ms)
        return pose.copy()

    def _as_grey(self, picture: NDArray[np.uint8]) -> bool:
        if picture.shape not in self.is_ready:
            self.is_ready[picture.shape] = self._readied(picture)
        return self.is_ready[picture.shape]

    def _readied(self, picture: NDArray[np.uint8]) -> bool:
        height, width = picture.shape[:2]
        if picture.ndim == 2:
            self.model.warm_up(height, width, 1)
            return False
        try:
            self.model.warm_up(height, width, 3)
        except ModelError:
            self.model.warm_up(height, width, 1)  # a fault of another kind is raised
            return True
        return False


def look(
    models: Sequence[PoseModel],
    paths: Sequence[Path],
    advance: Callable[[int], None] = lambda done: None,
) -> Looks:
    """Show pictures to models, each time in another order.

    Parameters
    ----------
    models
        Ready to be warmed up.
    paths
        Of the pictures, in order.
    advance
        Told how many pictures are done.

    Raises
    ------
    LabelError
        If a picture cannot be read.
    ModelError
        If a model cannot look at a picture of such a size.
    """
    load_before = os.getloadavg()[0]
    eyes = [_Eye(model) for model in models]
    shapes: list[tuple[int, int]] = []
    for number, path in enumerate(paths):
        picture = read_picture(path)
        shapes.append((picture.shape[0], picture.shape[1]))
        for eye in _turn(eyes, number):
            eye.poses.append(eye.look(picture))
        advance(number + 1)
    usual = Counter(shapes).most_common(1)[0][0]
    again = [path for path, shape in zip(paths, shapes, strict=True) if shape == usual]
    _only_timed(eyes, [read_picture(path) for path in again[:_KEPT]], usual)
    return Looks(
        poses=[np.stack(eye.poses) for eye in eyes],
        speeds=[_speed(eye, usual) for eye in eyes],
        sizes_px=tuple((width, height) for height, width in shapes),
        load_before=load_before,
        load_after=os.getloadavg()[0],
        turned_grey=tuple(k for k, e in enumerate(eyes) if any(e.is_ready.values())),
    )


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as a camera gives it.

    Returns
    -------
    ndarray of uint8
        (height, width) grey, or (height, width, 3) RGB.

    Raises
    ------
    LabelError
        If there is none, or it has more than 8 bits.
    """
    with opened_picture(path) as picture:
        if picture.mode.startswith(_DEEP):
            msg = f"Expected a picture of 8 bits, got mode {picture.mode} in {path}"
            raise LabelError(msg)
        mode = "L" if picture.mode in _GREY else "RGB"
        return np.asarray(picture.convert(mode))


def grey_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a colour picture's luminance (ITU-R 601), a grey one as it is."""
    if picture.ndim == 2:
        return picture
    return np.asarray(Image.fromarray(picture).convert("L"))


def _only_timed(
    eyes: Sequence[_Eye], pictures: Sequence[NDArray[np.uint8]], shape: tuple[int, int]
) -> None:
    clock = MonotonicClock()
    began_ns = clock.now()
    missing = _TIMED - len(eyes[0].times_ms[shape])
    for number in range(missing):
        if clock.now() - began_ns > _LONGEST_S * 1e9:
            return
        for eye in _turn(eyes, number):
            eye.look(pictures[number % len(pictures)])


def _turn(eyes: Sequence[_Eye], number: int) -> Iterator[_Eye]:
    first = number % len(eyes)
    for eye in [*eyes[first:], *eyes[:first]]:
        if len(eyes) > 1:
            time.sleep(_REST_S)
        yield eye


def _speed(eye: _Eye, shape: tuple[int, int]) -> Speed:
    took_ms = eye.times_ms[shape]
    height, width = shape
    median_ms, p99_ms = np.quantile(took_ms, (0.5, 0.99))
    return Speed(len(took_ms), (width, height), float(median_ms), float(p99_ms))
