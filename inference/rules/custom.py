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
be told. A new object is made for each session and each replay; it may remember things
in itself, but should read no clock and draw no random number, so that replay decides
as the session did. What it raises ends the condition, not the session.
"""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from inference.rules.keypoints import unknown
from inference.rules.scene import Reading
from rig.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inference.rules.scene import Scene, Spec

__all__ = ["CustomCondition", "OwnCondition", "find_own"]

GROUP = "springhare.rules"

logger = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class CustomCondition:
    """A condition of somebody's own."""

    make: Callable[..., OwnCondition]
    bodyparts: tuple[str, ...]
    rows: tuple[int, ...]
    """Keypoints that must be trusted."""
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
                f"{type(error).__name__}: {error}"
            )
            raise ConfigError(msg) from error

    def look(self, scene: Scene, memory: _Memory) -> tuple[Reading, _Memory]:
        """Ask the object; once it has raised it is not asked again."""
        likelihood = self._likelihood(scene)
        found = None if memory.failed else self._ask(scene, memory)
        if found is None:
            return unknown(self.spec, scene.at_ns), memory
        reading = Reading(
            over=bool(found),
            trusted=likelihood >= self.min_likelihood,
            likelihood=likelihood,
            value=float(found),
            exposure_ns=scene.at_ns,
            spec=self.spec,
        )
        return reading, memory

    def _ask(self, scene: Scene, memory: _Memory) -> bool | None:
        try:
            return memory.own.look(scene)
        except Exception:  # it is not ours: whatever it raises, the session goes on
            memory.failed = True
            logger.exception("%s failed and is not asked any more", self.spec.words)
            return None

    def _likelihood(self, scene: Scene) -> float:
        seen = scene.seen.get("raw") or scene.seen.get("space")
        if seen is None or not self.rows:
            return 1.0
        return min(seen.points[row][-1] for row in self.rows)


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
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(sorted(entry_points(group=GROUP).names)) or "there is none"
        msg = (
            f"{where}: expected package.module:Class, or a name in the entry-point "
            f"group {GROUP} ({known}), got {use!r}: {error}"
        )
        raise ConfigError(msg) from error
