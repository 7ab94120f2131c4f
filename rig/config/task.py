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
    "DynamicCrop",
    "Enters",
    "GatesConfig",
    "InferenceConfig",
    "LengthConfig",
    "PredictionConfig",
    "RuleConfig",
    "Speed",
    "TaskConfig",
    "When",
]


class DynamicCrop(Closed):
    """The network sees the part of the picture in which the animal is."""

    body_px: Positive
    """The most that two of its body parts are ever apart: a part that is missing is
    looked for within this of the others, and one beyond it is not believed."""
    margin_px: Positive = 104
    """Around the body parts; more is nearer to what the whole picture would give, and
    lets the animal go further from one look to the next."""
    min_likelihood: Fraction = 0.5
    """Body parts below it are not followed."""
    whole_every_s: Positive = 2
    """After so long the whole picture is looked at, whatever was found."""
    longest_gap_ms: Positive = 200
    """An older place is not looked at any more: the whole picture is."""


class LengthConfig(Closed):
    """A distance between two keypoints that the body keeps."""

    between: tuple[str, str]
    range_px: tuple[Annotated[float, Field(ge=0)], Positive] | Literal["learnt"] = (
        "learnt"
    )
    """Shortest and longest; learnt is only the longest, for each camera by itself."""

    @model_validator(mode="after")
    def _sound(self) -> LengthConfig:
        one, other = self.between
        if one == other:
            text = f"expected two different keypoints, got {one!r} twice"
            raise Faults([Fault(("between",), text)])
        if self.range_px != "learnt" and self.range_px[0] >= self.range_px[1]:
            text = f"expected the shortest before the longest, got {self.range_px}"
            raise Faults([Fault(("range_px",), text)])
        return self


class GatesConfig(Closed):
    """Which keypoints are trusted; the others are marked, and kept as they are."""

    likelihood: Fraction = 0.0
    """Least likelihood of a keypoint."""
    likelihoods: dict[str, Fraction] = Field(default_factory=dict)
    """The same for single keypoints."""
    max_speed_px_per_s: Positive | None = None
    """What moves faster has jumped; null asks for nothing."""
    jitter_px: Annotated[float, Field(ge=0)] = 10.0
    """So far apart two poses of a keypoint at rest may be."""
    reacquire_poses: Annotated[int, Field(ge=1)] = 5
    """So many poses must agree on a new place before it is trusted."""
    lengths: tuple[LengthConfig, ...] = ()
    """Give a keypoint at least two, so that it is clear which end is wrong."""


class PredictionConfig(Closed):
    """Where the keypoints will be when the action lands."""

    hold_ms: Positive = 100.0
    """So long a marked keypoint is predicted on; then it is not there."""
    model_error_px: Annotated[float, Field(ge=0)] = 0.0
    """Error of the model along an axis, from its evaluation; goes into the sd."""


class InferenceConfig(Closed):
    """The pose network and how it is fed."""

    model: str
    """``bundled:mouse``, an ``.onnx`` file, or a DeepLabCut export (``.pt`` file, or
    the folder of a TensorFlow export)."""
    engine: Literal["onnx", "torch", "dlclive"] = "onnx"
    provider: Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] = "auto"
    """What computes, for onnx and torch: the best of what is there, or this one."""
    precision: Literal["single", "half"] = "single"
    """half: quicker on a GPU, and off by up to some hundredths of a pixel."""
    cameras: Annotated[tuple[Name, ...], Field(min_length=1)]
    threads: Annotated[int, Field(ge=1)] = 1
    batch: bool = False
    """Cameras that were exposed within 1 ms of each other go through the network
    together. It pays on a GPU; on a processor the first would wait for the others."""
    crop_px: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1: the part of the picture that the network sees."""
    dynamic_crop: DynamicCrop | None = None
    """Within that part, where the animal is."""
    resize: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor by which the picture is shrunk first (not for every .onnx model)."""
    interpreter: Path | None = None
    """Python that runs the node; dlclive may live in one of its own."""
    on_death: Literal["stop", "continue"] = "stop"
    gates: GatesConfig | None = None
    """How bad keypoints are caught."""
    prediction: PredictionConfig | None = None
    """Forward prediction over the latency."""


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
