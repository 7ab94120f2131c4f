"""Signals without delay: each feature is known at the moment of its last sample."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from inference.rules import Feature
    from offline.replay.hearing import Hearing
    from rig.messages import Pose

__all__ = ["PromptHearing"]


class PromptHearing:
    """Features as they are at the time of a pose, whenever they came.

    Parameters
    ----------
    heard
        The features of a session, made of its samples.
    """

    def __init__(self, heard: Hearing) -> None:
        known = [
            (max(feature.at_ns for feature in features.values()), features)
            for _, features, _ in heard.alone(())
        ]
        known.sort(key=lambda each: each[0])
        self._times = [at_ns for at_ns, _ in known]
        self._features = [features for _, features in known]

    def at_pose(self, pose: Pose) -> Mapping[str, Feature]:
        """Return those of the samples before a pose's time."""
        place = bisect_right(self._times, pose.host_ns) - 1
        return self._features[place] if place >= 0 else {}

    def alone(
        self, taken: Container[int]
    ) -> Iterator[tuple[int, dict[str, Feature], tuple[int, ...]]]:
        """Yield nothing: rules about signals alone are not asked."""
        del taken
        yield from ()
