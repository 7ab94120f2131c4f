"""Motion with a truth to hold predictions against: simulated jumps, and recordings.

A simulated jump is seen as the bundled network sees it. Either it really looks at the
rendered pictures, or its errors are drawn as they were measured there: it shifts a
body part by some tenths of a pixel, jitters little at rest and more in movement, and
at times is far off and says so by its likelihood. Frames are lost, as under load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import h5py
import numpy as np

from inference.gates import GOOD, Gates, begin, gate
from inference.gates.jumps import JumpLimits
from rig.errors import SpringhareError
from rig.geometry import project
from rig.sim.cameras import cameras_for
from rig.sim.world import BODY_PARTS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from rig.geometry import Camera

__all__ = ["Kind", "Motion", "recorded", "simulated"]

Kind = Literal["jump", "jump, all well", "jump, network"]

_HORIZONS_MS = (5.0, 10.0, 15.0, 25.0)
_EXPOSURE_S = 0.002
_PERIOD_S = 4.0
_BEFORE_S, _AFTER_S = 0.02, 0.06
"""The jump, from before the push-off until after the landing."""
_SETTLED_S = 0.3
"""From here on a predictor may have learnt its noise."""
_LONGEST_S = 0.06
"""Nothing is asked about times so near the end."""
_LOST = 0.02
"""Frames that are missing by themselves."""
_STALL_S = (0.02, 0.05)
"""A stall once a second."""
_TRIGGER_SD_S = 50e-6

_SHIFT_PX = 0.45
"""Errors of the bundled network, along each axis: sd of what stays the same,"""
_STILL_PX = 0.05
"""of what does not, at rest,"""
_MOVING_PX, _FAST_PX_PER_S = 0.6, 2000.0
"""and at this speed,"""
_LIKE_THE_LAST = 0.5
"""of which so much is that of the frame before;"""
_FAR_OFF, _FAR_OFF_PX = 0.003, 10.0
"""and now and then, by so much."""
_USUAL_LIKELIHOOD, _UNSURE = 0.985, (0.3, 0.85)

_TRUSTED, _RECORDED_LIMITS = 0.3, JumpLimits(2000.0, 10.0, 5)
"""Gates of recorded keypoints."""
_NEAR = 0.1
"""Part of an interval that a pose may be off the time that is asked for."""
_SETTLED_POSES = 50


@dataclass(frozen=True, slots=True)
class Motion:
    """Poses of one camera, and where the keypoints really were."""

    name: str
    rate_hz: float
    horizons_ms: tuple[float, ...]
    """How far ahead it is asked for."""
    exposures_ns: NDArray[np.int64]
    """(m,)."""
    keypoints: NDArray[np.float32]
    """(m, n, 3), as the network gave them."""
    marks: NDArray[np.uint8]
    """(m, n): what our predictor is told not to trust."""
    truth: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    """Times (m,) to places (m, n, 2) px; NaN where it is not known."""
    moving: NDArray[np.bool_]
    """(m,): poses of the movement that matters."""
    resting: NDArray[np.bool_]
    """(m,): the others, once all is settled."""
    model_error_px: float
    """What the predictor is told of the model's own error."""


def simulated(
    seed: int,
    rate_hz: float,
    kind: Kind,
) -> Motion:
    """Return a jump of the simulated mouse, seen from its right side.

    Parameters
    ----------
    seed
        Of mouse, jump, noise and lost frames.
    rate_hz
        Of the camera.
    kind
        ``network``: the bundled network looks at rendered pictures, 30 ms each; else
        its errors are drawn. ``all well``: no frame is lost, no keypoint far off.
    """
    world = World(seed=seed, story="jump")
    camera = cameras_for("jump", 1)[0]
    rng = np.random.default_rng([seed, round(rate_hz)])
    count = round(_PERIOD_S * rate_hz)
    times_s = np.arange(count) / rate_hz + 0.5 * _EXPOSURE_S
    times_s += rng.normal(0.0, _TRIGGER_SD_S, count)
    well = kind == "jump, all well"
    if not well:
        times_s = times_s[_kept(times_s, rng)]
    exposures_ns = np.rint(times_s * 1e9).astype(np.int64)

    def truth(at_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        return project(camera, world.keypoints_mm(at_ns * 1e-9))

    if kind == "jump, network":
        keypoints = np.stack(list(_looked_at(world, camera, times_s)))
    else:
        keypoints = _drawn(truth, exposures_ns, rng, 0.0 if well else _FAR_OFF)
    begin_s = world.onset_s - _BEFORE_S
    end_s = (world.landing_s or world.onset_s) + _AFTER_S
    moving = (times_s > begin_s) & (times_s < end_s)
    known = (times_s > _SETTLED_S) & (times_s < _PERIOD_S - _LONGEST_S)
    return Motion(
        name=kind,
        rate_hz=rate_hz,
        horizons_ms=_HORIZONS_MS,
        exposures_ns=exposures_ns,
        keypoints=keypoints,
        marks=np.zeros(keypoints.shape[:2], np.uint8),
        truth=truth,
        moving=moving,
        resting=known & ~moving,
        model_error_px=_SHIFT_PX,
    )


def recorded(path: Path, camera: str | None, fast_px: float = 8.0) -> Motion:
    """Return recorded poses; where a keypoint was is what the later pose says.

    So it is asked for the times of the next poses: in between nobody knows, and the
    last pose would be a part of its own truth. What the gates mark is left out.

    Parameters
    ----------
    path
        A ``session.h5``, or an ``.npz`` with `keypoints` and `exposure_ns`.
    camera
        Which one of the session; None if it has only one.
    fast_px
        Poses that lie so far from the one before are movement.

    Raises
    ------
    SpringhareError
        If there are no such poses.
    """
    keypoints, exposures_ns = _read(path, camera)
    order = np.argsort(exposures_ns, kind="stable")
    keypoints, exposures_ns = keypoints[order], exposures_ns[order]
    gates = Gates((_TRUSTED,) * keypoints.shape[1], _RECORDED_LIMITS)
    marks, state = np.empty(keypoints.shape[:2], np.uint8), begin(gates)
    for k, exposure_ns in enumerate(exposures_ns.tolist()):
        state, marks[k] = gate(gates, state, keypoints[k], exposure_ns)
    places = np.where(marks[..., np.newaxis] == GOOD, keypoints[..., :2], np.nan)
    interval_ns = float(np.median(np.diff(exposures_ns)))

    def truth(at_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        after = np.clip(np.searchsorted(exposures_ns, at_ns), 1, len(places) - 1)
        late = exposures_ns[after] - at_ns > at_ns - exposures_ns[after - 1]
        nearest = np.where(late, after - 1, after)
        off_ns = np.abs(exposures_ns[nearest] - at_ns)
        there = off_ns < _NEAR * interval_ns
        return np.where(there[:, np.newaxis, np.newaxis], places[nearest], np.nan)

    steps = np.linalg.norm(np.diff(places, axis=0, prepend=places[:1]), axis=2)
    # NaN compares as slow
    moving = 2 * (steps > fast_px).sum(axis=1) > np.isfinite(steps).sum(axis=1)
    settled = np.arange(len(places)) > _SETTLED_POSES
    return Motion(
        name=path.stem,
        rate_hz=round(1e9 / interval_ns, 1),
        horizons_ms=tuple(k * interval_ns / 1e6 for k in (1, 2, 3)),
        exposures_ns=exposures_ns,
        keypoints=keypoints,
        marks=marks,
        truth=truth,
        moving=moving & settled,
        resting=~moving & settled,
        model_error_px=0.0,
    )


def _kept(times_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which frames are not lost."""
    kept = rng.random(len(times_s)) >= _LOST
    for second in range(int(_PERIOD_S)):
        begin_s = second + rng.uniform(0.0, 0.95)
        end_s = begin_s + rng.uniform(*_STALL_S)
        kept &= (times_s < begin_s) | (times_s > end_s)
    return kept


def _drawn(
    truth: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    exposures_ns: NDArray[np.int64],
    rng: np.random.Generator,
    far_off: float,
) -> NDArray[np.float32]:
    """Return the true keypoints with the network's errors."""
    places = truth(exposures_ns)
    count, parts = places.shape[:2]
    speed = truth(exposures_ns + 1_000_000) - truth(exposures_ns - 1_000_000)
    speed_px_per_s = np.linalg.norm(speed, axis=2, keepdims=True) / 0.002
    share = np.minimum(speed_px_per_s / _FAST_PX_PER_S, 1.0)
    sd = (_STILL_PX + _MOVING_PX * share) * np.sqrt(1.0 - _LIKE_THE_LAST**2)
    error = np.zeros((count, parts, 2))
    for k, drawn in enumerate(rng.normal(size=error.shape) * sd):
        error[k] = drawn + (_LIKE_THE_LAST * error[k - 1] if k else 0.0)
    error += rng.normal(0.0, _SHIFT_PX, (1, parts, 2))
    likelihood = np.full((count, parts, 1), _USUAL_LIKELIHOOD)
    far = rng.random((count, parts)) < far_off
    error[far] += rng.normal(0.0, _FAR_OFF_PX, (int(far.sum()), 2))
    likelihood[far, 0] = rng.uniform(*_UNSURE, int(far.sum()))
    return np.concatenate([places + error, likelihood], axis=2).astype(np.float32)


def _looked_at(
    world: World, camera: Camera, times_s: NDArray[np.float64]
) -> Iterator[NDArray[np.float32]]:
    """Render the pictures and let the bundled network look at them."""
    from inference.model import load_engine
    from rig.config.task import InferenceConfig
    from rig.sim.render import Renderer

    model = load_engine(InferenceConfig(model="bundled:mouse", cameras=("left",)))
    if model.bodyparts != BODY_PARTS:
        msg = f"Expected {BODY_PARTS} from the bundled model, got {model.bodyparts}"
        raise SpringhareError(msg)
    model.warm_up(camera.height_px, camera.width_px, 1)
    renderer = Renderer(world, camera, seed=world.seed, exposure_s=_EXPOSURE_S)
    for number, time_s in enumerate(times_s.tolist()):
        yield model.infer(renderer.render(time_s, number))
    model.close()


def _read(
    path: Path, camera: str | None
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    if path.suffix == ".npz":
        with np.load(path) as file:
            return file["keypoints"].astype(np.float32), file["exposure_ns"]
    with h5py.File(path, "r") as session:
        poses: Any = session.get("poses", {})
        names = list(poses)
        if camera is None and len(names) == 1:
            camera = names[0]
        if camera not in names:
            msg = (
                f"Expected poses of {camera or 'one camera'} in {path}, got "
                f"{', '.join(names) or 'none'}: name one of them with --camera"
            )
            raise SpringhareError(msg)
        index = poses[camera]["index"][()]
        written = index["host_ns"] != 0
        keypoints = poses[camera]["keypoints"][: int(written.sum())]
        return keypoints, index["exposure_ns"][written]
