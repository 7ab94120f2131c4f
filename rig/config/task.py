"""The task file: which model sees the animal, and what follows from its pose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig.config.base import Closed, Fault, Faults, Fraction, Name, Positive
from rig.config.wiring import task_faults

__all__ = [
    "Action",
    "Crosses",
    "Enters",
    "InferenceConfig",
    "RuleConfig",
    "Speed",
    "TaskConfig",
    "When",
]


class InferenceConfig(Closed):
    """The pose network and how it is fed."""

    model: str
    """``bundled:mouse``, an ``.onnx`` file, or a DeepLabCut export (``.pt`` file, or
    the folder of a TensorFlow export)."""
    engine: Literal["onnx", "dlclive"] = "onnx"
    cameras: Annotated[tuple[Name, ...], Field(min_length=1)]
    threads: Annotated[int, Field(ge=1)] = 1
    crop_px: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1: the part of the picture that the network sees."""
    resize: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor by which the picture is shrunk first (dlclive)."""
    interpreter: Path | None = None
    """Python that runs the node; dlclive may live in one of its own."""
    on_death: Literal["stop", "continue"] = "stop"


class Crosses(Closed):
    """A keypoint's coordinate, or its difference to another's, crosses a line."""

    kind: Literal["crosses"]
    keypoint: str
    minus: str | None = None
    """Keypoint that is subtracted."""
    axis: Literal["x", "y"]
    direction: Literal["rising", "falling"]
    """In picture coordinates: y grows downwards, an animal that jumps is falling."""
    threshold_px: float


class Enters(Closed):
    """A keypoint enters a rectangle."""

    kind: Literal["enters"]
    keypoint: str
    region_px: tuple[float, float, float, float]
    """x0, y0, x1, y1."""


class Speed(Closed):
    """A keypoint moves faster than a limit."""

    kind: Literal["speed"]
    keypoint: str
    above_px_per_s: Positive


When = Annotated[Crosses | Enters | Speed, Field(discriminator="kind")]


class Action(Closed):
    """What is sent to the actuator."""

    line: Name
    pulse_width_us: Annotated[int, Field(gt=0)]
    count: Annotated[int, Field(ge=1)] = 1
    period_us: Annotated[int, Field(ge=0)] = 0
    """Start to start of the pulses of a train; 0 for a single pulse."""

    @model_validator(mode="after")
    def _train(self) -> Action:
        if self.count > 1 and self.period_us <= self.pulse_width_us:
            text = (
                f"expected more than pulse_width_us ({self.pulse_width_us}) for a "
                f"train of {self.count}, got {self.period_us}"
            )
            raise Faults([Fault(("period_us",), text)])
        return self


class RuleConfig(Closed):
    """When to act, and on how good a pose."""

    name: Name
    camera: Name
    when: When
    min_likelihood: Fraction = 0.6
    debounce_frames: Annotated[int, Field(ge=1)] = 1
    """The condition must hold on so many poses in a row."""
    refractory_ms: Annotated[float, Field(ge=0)] = 0
    """Least time between two fires, shams included."""
    max_pose_age_ms: Positive = 50
    """Sending time minus exposure midpoint; an older pose never fires."""
    sham_probability: Fraction = 0
    """Fraction of fires that are decided and recorded but not carried out."""
    action: Action


class TaskConfig(Closed):
    """A whole task."""

    format: Literal["springhare-task/1"]
    name: Name
    description: str = ""
    inference: InferenceConfig | None = None
    rules: tuple[RuleConfig, ...] = ()
    armed: bool = True
    """Whether fires are carried out from the start."""
    seed: int = 0
    """Of the sham draws."""

    @model_validator(mode="after")
    def _consistent(self) -> TaskConfig:
        if faults := task_faults(self.model_dump(mode="python")):
            raise Faults(faults)
        return self
