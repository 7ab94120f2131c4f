"""Poses of one moment become points in space. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from inference.rules.scene import Seen
from rig.geometry import views
from rig.messages import PointsInSpace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from rig.geometry import Triangulator
    from rig.geometry.views import Moment, ViewsConfig

__all__ = ["POINT_COLUMNS", "InSpace", "Space"]

POINT_COLUMNS = ("x_mm", "y_mm", "z_mm", "error_px", "views", "likelihood")
"""Columns of a moment's payload."""


class InSpace(NamedTuple):
    """The keypoints of one moment, in space."""

    record: PointsInSpace
    points: NDArray[np.float32]
    """(bodyparts, 6), `POINT_COLUMNS`; NaN where fewer than two views agree."""

    def seen(self) -> Seen:
        """Return them as the rules see them."""
        rows = self.points[:, [0, 1, 2, 5]].tolist()
        oldest_ns = self.record.oldest_ns
        return Seen(rows, oldest_ns, self.record.exposure_ns - oldest_ns)


@dataclass(frozen=True, slots=True)
class Space:
    """Which cameras see together, and how their views become points."""

    views: ViewsConfig
    triangulator: Triangulator
    """Of the same cameras in the same order."""

    def points(
        self, moments: Iterable[Moment], first_seq: int, now_ns: int
    ) -> list[InSpace]:
        """Return the points of some moments, numbered on."""
        return [
            self._point(moment, first_seq + k, now_ns)
            for k, moment in enumerate(moments)
        ]

    def _point(self, moment: Moment, seq: int, now_ns: int) -> InSpace:
        keypoints, marks = views.stacked(self.views, moment)
        found = self.triangulator.triangulate(keypoints, marks)
        columns = np.empty((keypoints.shape[1], len(POINT_COLUMNS)), np.float32)
        columns[:, :3] = found.points_mm
        columns[:, 3] = found.error_px
        columns[:, 4] = found.views
        lowest = np.where(found.used, keypoints[:, :, 2], np.inf).min(axis=0)
        columns[:, 5] = np.where(found.views >= 2, lowest, np.nan)
        record = PointsInSpace(
            seq=seq,
            host_ns=now_ns,
            exposure_ns=moment.exposure_ns,
            oldest_ns=moment.oldest_ns,
            views=len(moment.seen),
        )
        return InSpace(record, columns)
