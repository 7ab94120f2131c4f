"""What a task and a model make of `step`: gates, prediction, space and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.follow import Follower
from inference.gates import compile_gates
from inference.prediction import Predictor
from inference.rules import compile_rules
from inference.space import Space
from inference.step import StepConfig
from rig.config.rules import Custom, FeatureCrosses, leaves
from rig.errors import ConfigError
from rig.geometry import (
    Camera,
    TriangulationConfig,
    Triangulator,
    read_calibration,
)
from rig.geometry.views import ViewsConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rig.config.rig import RigConfig
    from rig.config.task import InferenceConfig, TaskConfig

__all__ = ["setup_step"]


def setup_step(
    task: TaskConfig,
    inference: InferenceConfig,
    bodyparts: Sequence[str],
    rig: RigConfig | None,
) -> StepConfig:
    """Make a task ready for a model's body parts.

    Parameters
    ----------
    task, inference
        The task, and its inference section.
    bodyparts
        Names of the model's keypoints.
    rig
        The rig; None where poses come from elsewhere and nothing is seen in space.

    Returns
    -------
    StepConfig
        What `inference.step.step` needs. With points in space it takes seconds the
        first time on a machine: something is compiled.

    Raises
    ------
    ConfigError
        If gates or rules use a body part that the model does not have, or the
        calibration does not fit the rig.
    """
    gates = inference.gates
    return StepConfig(
        rules=compile_rules(task.rules, bodyparts, task.seed),
        follower=Follower(
            gates=None if gates is None else compile_gates(gates, bodyparts),
            predictor=_predictor(inference),
            forms=_forms(task),
        ),
        space=_space(inference, rig),
    )


def _predictor(inference: InferenceConfig) -> Predictor | None:
    config = inference.prediction
    if config is None:
        return None
    return Predictor(round(config.hold_ms * 1e6), config.model_error_px)


def _forms(task: TaskConfig) -> frozenset[str]:
    """Return what rules ask for beside raw points."""
    asked = {
        leaf.points
        for rule in task.rules
        for _, leaf in leaves(rule.when)
        if not isinstance(leaf, Custom | FeatureCrosses)
    }
    # somebody's own condition may look at anything
    own = any(
        isinstance(leaf, Custom) for rule in task.rules for _, leaf in leaves(rule.when)
    )
    return frozenset({"predicted", "smoothed"} if own else asked - {"raw"})


def _space(inference: InferenceConfig, rig: RigConfig | None) -> Space | None:
    config = inference.space
    if config is None or rig is None:
        return None
    names = config.cameras or inference.cameras
    if config.calibration is None:
        cameras = [_camera_of(rig, name) for name in names]
    else:
        cameras = read_calibration(config.calibration).of(names)
        for camera in cameras:
            _require_size(camera, rig, config.calibration)
    slowest_hz = min(rig.camera_rate_hz(name) for name in names)
    return Space(
        ViewsConfig(
            cameras=tuple(names),
            period_ns=round(1e9 / slowest_hz),
            wait_ns=round(config.wait_ms * 1e6),
        ),
        Triangulator(
            cameras,
            TriangulationConfig(
                noise_px=config.noise_px,
                outlier_px=config.outlier_px,
                min_likelihood=config.min_likelihood,
            ),
        ),
    )


def _camera_of(rig: RigConfig, name: str) -> Camera:
    """Return a camera as the rig file has it calibrated."""
    device = rig.cameras[name]
    if device.calibration is None:
        msg = (
            f"Expected a calibration of {name} in the rig file, got none: give it "
            "there, or a file of all cameras as inference.space.calibration"
        )
        raise ConfigError(msg)
    return Camera(
        name,
        device.width_px,
        device.height_px,
        **device.calibration.model_dump(),
    )


def _require_size(camera: Camera, rig: RigConfig, path: Path) -> None:
    """Refuse a calibration of other pictures: every point would be wrong."""
    device = rig.cameras[camera.name]
    if (camera.width_px, camera.height_px) == (device.width_px, device.height_px):
        return
    msg = (
        f"Expected {path} to be for {camera.name}'s pictures of "
        f"{device.width_px} x {device.height_px} px, got {camera.width_px} x "
        f"{camera.height_px}: calibrate at the size that is recorded"
    )
    raise ConfigError(msg)
