"""Cameras as geometry: from millimetres to pixels and back.

One model everywhere (simulator, live 3D, calibration): OpenCV's pinhole with five
distortion coefficients and a Rodrigues rotation. An integer pixel coordinate is the
centre of that pixel, x to the right, y down; world to camera is ``R X + t``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rig.geometry import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Camera",
    "depth",
    "look_at",
    "project",
    "reprojection_error",
    "rodrigues",
    "rotation_vector",
    "triangulate",
    "undistort",
]

_UNDISTORT_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Camera:
    """A calibrated camera."""

    name: str
    width_px: int
    height_px: int
    focal_px: tuple[float, float]
    """fx, fy."""
    centre_px: tuple[float, float]
    """Principal point cx, cy; 0, 0 is the centre of the first pixel."""
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """k1, k2, p1, p2, k3, in OpenCV's order."""
    rotation_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """World to camera: axis times angle."""
    translation_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """World to camera."""

    @property
    def rotation(self) -> NDArray[np.float64]:
        """World to camera (3, 3); do not write into it."""
        return _rotation(self.rotation_rad)

    @property
    def position_mm(self) -> NDArray[np.float64]:
        """Where the camera stands in the world (3,)."""
        return -self.rotation.T @ np.asarray(self.translation_mm)


@lru_cache(maxsize=64)
def _rotation(rotation_rad: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix = rodrigues(rotation_rad)
    matrix.flags.writeable = False
    return matrix


def rodrigues(rotation_rad: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation matrix (3, 3) of a vector axis times angle.

    Examples
    --------
    >>> rodrigues([0.0, 0.0, np.pi / 2]).round(6)[0].tolist()
    [0.0, -1.0, 0.0]
    """
    vector = np.asarray(rotation_rad, dtype=np.float64)
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # sinc keeps both factors exact as the angle goes to 0.
    sine = np.sinc(angle / np.pi)
    cosine = 0.5 * np.sinc(0.5 * angle / np.pi) ** 2
    return np.eye(3) + sine * skew + cosine * (skew @ skew)


def rotation_vector(rotation: ArrayLike) -> tuple[float, float, float]:
    """Return axis times angle of a rotation matrix (3, 3)."""
    m = np.asarray(rotation, dtype=np.float64)
    # Shepperd's method: the largest of four quaternion parts is safe to divide by.
    trace = np.trace(m)
    parts = np.array([trace, m[0, 0], m[1, 1], m[2, 2]])
    k = int(parts.argmax())
    if k == 0:
        q = np.array(
            [1.0 + trace, m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]
        )
    else:
        i, j, l = k - 1, k % 3, (k + 1) % 3  # noqa: E741 - cyclic indices
        q = np.zeros(4)
        q[0] = m[l, j] - m[j, l]
        q[1 + i] = 1.0 + m[i, i] - m[j, j] - m[l, l]
        q[1 + j] = m[j, i] + m[i, j]
        q[1 + l] = m[l, i] + m[i, l]
    q /= np.linalg.norm(q)
    if q[0] < 0.0:
        q = -q
    sine = float(np.linalg.norm(q[1:]))
    if sine == 0.0:
        return (0.0, 0.0, 0.0)
    x, y, z = q[1:] * (2.0 * np.arctan2(sine, q[0]) / sine)
    return (float(x), float(y), float(z))


def look_at(
    name: str,
    *,
    position_mm: ArrayLike,
    target_mm: ArrayLike,
    width_px: int,
    height_px: int,
    focal_px: float,
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0),
    up: ArrayLike = (0.0, 0.0, 1.0),
    roll_rad: float = 0.0,
) -> Camera:
    """Return a camera that stands at a place and looks at another.

    Parameters
    ----------
    name
        Name of the camera.
    position_mm, target_mm
        In the world (3,); the target falls on the middle of the picture.
    width_px, height_px, focal_px
        Of the picture and the lens.
    distortion
        k1, k2, p1, p2, k3.
    up
        Direction in the world that points up in the picture; not the view's own.
    roll_rad
        Turn of the camera about its view, clockwise.

    Raises
    ------
    ValueError
        If the camera looks along `up`, or at its own place.
    """
    position = np.asarray(position_mm, dtype=np.float64)
    ahead = np.asarray(target_mm, dtype=np.float64) - position
    right = np.cross(ahead, np.asarray(up, dtype=np.float64))
    if np.linalg.norm(right) < 1e-9 * max(1.0, float(np.linalg.norm(ahead))):
        msg = f"Expected a view that is not along up={up}, got {ahead.tolist()} mm"
        raise ValueError(msg)
    ahead = ahead / np.linalg.norm(ahead)
    right = right / np.linalg.norm(right)
    down = np.cross(ahead, right)
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    rotation = np.stack([cos * right + sin * down, cos * down - sin * right, ahead])
    x, y, z = -rotation @ position
    return Camera(
        name=name,
        width_px=width_px,
        height_px=height_px,
        focal_px=(float(focal_px), float(focal_px)),
        centre_px=(0.5 * (width_px - 1), 0.5 * (height_px - 1)),
        distortion=distortion,
        rotation_rad=rotation_vector(rotation),
        translation_mm=(float(x), float(y), float(z)),
    )


def depth(camera: Camera, points_mm: ArrayLike) -> NDArray[np.float64]:
    """Return how far points (..., 3) lie in front of the camera, (...) mm."""
    points = np.asarray(points_mm, dtype=np.float64)
    return points @ camera.rotation[2] + camera.translation_mm[2]


def project(camera: Camera, points_mm: ArrayLike) -> NDArray[np.float64]:
    """Return where points appear in the picture.

    Parameters
    ----------
    camera
        The camera.
    points_mm
        (..., 3) in the world.

    Returns
    -------
    (..., 2) px, x to the right and y down; NaN for a point behind the camera.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    seen = points @ camera.rotation.T + np.asarray(camera.translation_mm)
    z = seen[..., 2:3]
    plane = seen[..., :2] / np.where(z > 0.0, z, np.nan)
    return _distorted(camera, plane) * camera.focal_px + np.asarray(camera.centre_px)


def undistort(camera: Camera, points_px: ArrayLike) -> NDArray[np.float64]:
    """Return the directions that pixels look along.

    Parameters
    ----------
    camera
        The camera.
    points_px
        (..., 2).

    Returns
    -------
    (..., 2) x / z and y / z in the camera's frame, free of distortion; NaN stays.
    """
    pixels = np.asarray(points_px, dtype=np.float64)
    wanted = (pixels - np.asarray(camera.centre_px)) / np.asarray(camera.focal_px)
    plane = wanted.copy()
    for _ in range(_UNDISTORT_ROUNDS):
        off = _distorted(camera, plane) - wanted
        plane -= np.linalg.solve(_slope(camera, plane), off[..., None])[..., 0]
    return plane


def triangulate(cameras: Sequence[Camera], points_px: ArrayLike) -> NDArray[np.float64]:
    """Return the points in space that cameras see, by direct linear transform.

    Parameters
    ----------
    cameras
        At least two.
    points_px
        (cameras, ..., 2); NaN where a camera does not see the point.

    Returns
    -------
    (..., 3) mm in the world; NaN where fewer than two cameras see the point.
    """
    pixels = np.asarray(points_px, dtype=np.float64)
    rows = []
    for camera, seen in zip(cameras, pixels, strict=True):
        plane = undistort(camera, np.nan_to_num(seen))
        pose = np.column_stack([camera.rotation, camera.translation_mm])
        visible = np.isfinite(seen).all(axis=-1, keepdims=True)
        for axis in (0, 1):
            row = plane[..., axis : axis + 1] * pose[2] - pose[axis]
            rows.append(np.where(visible, row, 0.0))
    system = np.stack(rows, axis=-2)
    # Two equations of each camera: fewer than four leave the point free.
    known = np.any(system != 0.0, axis=-1).sum(axis=-1) >= 4
    scale = np.array([1.0, 1.0, 1.0, 1e3])
    null = np.linalg.svd(system * scale)[2][..., -1, :] * scale
    with np.errstate(divide="ignore", invalid="ignore"):
        points = null[..., :3] / null[..., 3:]
    return np.where(known[..., None], points, np.nan)


def reprojection_error(
    cameras: Sequence[Camera], points_mm: ArrayLike, points_px: ArrayLike
) -> NDArray[np.float64]:
    """Return the distance in px of points (..., 3) from where cameras saw them.

    Returns
    -------
    (cameras, ...) px; NaN where a camera did not see the point.
    """
    pixels = np.asarray(points_px, dtype=np.float64)
    return np.stack(
        [
            np.linalg.norm(project(camera, points_mm) - seen, axis=-1)
            for camera, seen in zip(cameras, pixels, strict=True)
        ]
    )


def _distorted(camera: Camera, plane: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack(
        kernel.distorted(plane[..., 0], plane[..., 1], _Lens(*camera.distortion)),
        axis=-1,
    )


def _slope(camera: Camera, plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the derivative (..., 2, 2) of `_distorted`."""
    a, b, d = kernel.slope(plane[..., 0], plane[..., 1], _Lens(*camera.distortion))
    return np.stack([a, b, b, d], axis=-1).reshape(*plane.shape, 2)


class _Lens(NamedTuple):
    """A camera's distortion as the kernel wants it."""

    k1: float
    k2: float
    p1: float
    p2: float
    k3: float
