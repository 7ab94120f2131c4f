"""What a moment in space costs: from the views of a few cameras to points in mm.

The mouse of the simulator jumps before calibrated cameras; keypoints are noisy, some
are wrong, some missing. The ways get the same moments in turns, so that what
disturbs one disturbs all; and since the fastest way to a wrong point is no
achievement, each way's distance from the truth stands beside its time.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rig.bench.machine import Conditions
from rig.geometry import Triangulator, project
from rig.geometry.views import View, ViewsConfig, begin, collect, stacked
from rig.sim.cameras import cameras_for
from rig.sim.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rig.geometry import Camera

    Floats = NDArray[np.float64]
    Way = Callable[[Floats], Floats]

__all__ = ["TARGET_US", "Plan", "measure"]

TARGET_US = 50.0
"""For 10 points and 4 cameras."""
_PERIOD_NS = 5_000_000
_MOMENTS = 200
"""Different ones; they come again and again."""
_WARM = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    points: int = 10
    cameras: int = 4
    calls: int = 3000
    """Of each way."""
    noise_px: float = 1.0
    wrong: float = 0.05
    """Share of the views that are up to 150 px off."""
    missing: float = 0.05
    """Share of the views that are not there."""


def measure(plan: Plan, told: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Measure everything and return the figures, ready for JSON.

    Parameters
    ----------
    plan
        What is to be measured.
    told
        Is told what is being done.
    """
    conditions = Conditions()
    cameras = cameras_for("jump", plan.cameras)
    truth, moments = _scene(plan, cameras)
    told("making ready")
    begin_ns = time.perf_counter_ns()
    ours = Triangulator(cameras)
    ready_s = (time.perf_counter_ns() - begin_ns) / 1e9
    ways = {ours.engine: _points_of(ours)}
    if (opencv := _by_opencv(cameras)) is not None:
        ways["opencv"] = opencv
    told(f"{plan.calls} moments, {len(ways)} ways in turns")
    took_us = _in_turns(ways, moments, plan.calls)
    if ours.engine != "numpy":
        # by itself: milliseconds of it would leave no way's data in the caches
        told("without numba")
        plain = {"numpy": _points_of(Triangulator(cameras, engine="numpy"))}
        ways |= plain
        took_us |= _in_turns(plain, moments, max(10, plan.calls // 10))
    found = {
        name: {
            **_spread(took_us[name]),
            **_accuracy(np.stack([way(seen) for seen in moments]), truth),
        }
        for name, way in ways.items()
    }
    return {
        "plan": asdict(plan),
        "environment": conditions.noted(),
        "engine": ours.engine,
        "ready_s": round(ready_s, 3),
        "target_us": TARGET_US,
        "ways": found,
        "ratio_to_opencv": _ratios(found),
        "views": _spread(_time_views(cameras, moments, plan.calls)),
    }


def _points_of(triangulator: Triangulator) -> Way:
    return lambda seen: triangulator.triangulate(seen).points_mm


def _scene(plan: Plan, cameras: Sequence[Camera]) -> tuple[Floats, list[Floats]]:
    """Return true points (moments, n, 3), and keypoints (cameras, n, 3) of each."""
    rng = np.random.default_rng(0)
    world = World(1, "jump")
    joints = world.joints_mm(np.linspace(0.0, world.period_s, _MOMENTS))
    truth = joints[:, np.arange(plan.points) % joints.shape[1]]
    pixels = np.stack([project(camera, truth) for camera in cameras], axis=1)
    pixels += rng.normal(0.0, plan.noise_px, pixels.shape)
    wrong = rng.random(pixels.shape[:3]) < plan.wrong
    pixels[wrong] += rng.uniform(-150.0, 150.0, (int(wrong.sum()), 2))
    pixels[rng.random(pixels.shape[:3]) < plan.missing] = np.nan
    sure = np.ones((*pixels.shape[:3], 1))
    return truth, list(np.concatenate([pixels, sure], axis=-1))


def _in_turns(
    ways: dict[str, Way], moments: Sequence[Floats], calls: int
) -> dict[str, list[float]]:
    """Return how long each call of each way took, in us."""
    took_us: dict[str, list[float]] = {name: [] for name in ways}
    for k in range(-_WARM, calls):
        seen = moments[k % len(moments)]
        for name, way in ways.items():
            begin_ns = time.perf_counter_ns()
            way(seen)
            if k >= 0:
                took_us[name].append((time.perf_counter_ns() - begin_ns) / 1e3)
    return took_us


def _time_views(
    cameras: Sequence[Camera], moments: Sequence[Floats], calls: int
) -> list[float]:
    """Return how long it takes to bring a moment's poses together, in us."""
    names = tuple(camera.name for camera in cameras)
    config = ViewsConfig(names, _PERIOD_NS, wait_ns=_PERIOD_NS)
    state, took_us = begin(config), []
    for k in range(calls):
        poses = moments[k % len(moments)].astype(np.float32)
        now_ns = k * _PERIOD_NS
        begin_ns = time.perf_counter_ns()
        for name, pose in zip(names, poses, strict=True):
            state, done = collect(config, state, View(name, now_ns, pose), now_ns)
            for moment in done:
                stacked(config, moment)
        took_us.append((time.perf_counter_ns() - begin_ns) / 1e3)
    return took_us


def _by_opencv(cameras: Sequence[Camera]) -> Way | None:
    """Return the usual way: OpenCV undistorts, NumPy solves; None without OpenCV.

    All views count alike, and the sum of squares is not that of pixels: there is
    nothing in it that finds a wrong view.
    """
    try:
        import cv2
    except ImportError:
        return None
    lenses = [
        (
            np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]),
            np.array(camera.distortion),
            np.column_stack([camera.rotation, camera.translation_mm]),
        )
        for camera in cameras
        for (fx, fy), (cx, cy) in [(camera.focal_px, camera.centre_px)]
    ]

    def way(keypoints: Floats) -> Floats:
        system = np.empty((keypoints.shape[1], 2 * len(lenses), 4))
        for k, (matrix, distortion, pose) in enumerate(lenses):
            seen = np.ascontiguousarray(keypoints[k, :, None, :2])
            plane = cv2.undistortPoints(seen, matrix, distortion)[:, 0]
            there = np.isfinite(plane[:, :1])
            for axis in (0, 1):
                row = plane[:, axis : axis + 1] * pose[2] - pose[axis]
                system[:, 2 * k + axis] = np.where(there, row, 0.0)
        best = np.linalg.eigh(system.swapaxes(1, 2) @ system)[1][:, :, 0]
        return best[:, :3] / best[:, 3:]

    return way


def _spread(took_us: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(took_us, [50, 99])
    return {"p50_us": round(float(p50), 2), "p99_us": round(float(p99), 2)}


def _accuracy(found: Floats, truth: Floats) -> dict[str, float]:
    """Return how far points lie from the truth, and how many are not known."""
    miss_mm = np.linalg.norm(found - truth, axis=-1)
    known = miss_mm[np.isfinite(miss_mm)]
    p50, p95 = np.percentile(known, [50, 95])
    return {
        "p50_mm": round(float(p50), 3),
        "p95_mm": round(float(p95), 3),
        "unknown": round(1.0 - known.size / miss_mm.size, 4),
    }


def _ratios(found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return each way's time over OpenCV's; empty without OpenCV."""
    if "opencv" not in found:
        return {}
    usual = found["opencv"]
    return {
        name: {key: round(way[key] / usual[key], 3) for key in ("p50_us", "p99_us")}
        for name, way in found.items()
        if name != "opencv"
    }
