"""Cameras, and what they see in space: pure arithmetic, no device, no bus, no clock.

What every user needs is here; `views` brings the poses of one moment together.
"""

from __future__ import annotations

from rig.geometry.angles import (
    joint_angle_deg,
    joint_angles_deg,
    segment_length,
    segment_lengths,
)
from rig.geometry.calibration_file import (
    Calibration,
    read_calibration,
    write_calibration,
)
from rig.geometry.cameras import (
    Camera,
    depth,
    look_at,
    project,
    reprojection_error,
    rodrigues,
    rotation_vector,
    triangulate,
    undistort,
)
from rig.geometry.fast import Engine, Points3d, TriangulationConfig, Triangulator

__all__ = [
    "Calibration",
    "Camera",
    "Engine",
    "Points3d",
    "TriangulationConfig",
    "Triangulator",
    "depth",
    "joint_angle_deg",
    "joint_angles_deg",
    "look_at",
    "project",
    "read_calibration",
    "reprojection_error",
    "rodrigues",
    "rotation_vector",
    "segment_length",
    "segment_lengths",
    "triangulate",
    "undistort",
    "write_calibration",
]
