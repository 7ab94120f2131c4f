"""What there is to be shown of a session: told by its configs and its streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rig.config.rig import HarpConfig, RigConfig
from rig.config.rules import Enters, leaves
from rig.config.task import TaskConfig
from rig.monitor.rule_signals import RuleSignal, rule_signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rig.messages import StreamSpec
    from rig.recording.sidecar import SessionInfo

__all__ = [
    "PulseLine",
    "Region",
    "Shown",
    "ShownCamera",
    "ShownSignal",
    "Threshold",
    "shown_of",
]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture that a rule asks about."""

    rule: str
    corners_px: tuple[tuple[float, float], ...]
    text: str
    """What enters it."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line in the picture that a keypoint crosses."""

    rule: str
    axis: str
    """x or y: the coordinate that the line is a value of."""
    at_px: float
    text: str


@dataclass(frozen=True, slots=True)
class ShownCamera:
    """A camera and what is drawn over its picture."""

    name: str
    width_px: int
    height_px: int
    rate_hz: float
    bodyparts: tuple[str, ...] = ()
    """Empty where no network looks at it."""
    bones: tuple[tuple[int, int], ...] = ()
    """Pairs of body parts, by number, that a line joins."""
    crop_px: tuple[int, int, int, int] | None = None
    """x0, y0, x1, y1 of the fixed part that the network sees."""
    regions: tuple[Region, ...] = ()
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownSignal:
    """A signal of a board."""

    name: str
    """``daq/emg``."""
    kind: str
    """``emg`` or ``force_plate``."""
    channels: tuple[str, ...]
    units: tuple[str, ...]
    scale: tuple[float, ...]
    """Units per count, by channel."""
    rate_hz: float
    """Samples per second."""

    @property
    def stream(self) -> str:
        """Name of its stream."""
        return f"signals/{self.name}"


@dataclass(frozen=True, slots=True)
class PulseLine:
    """A TTL input with a rate of its own, such as a microscope's frame clock."""

    device: str
    line: str
    rate_hz: float


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a window can show of a session."""

    session_id: str
    subject: str
    task: str
    started_host_ns: int
    rig: RigConfig | None
    plan: TaskConfig | None
    """The task file."""
    streams: Mapping[str, StreamSpec]
    cameras: tuple[ShownCamera, ...]
    signals: tuple[ShownSignal, ...]
    pulses: tuple[PulseLine, ...]
    rules: tuple[RuleSignal, ...]
    """What the rules hold against their thresholds."""
    space_bodyparts: tuple[str, ...] = ()
    """Of points in space; empty where there are none."""

    def camera(self, name: str) -> ShownCamera:
        """Return a camera by its name."""
        return next(camera for camera in self.cameras if camera.name == name)

    def signal(self, name: str) -> ShownSignal:
        """Return a signal by its name."""
        return next(signal for signal in self.signals if signal.name == name)

    @property
    def bones_in_space(self) -> tuple[tuple[int, int], ...]:
        """Pairs of body parts in space that a line joins."""
        return _bones(self.plan, self.space_bodyparts)


def shown_of(info: SessionInfo, streams: Iterable[StreamSpec]) -> Shown:
    """Return what can be shown of a session.

    Parameters
    ----------
    info
        The session's sidecar, with the configs as they were used.
    streams
        Descriptions of the streams that there are.
    """
    by_name = {spec.name: spec for spec in streams}
    rig = RigConfig.model_validate(info.configs.rig) if info.configs.rig else None
    task = TaskConfig.model_validate(info.configs.task) if info.configs.task else None
    space = by_name.get("points/space")
    return Shown(
        session_id=info.session_id,
        subject=info.subject,
        task=info.task,
        started_host_ns=info.started_host_ns,
        rig=rig,
        plan=task,
        streams=by_name,
        cameras=tuple(
            _camera(spec, by_name, task)
            for spec in by_name.values()
            if spec.kind == "frames"
        ),
        signals=tuple(
            _signal(spec) for spec in by_name.values() if spec.kind == "samples"
        ),
        pulses=tuple(_pulses(rig)),
        rules=tuple(rule_signals(task)) if task else (),
        space_bodyparts=() if space is None else _words(space, "bodyparts"),
    )


def _camera(
    spec: StreamSpec, streams: Mapping[str, StreamSpec], task: TaskConfig | None
) -> ShownCamera:
    name = spec.name.removeprefix("cameras/")
    height, width, *_ = spec.payload.shape if spec.payload else (0, 0)
    poses = streams.get(f"poses/{name}")
    bodyparts = () if poses is None else _words(poses, "bodyparts")
    crop: Any = poses.attributes.get("crop_px") if poses else None
    return ShownCamera(
        name=name,
        width_px=width,
        height_px=height,
        rate_hz=spec.rate_hz or 0.0,
        bodyparts=bodyparts,
        bones=_bones(task, bodyparts),
        crop_px=None if crop is None else (crop[0], crop[1], crop[2], crop[3]),
        regions=tuple(_regions(task, name)),
        thresholds=tuple(_thresholds(task, name)),
    )


def _signal(spec: StreamSpec) -> ShownSignal:
    scale: Any = spec.attributes.get("scale", ())
    name = spec.name.removeprefix("signals/")
    return ShownSignal(
        name=name,
        kind=name.rpartition("/")[2],
        channels=_words(spec, "channels"),
        units=_words(spec, "units"),
        scale=tuple(float(value) for value in scale),
        rate_hz=_number(spec, "rate_hz"),
    )


def _pulses(rig: RigConfig | None) -> Iterable[PulseLine]:
    for name, device in rig.devices.items() if rig else ():
        if isinstance(device, HarpConfig) and device.inputs is not None:
            for line, config in device.inputs.lines.items():
                if config.rate_hz is not None:
                    yield PulseLine(name, line, config.rate_hz)


def _bones(
    task: TaskConfig | None, bodyparts: Sequence[str]
) -> tuple[tuple[int, int], ...]:
    """Return the skeleton: the task's, or the lengths that its gates know."""
    inference = task.inference if task else None
    if inference is None:
        return ()
    pairs = inference.skeleton
    if not pairs and inference.gates is not None:
        pairs = tuple(length.between for length in inference.gates.lengths)
    known = {part: k for k, part in enumerate(bodyparts)}
    return tuple(
        (known[one], known[other])
        for one, other in pairs
        if one in known and other in known
    )


def _regions(task: TaskConfig | None, camera: str) -> Iterable[Region]:
    for rule in task.rules if task else ():
        if rule.camera != camera:
            continue
        for _, leaf in leaves(rule.when):
            if isinstance(leaf, Enters):
                text = f"{rule.name}: {leaf.keypoint} enters"
                yield Region(rule.name, _corners(leaf), text)


def _corners(leaf: Enters) -> tuple[tuple[float, float], ...]:
    if leaf.polygon_px is not None:
        return leaf.polygon_px
    x0, y0, x1, y1 = leaf.bounds_px
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def _thresholds(task: TaskConfig | None, camera: str) -> Iterable[Threshold]:
    """Return the lines that lie in a picture: of coordinates, not of differences."""
    for signal in rule_signals(task) if task else ():
        if signal.camera == camera and signal.line_axis:
            yield Threshold(
                signal.rule, signal.line_axis, signal.threshold, signal.text
            )


def _number(spec: StreamSpec, name: str) -> float:
    found: Any = spec.attributes.get(name, 0.0)
    return float(found)


def _words(spec: StreamSpec, name: str) -> tuple[str, ...]:
    found: Any = spec.attributes.get(name, ())
    return tuple(str(word) for word in found)
