"""What a Basler camera is told, and whether it listened.

Models differ in the names of their features, in what they have at all, and in how
they round: each setting names its candidates, is written where it can be, read back
and compared, and all that does not agree is reported together. A feature's name is
the one of the camera's own node map; nothing here needs pypylon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rig.config.rig import FreeRunning, HardwareTrigger
from rig.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rig.config.rig import BaslerConfig

    Value = str | int | float | bool

__all__ = [
    "Features",
    "Setting",
    "apply_settings",
    "exposure_us",
    "settings_of",
    "too_slow",
]

_FORMATS = {"RGB8": ("RGB8", "RGB8Packed")}
_EDGES = {"rising": "RisingEdge", "falling": "FallingEdge"}
_EXPOSURES = ("ExposureTime", "ExposureTimeAbs")
_RESULTING = (
    "BslResultingAcquisitionFrameRate",
    "ResultingFrameRate",
    "ResultingFrameRateAbs",
)
_SLACK = 0.01


class Features(Protocol):
    """A camera's node map."""

    def has(self, name: str) -> bool:
        """Tell whether the camera has a feature now."""
        ...

    def get(self, name: str) -> Value:
        """Return a feature's value.

        Raises
        ------
        DeviceError
            If it cannot be read.
        """
        ...

    def set(self, name: str, value: Value) -> None:
        """Write a feature.

        Raises
        ------
        DeviceError
            If the camera refuses it.
        """
        ...

    def choices(self, name: str) -> Sequence[str]:
        """Return what an enumeration can be; empty where it is none."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that a camera is told."""

    names: tuple[str, ...]
    """Names of the feature; every one that the model has is written."""
    value: Value
    remedy: str
    """What the user can do where the camera does not follow."""
    tolerance: float = 0.0
    """By how much what is read may differ."""
    needed: bool = True
    """Whether a model without the feature is a fault."""


def settings_of(
    config: BaslerConfig, rate_hz: float, features: Features
) -> list[Setting]:
    """Return all that a rig file wants of a camera, in the order to be written."""
    return [
        *_region(config),
        _pixel_format(config, features),
        *_light(config),
        *_output_line(config),
        *_trigger(config, rate_hz, features),
    ]


def apply_settings(features: Features, settings: Sequence[Setting]) -> list[str]:
    """Write settings, read them back, and return each fault in words."""
    faults: list[str] = []
    for setting in settings:
        faults.extend(_write(features, setting))
    return faults


def exposure_us(features: Features) -> float:
    """Return the length of an exposure as the camera has it.

    Basler's emulator has two, of which the older one paces it.
    """
    found = [float(features.get(name)) for name in _EXPOSURES if features.has(name)]
    return found[-1] if found else 0.0


def too_slow(features: Features, rate_hz: float) -> list[str]:
    """Return the fault of a camera that cannot keep up with a rate."""
    for name in _RESULTING:
        if features.has(name):
            most = float(features.get(name))
            if most < rate_hz * (1 - _SLACK):
                return [
                    f"{name}: expected at least {rate_hz:g} Hz, got {most:g}: shorten "
                    "exposure_us, lower height_px, or lower the trigger's rate_hz"
                ]
            return []
    return []


def _region(config: BaslerConfig) -> Iterator[Setting]:
    yield Setting(("OffsetX",), 0, "set offset_x_px to 0", needed=False)
    yield Setting(("OffsetY",), 0, "set offset_y_px to 0", needed=False)
    for names, value, key in (
        ("Width", config.width_px, "width_px"),
        ("Height", config.height_px, "height_px"),
        ("OffsetX", config.offset_x_px, "offset_x_px"),
        ("OffsetY", config.offset_y_px, "offset_y_px"),
    ):
        remedy = f"set {key} to what the model's sensor and its steps allow"
        yield Setting((names,), value, remedy, needed=value != 0)


def _pixel_format(config: BaslerConfig, features: Features) -> Setting:
    wanted = _FORMATS.get(config.pixel_format, (config.pixel_format,))
    offered = features.choices("PixelFormat")
    found = next((name for name in wanted if name in offered), wanted[0])
    remedy = f"set pixel_format to one of {', '.join(offered) or 'the model'}"
    return Setting(("PixelFormat",), found, remedy)


def _light(config: BaslerConfig) -> Iterator[Setting]:
    for name in ("ExposureAuto", "GainAuto"):
        yield Setting((name,), "Off", "switch it off in the pfs_file", needed=False)
    yield Setting(("ExposureMode",), "Timed", "mend the pfs_file", needed=False)
    yield Setting(
        _EXPOSURES,
        config.exposure_us,
        "set exposure_us to what the model allows",
        tolerance=max(_SLACK * config.exposure_us, 1.0),
    )
    yield Setting(
        ("Gain",),
        config.gain_db,
        "set gain_db to what the model allows, or to 0 and use a pfs_file",
        tolerance=0.1,
        needed=config.gain_db > 0,
    )


def _output_line(config: BaslerConfig) -> Iterator[Setting]:
    if config.output_line is None:
        return
    remedy = "set output_line to a line of the model that can be an output, or to null"
    yield Setting(("LineSelector",), config.output_line, remedy)
    yield Setting(("LineMode",), "Output", remedy, needed=False)
    yield Setting(("LineSource",), "ExposureActive", remedy)


def _trigger(
    config: BaslerConfig, rate_hz: float, features: Features
) -> Iterator[Setting]:
    trigger = config.trigger
    remedy = "set the camera's trigger to what the model allows"
    for selector in features.choices("TriggerSelector"):
        if selector != "FrameStart":
            yield Setting(("TriggerSelector",), selector, remedy)
            yield Setting(("TriggerMode",), "Off", remedy)
    yield Setting(("TriggerSelector",), "FrameStart", remedy)
    if isinstance(trigger, FreeRunning):
        yield Setting(("TriggerMode",), "Off", remedy)
        yield Setting(("AcquisitionFrameRateEnable",), True, remedy, needed=False)
        yield Setting(
            ("AcquisitionFrameRate", "AcquisitionFrameRateAbs"),
            rate_hz,
            "set trigger.rate_hz to what the model allows",
            tolerance=_SLACK * rate_hz,
        )
        return
    yield Setting(("AcquisitionFrameRateEnable",), False, remedy, needed=False)
    yield Setting(("TriggerMode",), "On", remedy)
    if isinstance(trigger, HardwareTrigger):
        yield Setting(("TriggerSource",), trigger.line, remedy)
        yield Setting(("TriggerActivation",), _EDGES[trigger.edge], remedy)
    else:
        yield Setting(("TriggerSource",), "Software", remedy)


def _write(features: Features, setting: Setting) -> Iterator[str]:
    present = [name for name in setting.names if features.has(name)]
    if not present and setting.needed:
        names = " or ".join(setting.names)
        yield f"{names}: expected {setting.value}, got no such feature: " + (
            setting.remedy
        )
    for name in present:
        got: Value
        try:
            features.set(name, setting.value)
            got = features.get(name)
        except DeviceError as error:
            yield f"{name}: expected {setting.value}, got {error}: {setting.remedy}"
            continue
        if not _agree(setting, got):
            yield f"{name}: expected {setting.value}, got {got}: {setting.remedy}"


def _agree(setting: Setting, got: Value) -> bool:
    wanted = setting.value
    if isinstance(wanted, str) or isinstance(got, str):
        return got == wanted
    return abs(got - wanted) <= setting.tolerance
