"""Points in space from simultaneous views, in microseconds, with their errors.

A view may be missing, marked or wrong: of all pairs of views the one is taken whose
point the other views agree with most, then the point is fitted to all that agree, by
weighted least squares in pixels, through the lens.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal

import numpy as np

from rig.errors import SpringhareError
from rig.geometry import kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rig.geometry.cameras import Camera

__all__ = ["Engine", "Points3d", "TriangulationConfig", "Triangulator"]

_log = logging.getLogger(__name__)

Engine = Literal["numba", "numpy"]
"""What computes: machine code, or the same arithmetic on whole arrays."""


@dataclass(frozen=True, slots=True)
class TriangulationConfig:
    """What a view is worth."""

    noise_px: float = 1.0
    """Standard deviation of a keypoint at likelihood 1, in x as in y; at a lower one
    it is taken as noise / sqrt(likelihood). It scales the points' covariance."""
    outlier_px: float = 8.0
    """A view that sees a point this far from where the others put it is not used."""
    min_likelihood: float = 0.0
    """A view that is less sure of a point is not used."""

    def __post_init__(self) -> None:
        """Refuse what would make every point unknown.

        Raises
        ------
        ValueError
            If a distance is not above 0, or the likelihood not in [0, 1].
        """
        for name in ("noise_px", "outlier_px"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0.0):
                msg = f"Expected {name} above 0, got {value}"
                raise ValueError(msg)
        if not 0.0 <= self.min_likelihood <= 1.0:
            msg = f"Expected min_likelihood in 0 to 1, got {self.min_likelihood}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class Points3d:
    """n points in the world; NaN where fewer than two views agree."""

    points_mm: NDArray[np.float64]
    """(n, 3)."""
    covariance_mm2: NDArray[np.float64]
    """(n, 3, 3): what the noise of the views that were used does to the point. It
    knows nothing of an outlier that was taken for a view."""
    error_px: NDArray[np.float64]
    """(n,) mean distance of the point's pictures from where the used views saw it."""
    used: NDArray[np.bool_]
    """(cameras, n) the views that agree."""

    @property
    def sd_mm(self) -> NDArray[np.float64]:
        """Standard deviation along the world's axes (n, 3)."""
        return np.sqrt(np.diagonal(self.covariance_mm2, axis1=1, axis2=2))

    @property
    def views(self) -> NDArray[np.int64]:
        """How many views were used (n,). Two cannot contradict an outlier."""
        return self.used.sum(axis=0)


class Triangulator:
    """Finds what calibrated cameras see at one moment.

    Making one compiles (seconds, once on a machine) or loads machine code, so that
    the first frame is as fast as any other: make it before the session starts.
    Nothing is remembered from call to call: the same input gives the same points.

    Parameters
    ----------
    cameras
        At least two; the order of all that is given later.
    config
        What a view is worth.
    engine
        By default numba, or NumPy with a warning where numba is not installed. Both
        give the same numbers.

    Raises
    ------
    ValueError
        If there are fewer than two cameras, or two of one name.
    SpringhareError
        If numba was asked for and is not there.

    Examples
    --------
    >>> from rig.geometry import look_at, project
    >>> left, right = (
    ...     look_at(
    ...         name,
    ...         position_mm=(x, -300, 40),
    ...         target_mm=(0, 0, 40),
    ...         width_px=640,
    ...         height_px=480,
    ...         focal_px=900,
    ...     )
    ...     for name, x in (("left", -150), ("right", 150))
    ... )
    >>> seen = [[(*project(camera, (5, 2, 30)), 0.9)] for camera in (left, right)]
    >>> found = Triangulator([left, right], engine="numpy").triangulate(seen)
    >>> found.points_mm.round(6).tolist(), found.views.tolist()
    ([[5.0, 2.0, 30.0]], [2])
    """

    def __init__(
        self,
        cameras: Sequence[Camera],
        config: TriangulationConfig | None = None,
        *,
        engine: Engine | None = None,
    ) -> None:
        names = [camera.name for camera in cameras]
        if len(names) < 2 or len(set(names)) < len(names):
            msg = f"Expected two cameras or more, each of its own name, got {names}"
            raise ValueError(msg)
        self.cameras = tuple(cameras)
        self.config = config or TriangulationConfig()
        self._rows = np.array(
            [_row_of(camera) for camera in cameras], kernel.CAMERA_ROW
        )
        self.engine: Engine
        """What computes."""
        self.engine, self._loops = _loops_of(engine)
        self.triangulate(np.full((len(names), 1, 3), np.nan))  # once, for the caches

    def triangulate(
        self, keypoints: ArrayLike, marks: ArrayLike | None = None
    ) -> Points3d:
        """Return the points in space that the cameras see.

        Parameters
        ----------
        keypoints
            (cameras, n, 3): x px, y px, likelihood; NaN, or likelihood 0, where a
            camera does not see the point.
        marks
            (cameras, n): not 0 where a keypoint must not be trusted.

        Returns
        -------
        Points3d
            Of the n points.

        Raises
        ------
        ValueError
            If a shape is another one.
        """
        seen = np.ascontiguousarray(keypoints, dtype=np.float64)
        cameras = len(self.cameras)
        if seen.ndim != 3 or seen.shape[0] != cameras or seen.shape[2] != 3:
            msg = f"Expected keypoints ({cameras}, n, 3), got {seen.shape}"
            raise ValueError(msg)
        m, n, _ = seen.shape
        marked = np.zeros((m, n), np.uint8)
        if marks is not None:
            marked[:] = marks
        found = Points3d(
            np.empty((n, 3)), np.empty((n, 3, 3)), np.empty(n), np.empty((m, n), bool)
        )
        config = self.config
        self._loops(
            seen,
            marked,
            self._rows,
            config.min_likelihood,
            config.outlier_px,
            config.noise_px,
            found.points_mm,
            found.covariance_mm2,
            found.error_px,
            found.used,
        )
        return found


def _row_of(camera: Camera) -> tuple[float, ...]:
    """Return a camera as the kernel wants it."""
    return (
        *camera.focal_px,
        *camera.centre_px,
        *camera.distortion,
        _limit(camera.distortion),
        *camera.rotation.ravel().tolist(),
        *camera.translation_mm,
    )


def _limit(distortion: tuple[float, float, float, float, float]) -> float:
    """Return the squared distance from the axis at which the lens turns round."""
    k1, k2, _, _, k3 = distortion
    roots = np.roots([7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0])
    turns = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > 0.0)]
    return float(turns.min(initial=np.inf))


def _loops_of(engine: Engine | None) -> tuple[Engine, Callable[..., None]]:
    """Return what computes, ready to run."""
    from rig.geometry import vectorised

    if engine == "numpy":
        return "numpy", vectorised.triangulate
    try:
        from rig.geometry import compiled

        return "numba", compiled.triangulate()
    except ImportError as error:
        if engine == "numba":
            msg = (
                f"Expected numba for 3D, got {error}: pip install 'springhare[fast]', "
                "or ask for numpy"
            )
            raise SpringhareError(msg) from error
        _log.warning("3D takes milliseconds instead of 30 us: no numba: %s", error)
        return "numpy", vectorised.triangulate
