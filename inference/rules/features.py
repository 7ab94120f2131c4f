"""Conditions on features of signals: an envelope, a force. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.rules.keypoints import unknown
from inference.rules.scene import Reading

if TYPE_CHECKING:
    from inference.rules.keypoints import Side
    from inference.rules.scene import Scene, Spec

__all__ = ["FeatureCondition"]


@dataclass(frozen=True, slots=True)
class FeatureCondition:
    """A feature against a threshold."""

    feature: str
    side: Side
    spec: Spec

    def begin(self) -> None:
        """Return nothing: a feature stands for itself."""

    def look(self, scene: Scene, memory: None) -> tuple[Reading, None]:
        """Return the feature as it is at a scene."""
        del memory
        found = scene.features.get(self.feature)
        if found is None or not math.isfinite(found.value):
            return unknown(self.spec, scene.at_ns), None
        return (
            Reading(
                over=self.side.holds(found.value, self.spec.threshold),
                trusted=True,
                likelihood=1.0,
                value=found.value,
                exposure_ns=min(found.at_ns, scene.at_ns),
                spec=self.spec,
            ),
            None,
        )
