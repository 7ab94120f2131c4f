"""A condition of somebody's own, written in Python.

A class of this form, found by a name in the entry-point group ``springhare.rules`` or
as ``package.module:Class``::

    class Rearing:
        def __init__(self, bodyparts, *, height_px):
            self.nose, self.toe = bodyparts.index("nose"), bodyparts.index("toe")
            self.height_px = height_px

        def look(self, scene):
            points = scene.seen["raw"].points
            return points[self.toe][1] - points[self.nose][1] > self.height_px

`look` gets a `Scene` and gives whether the condition holds, or None where it cannot
be told. ``scene.seen`` has the poses of the rule's camera as raw, smoothed and
predicted; in space (``space: mm``) it has the points as space, and the last pose of
each camera there as ``left/raw`` and so on. The decision is as old as the oldest pose
or feature that was taken out of the scene.

A new object is made for each session and each replay; it may remember things in itself,
but should read no clock and draw no random number, so that replay decides as the
session did. What it raises, or gives that is neither true nor false, ends the
condition, not the session.
"""

from __future__ import annotations

import importlib
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from inference.foreign import what_it_raised
from inference.rules.keypoints import unknown
from inference.rules.scene import Reading
from rig.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inference.rules.scene import Scene, Seen, Spec

__all__ = ["CustomCondition", "OwnCondition", "find_own"]

GROUP = "springhare.rules"

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


class OwnCondition(Protocol):
    """What somebody's own class must be able to do."""

    def look(self, scene: Scene) -> bool | None:
        """Return whether it holds; None where it cannot be told."""
        ...


@dataclass(slots=True)
class _Memory:
    """The object, until it fails."""

    own: OwnCondition
    failed: bool = False


class _Noted(Mapping[str, _T]):
    """A mapping that notes which of its values were taken."""

    def __init__(self, values: Mapping[str, _T]) -> None:
        self._values = values
        self.taken: list[_T] = []

    def __getitem__(self, key: str) -> _T:
        value = self._values[key]
        self.taken.append(value)
        return value

    def __contains__(self, key: object) -> bool:
        return key in self._values  # to ask whether it is there is not to use it

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True)
class CustomCondition:
    """A condition of somebody's own."""

    make: Callable[..., OwnCondition]
    bodyparts: tuple[str, ...]
    form: str
    """Of the pose that its keypoints are of."""
    rows: tuple[int, ...]
    """Keypoints that must be trusted; empty leaves it to the class."""
    spec: Spec
    min_likelihood: float
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def begin(self) -> _Memory:
        """Make the object.

        Raises
        ------
        ConfigError
            If it cannot be made with these body parts and arguments.
        """
        try:
            return _Memory(self.make(list(self.bodyparts), **self.arguments))
        except Exception as error:
            msg = (
                f"Expected {self.spec.words} to be made with the body parts "
                f"{', '.join(self.bodyparts)} and {dict(self.arguments)}, it raised "
                f"{what_it_raised(error)}"
            )
            raise ConfigError(msg) from error

    def look(self, scene: Scene, memory: _Memory) -> tuple[Reading, _Memory]:
        """Ask the object; once it has raised it is not asked again."""
        seen, features = _Noted(scene.seen), _Noted(scene.features)
        noting = replace(scene, seen=seen, features=features)
        value = None if memory.failed else self._ask(noting, memory)
        if value is None:
            return unknown(self.spec, scene.at_ns), memory
        likelihood = self._likelihood(seen)
        times_ns = [pose.exposure_ns for pose in seen.taken]
        times_ns += [feature.at_ns for feature in features.taken]
        reading = Reading(
            over=bool(value),
            trusted=likelihood >= self.min_likelihood,
            likelihood=likelihood,
            value=value,
            exposure_ns=min([scene.at_ns, *times_ns]),
            spec=self.spec,
        )
        return reading, memory

    def _ask(self, scene: Scene, memory: _Memory) -> float | None:
        """Return what the object says as a number; None where it cannot be told."""
        try:
            found = memory.own.look(scene)
            return None if found is None else _number(found)
        except Exception:  # it is not ours: whatever it raises, the session goes on
            memory.failed = True
            logger.exception("%s failed and is not asked any more", self.spec.words)
            return None

    def _likelihood(self, seen: Mapping[str, Seen]) -> float:
        """Return the lowest one of the keypoints; 0 where one is not there."""
        if not self.rows:
            return 1.0
        pose = seen.get(self.form)
        if pose is None:
            return 0.0
        points = [pose.points[row] for row in self.rows]
        return min(p[-1] if math.isfinite(sum(p)) else 0.0 for p in points)


def find_own(use: str, where: str) -> Callable[..., OwnCondition]:
    """Return the class that a task file names.

    Parameters
    ----------
    use
        A name in the group ``springhare.rules``, or ``package.module:Class``.
    where
        Where it stands in the task file.

    Raises
    ------
    ConfigError
        If it cannot be found or imported.
    """
    module, _, name = use.partition(":")
    try:
        if name:
            return getattr(importlib.import_module(module), name)
        (point,) = entry_points(group=GROUP, name=use)
        return point.load()
    except Exception as error:  # it is not ours: it may raise anything
        known = ", ".join(sorted(entry_points(group=GROUP).names)) or "there is none"
        msg = (
            f"{where}: expected package.module:Class, or a name in the entry-point "
            f"group {GROUP} ({known}), got {use!r}: {what_it_raised(error)}"
        )
        raise ConfigError(msg) from error


def _number(found: Any) -> float | None:
    """Return 1 for true, 0 for false; a number as it is, None where it is not one.

    Raises
    ------
    TypeError
        If it is neither true nor false.
    """
    try:
        value = float(found)
    except (TypeError, ValueError) as error:
        msg = f"Expected True, False or None from look, got {found!r}"
        raise TypeError(msg) from error
    return None if math.isnan(value) else value
