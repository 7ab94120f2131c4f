"""What must fit between the rig, the task and the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rig.config.base import Fault
from rig.config.nearest import nearest
from rig.config.rules import Crosses, Enters, leaves
from rig.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rig.config.actuator import ActuatorConfig
    from rig.config.fault_script import FaultScript
    from rig.config.rig import RigConfig
    from rig.config.rules import Action, Leaf, RuleConfig
    from rig.config.session import SessionConfig
    from rig.config.task import FeatureConfig, InferenceConfig, SpaceConfig, TaskConfig

__all__ = [
    "RIG_MODEL",
    "Place",
    "action_faults",
    "check_script",
    "check_together",
    "together_faults",
    "with_rig_model",
]

RIG_MODEL = "rig"
"""What a task says whose model is the rig's."""

_LARGEST = 2**32 - 1
"""The board takes no greater number."""

Place = Literal["rig", "task", "session"]
"""In which file a fault is to be mended."""


def check_together(rig: RigConfig, task: TaskConfig, session: SessionConfig) -> None:
    """Check that a rig, a task and a session fit together.

    Raises
    ------
    ConfigError
        With everything that does not fit.
    """
    faults = together_faults(rig, task, session)
    if faults:
        raise ConfigError("\n".join(f"{place}: {fault}" for place, fault in faults))


def with_rig_model(rig: RigConfig, task: TaskConfig) -> TaskConfig:
    """Return a task with the rig's model where it asks for that; else as it is."""
    inference = task.inference
    if inference is None or inference.model != RIG_MODEL or rig.model is None:
        return task
    named = inference.model_copy(update={"model": rig.model})
    return task.model_copy(update={"inference": named})


def check_script(rig: RigConfig, script: FaultScript) -> None:
    """Check that a script of faults strikes what is there.

    Raises
    ------
    ConfigError
        With every device of the script that the rig does not have, and every key.
    """
    known = [*rig.devices, "recorder", "inference"]
    name, actuator = rig.actuator or ("", None)
    keyed = [name] if actuator is not None and actuator.arm_line else []
    faults = [
        Fault(
            ("faults", k, "device"), f"expected a device{_known(entry.device, known)}"
        )
        for k, entry in enumerate(script.faults)
        if entry.device not in known
    ]
    faults += [
        Fault(
            ("faults", k, "device"),
            f"expected a device with an arm_line{_known(entry.device, keyed)}",
        )
        for k, entry in enumerate(script.faults)
        if entry.fault == "key_off" and entry.device not in keyed
    ]
    if faults:
        raise ConfigError("\n".join(str(fault) for fault in faults))


def together_faults(
    rig: RigConfig,
    task: TaskConfig,
    session: SessionConfig,
) -> list[tuple[Place, Fault]]:
    """Return what does not fit, with the file in which to mend it."""
    faults: list[Fault] = []
    task = with_rig_model(rig, task)
    if task.inference is not None:
        faults += _inference(rig, task.inference)
        if task.inference.space is not None:
            faults += _space(rig, task.inference, task.inference.space)
    for name, feature in task.features.items():
        faults += _feature(rig, ("features", name), feature)
    for k, rule in enumerate(task.rules):
        faults += _action(rig, ("rules", k, "action"), rule.action)
        faults += _picture(rig, ("rules", k, "when"), rule)
    return [("task", fault) for fault in faults]


def _inference(rig: RigConfig, inference: InferenceConfig) -> Iterator[Fault]:
    for k, name in enumerate(inference.cameras):
        path = ("inference", "cameras", k)
        camera = rig.cameras.get(name)
        if camera is None:
            yield Fault(
                path, f"expected a camera of the rig{_known(name, rig.cameras)}"
            )
        elif camera.pixel_format not in {"Mono8", "RGB8"}:
            yield Fault(
                path,
                f"expected a camera of 8 bit pictures (Mono8 or RGB8), got "
                f"{camera.pixel_format}: change pixel_format of {name} in the rig file",
            )
        elif inference.crop_px is not None:
            yield from _crop(inference.crop_px, name, camera.width_px, camera.height_px)
    yield from _engine(inference)


def _crop(
    crop_px: tuple[int, int, int, int], name: str, width_px: int, height_px: int
) -> Iterator[Fault]:
    x0, y0, x1, y1 = crop_px
    if x0 < 0 or y0 < 0 or x1 > width_px or y1 > height_px:
        yield Fault(
            ("inference", "crop_px"),
            f"expected a part of {name}'s {width_px} x {height_px} px, got "
            f"{list(crop_px)}",
        )


def _engine(inference: InferenceConfig) -> Iterator[Fault]:
    model = inference.model
    if model == RIG_MODEL:
        yield Fault(
            ("inference", "model"),
            "expected a rig with a model, got one without: give the rig file `model: "
            "bundled:mouse`, or springhare promote MODEL --rig RIG --task TASK",
        )
        return
    if model.startswith("bundled:") or model.endswith(".onnx"):
        fitting = ("onnx",)
    elif model.endswith(".pt"):
        fitting = ("torch", "dlclive")
    else:
        fitting = ("dlclive",)
    if inference.engine not in fitting:
        yield Fault(
            ("inference", "engine"),
            f"expected {' or '.join(fitting)} for the model {model!r}, got "
            f"{inference.engine}",
        )


def _action(
    rig: RigConfig, path: tuple[str | int, ...], action: Action
) -> Iterator[Fault]:
    if rig.actuator is None:
        yield Fault(
            (*path, "line"),
            f"expected a rig with an actuator, got {rig.name}, which has none: give "
            "one of its harp devices an actuator section, or remove the rule",
        )
        return
    yield from action_faults(rig.actuator[1], path, action)


def action_faults(
    actuator: ActuatorConfig, path: tuple[str | int, ...], action: Action
) -> Iterator[Fault]:
    """Yield in advance what the firmware would refuse.

    Parameters
    ----------
    actuator
        The rig's.
    path, action
        Where the action stands, and what it asks for.
    """
    line = actuator.lines.get(action.line)
    if line is None:
        known = _known(action.line, actuator.lines)
        yield Fault((*path, "line"), f"expected an actuator line of the rig{known}")
        return
    if action.pulse_width_us > line.max_width_us:
        yield Fault(
            (*path, "pulse_width_us"),
            f"expected at most {line.max_width_us} us on {action.line} (max_width_us "
            f"in the rig file), got {action.pulse_width_us}",
        )
    for key in ("count", "period_us"):
        if (value := getattr(action, key)) > _LARGEST:
            yield Fault((*path, key), f"expected at most {_LARGEST}, got {value}")
    if action.count == 1:
        return
    if (rate_hz := 1e6 / action.period_us) > line.max_rate_hz:
        yield Fault(
            (*path, "period_us"),
            f"expected at most {line.max_rate_hz:g} Hz on {action.line} (max_rate_hz "
            f"in the rig file), got {rate_hz:g} Hz",
        )
    if (duty := action.pulse_width_us / action.period_us) > line.max_duty:
        yield Fault(
            (*path, "pulse_width_us"),
            f"expected a duty of at most {line.max_duty:g} on {action.line} (max_duty "
            f"in the rig file), got {duty:.3g}: shorten the pulse, lengthen the period",
        )


def _picture(
    rig: RigConfig, path: tuple[str | int, ...], rule: RuleConfig
) -> Iterator[Fault]:
    """Tell of a rule that looks outside the picture: it could never fire."""
    camera = rig.cameras.get(rule.camera or "")
    if camera is None:
        return
    size = (camera.width_px, camera.height_px)
    for place, leaf in leaves(rule.when, path):
        yield from _inside(f"{rule.camera}'s", size, place, leaf)


def _inside(
    whose: str, size: tuple[int, int], path: tuple[str | int, ...], leaf: Leaf
) -> Iterator[Fault]:
    width_px, height_px = size
    if (
        isinstance(leaf, Crosses)
        and leaf.minus is None
        and leaf.threshold_px is not None
    ):
        extent = width_px if leaf.axis == "x" else height_px
        if not 0 < leaf.threshold_px < extent:
            yield Fault(
                (*path, "threshold_px"),
                f"expected a line inside {whose} picture (0 to {extent} px in "
                f"{leaf.axis}), got {leaf.threshold_px:g}",
            )
    if not isinstance(leaf, Enters):
        return
    key = "region_px" if leaf.polygon_px is None else "polygon_px"
    x0, y0, x1, y1 = leaf.bounds_px
    if x1 <= 0 or y1 <= 0 or x0 >= width_px or y0 >= height_px:
        yield Fault(
            (*path, key),
            f"expected a region inside {whose} {width_px} x {height_px} px, got "
            f"{list(getattr(leaf, key))}",
        )


def _feature(
    rig: RigConfig, path: tuple[str | int, ...], feature: FeatureConfig
) -> Iterator[Fault]:
    """Tell of a feature of a signal or channel that the rig does not have."""
    signals = dict(rig.signals)
    channels = signals.get(feature.stream)
    if channels is None:
        known = _known(feature.stream, signals)
        yield Fault((*path, "stream"), f"expected a signal of the rig{known}")
        return
    for k, channel in enumerate(feature.channels):
        if channel not in channels:
            text = f"expected a channel of {feature.stream}{_known(channel, channels)}"
            yield Fault((*path, "channels", k), text)


def _space(
    rig: RigConfig, inference: InferenceConfig, space: SpaceConfig
) -> Iterator[Fault]:
    """Tell of cameras in space that nothing looks through, or that are alone."""
    path = ("inference", "space")
    for k, name in enumerate(space.cameras or ()):
        if name not in inference.cameras:
            known = _known(name, inference.cameras)
            yield Fault((*path, "cameras", k), f"expected one of the task's{known}")
    for name in space.cameras or inference.cameras:
        camera = rig.cameras.get(name)
        if space.calibration is None and camera and camera.calibration is None:
            text = (
                f"expected a file, or a calibration of {name} in the rig file, got "
                "neither"
            )
            yield Fault((*path, "calibration"), text)
    if len(space.cameras or inference.cameras) < 2:
        text = "expected two cameras or more in inference.cameras, got one"
        yield Fault(path, text)


def _known(name: str, names: Iterable[str]) -> str:
    names = list(names)
    close = nearest(name, names)
    hint = f": did you mean {close}?" if close else ""
    return f" ({', '.join(names) or 'it has none'}), got {name!r}{hint}"
