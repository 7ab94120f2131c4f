"""What joins two clocks of a recording: what both have seen, and how sure that is.

`lines` reads sync lines, `cameras` triggers and the frames they made, `hosts` questions
and answers between the computer and a device; `joint` is what each of them returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline.alignment.joints.cameras import camera_joints
from offline.alignment.joints.hosts import host_joints
from offline.alignment.joints.joint import Joint
from offline.alignment.joints.lines import line_joints

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offline.alignment.recorded import Recorded

__all__ = ["Joint", "joints_of"]


def joints_of(recorded: Recorded, max_drift_ppm: float) -> Iterator[Joint]:
    """Yield every joint of two clocks in a recording, also those that do not hold."""
    yield from line_joints(recorded, max_drift_ppm)
    yield from camera_joints(recorded, max_drift_ppm)
    yield from host_joints(recorded)
