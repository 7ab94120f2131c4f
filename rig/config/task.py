"""The task file: which model sees the animal, and what follows from its pose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from rig.config.base import Closed, Fault, Faults, Fraction, Name, Positive
from rig.config.latency import LatencyBudget
from rig.config.rules import (
    IN_SPACE,
    Custom,
    FeatureCrosses,
    Leaf,
    RuleConfig,
    is_in_space,
    leaves,
)
from rig.config.wiring import task_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DynamicCrop",
    "FeatureConfig",
    "GatesConfig",
    "InferenceConfig",
    "LengthConfig",
    "PredictionConfig",
    "ProcessorConfig",
    "SpaceConfig",
    "TaskConfig",
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
    landing_ms: Positive | Literal["measured"] = "measured"
    """From decision to action, which is what is predicted over; measured is the median
    of what the acknowledgements of this session have shown so far."""


class SpaceConfig(Closed):
    """Points in space from cameras that expose together."""

    calibration: Path | None = None
    """File of the calibrated cameras (TOML, as aniposelib writes it), found from the
    working folder; null takes the calibration of each camera in the rig file."""
    cameras: Annotated[tuple[Name, ...], Field(min_length=2)] | None = None
    """Of inference.cameras; null takes all."""
    noise_px: Positive = 1.0
    """Usual error of a sure keypoint."""
    outlier_px: Positive = 10.0
    """A view that is farther off than that does not count."""
    min_likelihood: Fraction = 0.3
    wait_ms: Positive = 5.0
    """How long a camera's frame waits for the others' of its moment, and a moment for
    a further view after its last; the network's own time is not counted."""


class ProcessorConfig(Closed):
    """A dlclive Processor: it is given each pose, and may give another one back."""

    use: str
    """``file.py:Class`` or ``package.module:Class``."""
    arguments: dict[str, Any] = Field(default_factory=dict)


class FeatureConfig(Closed):
    """A number that is made of a signal's last samples, for rules."""

    stream: str
    """``device/signal``: ``daq/emg`` or ``daq/force_plate``."""
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    """Channels of the signal; several are added up first."""
    kind: Literal["level", "envelope"]
    """level: mean of the window; envelope: root mean square of the window about the
    mean of the baseline."""
    window_ms: Positive = 20.0
    baseline_ms: Positive = 500.0

    @model_validator(mode="after")
    def _sound(self) -> FeatureConfig:
        if self.kind == "envelope" and self.baseline_ms < self.window_ms:
            text = (
                f"expected at least the window_ms of {self.window_ms:g}, got "
                f"{self.baseline_ms:g}"
            )
            raise Faults([Fault(("baseline_ms",), text)])
        return self


class InferenceConfig(Closed):
    """The pose network and how it is fed."""

    model: str
    """``rig`` for the one that the rig file names, ``bundled:mouse``, an ``.onnx``
    file, or a DeepLabCut export (``.pt`` file, or the folder of a TensorFlow one)."""
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
    space: SpaceConfig | None = None
    """Points in space, live."""
    skeleton: tuple[tuple[str, str], ...] = ()
    """Pairs of body parts that pictures join with a line; without any, those of
    gates.lengths. Nothing is decided by them."""
    processor: ProcessorConfig | None = None
    """A Processor that was written for DeepLabCut-Live. What it gives back is what
    gates, prediction and rules see; the pose is recorded as the network saw it."""


class TaskConfig(Closed):
    """A whole task."""

    format: Literal["springhare-task/1"]
    name: Name
    description: str = ""
    inference: InferenceConfig | None = None
    features: dict[Name, FeatureConfig] = Field(default_factory=dict)
    """What rules can ask of signals."""
    rules: tuple[RuleConfig, ...] = ()
    armed: bool = True
    """Whether fires are carried out from the start."""
    seed: int = 0
    """Of the sham draws."""
    latency_budget: LatencyBudget | None = None
    """How long the loop may take; what goes over it is recorded and said."""

    @model_validator(mode="after")
    def _consistent(self) -> TaskConfig:
        faults = [*task_faults(self.model_dump(mode="python")), *self._unmet()]
        if faults:
            raise Faults(faults)
        return self

    def _unmet(self) -> Iterator[Fault]:
        """Yield what rules ask for and the task does not have."""
        for k, rule in enumerate(self.rules):
            for path, leaf in leaves(rule.when, ("rules", k, "when")):
                if isinstance(leaf, FeatureCrosses):
                    fault = self._no_feature(leaf)
                elif is_in_space(leaf):
                    fault = self._no_space()
                else:
                    fault = self._never_seen(rule) or self._no_picture(rule, leaf)
                if fault is not None:
                    yield Fault((*path, *fault.path), fault.text)

    def _no_feature(self, leaf: FeatureCrosses) -> Fault | None:
        if leaf.feature in self.features:
            return None
        known = ", ".join(self.features) or "there is none"
        text = f"expected one of features ({known}), got {leaf.feature!r}"
        return Fault(("feature",), text)

    def _no_space(self) -> Fault | None:
        if self.inference is not None and self.inference.space is not None:
            return None
        text = (
            "expected a task with inference.space for a condition in mm, got none: add "
            "it, or use px"
        )
        return Fault((), text)

    def _never_seen(self, rule: RuleConfig) -> Fault | None:
        """Tell of a rule in space that asks for a camera which is not there."""
        space = None if self.inference is None else self.inference.space
        if self.inference is None or space is None or rule.source != IN_SPACE:
            return None
        cameras = space.cameras or self.inference.cameras
        if rule.camera is None or rule.camera in cameras:
            return None
        text = (
            f"expected a camera in space ({', '.join(cameras)}) for a condition in a "
            f"picture beside one in mm, got {rule.camera!r}: take one of them, add it "
            "to inference.space.cameras, or make two rules"
        )
        return Fault((), text)

    def _never_asked(self, rule: RuleConfig, leaf: Custom) -> Fault | None:
        """Tell of somebody's own condition that has nothing to look at."""
        if rule.camera is not None:
            return None
        if leaf.keypoints:
            text = (
                "expected a rule with a camera, or space: mm, for keypoints, got none"
            )
            return Fault(("keypoints",), text)
        if rule.source == IN_SPACE or self.features:
            return None
        text = (
            "expected a rule with a camera, space: mm, or a task with features, got "
            "none of them: it would never be asked"
        )
        return Fault((), text)

    def _no_picture(self, rule: RuleConfig, leaf: Leaf) -> Fault | None:
        if isinstance(leaf, Custom):
            return self._never_asked(rule, leaf)
        if isinstance(leaf, FeatureCrosses):
            return None
        if rule.camera is None:
            text = (
                "expected a rule with a camera for a condition in a picture, got none"
            )
            return Fault((), text)
        if leaf.points == "raw" or self._predicts:
            return None
        text = (
            f"expected a task with inference.prediction for {leaf.points} points, got "
            "none: add it (prediction: {}), or use raw"
        )
        return Fault(("points",), text)

    @property
    def _predicts(self) -> bool:
        return self.inference is not None and self.inference.prediction is not None
