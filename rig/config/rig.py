"""The rig file: what is bolted to the table, and how it is wired."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from rig.config.actuator import ActuatorConfig, ActuatorLine
from rig.config.alignment import AlignmentLimits
from rig.config.base import Closed, Faults, Fraction, Name, Positive
from rig.config.wiring import rig_faults

__all__ = [
    "ActuatorConfig",
    "ActuatorLine",
    "BarcodeConfig",
    "BaslerConfig",
    "CalibrationConfig",
    "CameraTriggerConfig",
    "Device",
    "EmgConfig",
    "EmgTestPulse",
    "ForcePlateConfig",
    "ForceTestPulse",
    "FreeRunning",
    "HardwareTrigger",
    "HarpConfig",
    "InputLine",
    "InputsConfig",
    "LedConfig",
    "LedgerLimits",
    "RigConfig",
    "SimulationConfig",
    "SoftwareTrigger",
    "SyncLineConfig",
    "Trigger",
    "VideoConfig",
]


class _Device(Closed):
    on_death: Literal["stop", "continue"] = "stop"
    """What the session does when the device's node dies: stop in order, or go on."""
    interpreter: Path | None = None
    """Python that runs the node; by default the one that runs springhare."""
    ring_seconds: Annotated[float, Field(ge=4)] = 4.0
    """Depth of the rings: how long a recorder may stall."""


class FreeRunning(Closed):
    """The camera paces itself."""

    mode: Literal["free_running"]
    rate_hz: Positive


class HardwareTrigger(Closed):
    """Each frame is asked for by an edge on one of the camera's lines."""

    mode: Literal["hardware"]
    source: Name
    """The Harp device whose camera trigger is wired to the camera."""
    line: str = "Line1"
    edge: Literal["rising", "falling"] = "rising"


class SoftwareTrigger(Closed):
    """The host triggers on each event of a Harp device's camera trigger."""

    mode: Literal["software"]
    source: Name


Trigger = Annotated[
    FreeRunning | HardwareTrigger | SoftwareTrigger, Field(discriminator="mode")
]


class CalibrationConfig(Closed):
    """Where a camera stands and how its lens bends; OpenCV's conventions."""

    focal_px: tuple[Positive, Positive]
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float] = (0, 0, 0, 0, 0)
    """k1, k2, p1, p2, k3."""
    rotation_rad: tuple[float, float, float]
    """Rodrigues vector, world to camera."""
    translation_mm: tuple[float, float, float]


class EmulatorConfig(Closed):
    """Basler's own camera emulator in place of a camera."""

    pictures: Path | None = None
    """Folder of pictures that it plays in order; its test picture without one."""


class LedConfig(Closed):
    """An LED on an output of a Harp device, and where a camera sees it."""

    source: Name
    """The Harp device that drives it."""
    line: Name
    """Its sync line, or one of its actuator's lines."""
    x_px: Annotated[float, Field(ge=0)]
    """Middle of the spot, from the left edge of the delivered picture."""
    y_px: Annotated[float, Field(ge=0)]
    """Middle of the spot, from the upper edge."""
    radius_px: Annotated[float, Field(ge=1, le=100)] = 4


class _Camera(_Device):
    width_px: Annotated[int, Field(gt=0)]
    height_px: Annotated[int, Field(gt=0)]
    calibration: CalibrationConfig | None = None


class BaslerConfig(_Camera):
    """A Basler camera, through pypylon."""

    kind: Literal["basler"]
    serial: str
    """Serial number, as printed on the camera."""
    offset_x_px: Annotated[int, Field(ge=0)] = 0
    offset_y_px: Annotated[int, Field(ge=0)] = 0
    pixel_format: Literal["Mono8", "Mono10", "Mono12", "Mono16", "RGB8"] = "Mono8"
    exposure_us: Positive = 2000
    gain_db: Annotated[float, Field(ge=0)] = 0
    pfs_file: Path | None = None
    """Camera settings saved with pylon Viewer; loaded first, then this file's."""
    output_line: str | None = None
    """Line that is high during exposure, wired to a Harp input."""
    trigger: Trigger
    led: LedConfig | None = None
    """An LED in the picture: an independent look at which frame is which."""
    emulator: EmulatorConfig | None = None
    """Given, Basler's emulator is used; null or absent on a real rig."""
    reconnect_s: Annotated[float, Field(ge=0)] = 10.0
    """How long a camera that was unplugged is waited for."""


class VideoConfig(_Camera):
    """A video file or a webcam as a camera, through PyAV."""

    kind: Literal["video"]
    source: str
    """File, or a device such as ``/dev/video0``."""
    pace: Literal["timestamps", "fastest"] = "timestamps"
    """By the file's own time stamps, or as fast as its readers can."""
    pixel_format: Literal["Mono8", "RGB8"] = "Mono8"
    rate_hz: Positive
    """Nominal rate; sizes the ring, and is checked against the file's."""
    loop: bool = False
    led: LedConfig | None = None
    """An LED in the picture."""


class _TestPulse(Closed):
    source: Name | None = None
    """The Harp device that drives the line; null: this one."""
    line: Name
    """Its sync line, or one of its actuator's lines."""
    channel: str
    """The channel that the line is wired to while latencies are calibrated."""


class EmgTestPulse(_TestPulse):
    """A wire from an output line to an EMG channel, plugged in to calibrate."""

    amplitude_uv: Positive = 2000
    """What the line adds to the channel while it is high."""


class ForceTestPulse(_TestPulse):
    """A wire from an output line to a force channel, plugged in to calibrate."""

    amplitude_mn: Positive = 2000
    """What the line adds while it is high; in mN mm on a moment's channel."""


class EmgConfig(Closed):
    """Electromyogram channels of a Harp device; int16 samples."""

    rate_hz: Positive = 2000
    channels: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    uv_per_count: Positive = 0.195
    test_pulse: EmgTestPulse | None = None


class ForcePlateConfig(Closed):
    """Force platform on a Harp device; int16 samples."""

    rate_hz: Positive = 1000
    channels: Annotated[tuple[str, ...], Field(min_length=1, max_length=6)] = (
        "Fx",
        "Fy",
        "Fz",
        "Mx",
        "My",
        "Mz",
    )
    mn_per_count: Positive = 0.5
    """Force in mN per count; moments use the same number as mN·mm per count / 100."""
    test_pulse: ForceTestPulse | None = None


class CameraTriggerConfig(Closed):
    """The train of pulses that triggers the cameras."""

    line: Name = "camera_trigger"
    rate_hz: Positive
    dither_us: Annotated[float, Field(ge=0)] = 0
    """By how much each trigger is moved at most, to and fro, from its place: 100 lets
    any two recordings of the train be aligned without doubt; 0 moves none."""


class BarcodeConfig(Closed):
    """The number that begins each period of a sync line, in bars."""

    bar_ms: Annotated[float, Field(ge=2, le=150)] = 20
    """Length of a bar: at least four periods of the slowest device that reads it."""


class SyncLineConfig(Closed):
    """An output with random pulses and barcodes, to be wired to every device."""

    line: Name = "sync"
    pulse_width_ms: Annotated[float, Field(ge=1, le=50)] = 10
    """Width of a random pulse: at least two periods of the slowest device that reads
    it, and at most half a bar."""
    period_s: Annotated[float, Field(ge=20, le=600)] = 30
    """Time from barcode to barcode; the first one begins with the session."""
    barcode: BarcodeConfig | None = BarcodeConfig()
    """Null: random pulses only."""


class InputLine(Closed):
    """A TTL input: a microscope's frame clock, an exposure-active line, a barcode."""

    pin: Annotated[int, Field(ge=0, le=15)]
    """Number of the input on the board."""
    edges: Literal["rising", "falling", "both"] = "rising"
    rate_hz: Positive | None = None
    """Nominal rate of its edges, if it has one."""
    sync_source: Name | None = None
    """The Harp device whose sync line is wired to this input."""
    exposure_of: Name | None = None
    """The camera whose output line, high during exposure, is wired to this input."""


class InputsConfig(Closed):
    """Inputs of a Harp device, by name."""

    lines: Annotated[dict[Name, InputLine], Field(min_length=1)]


class HarpConfig(_Device):
    """A Harp device: one board, one clock, any of these functions."""

    kind: Literal["harp"]
    port: str
    """Serial port, e.g. ``/dev/ttyACM0``, or ``socket://host:port``."""
    emg: EmgConfig | None = None
    force_plate: ForcePlateConfig | None = None
    camera_trigger: CameraTriggerConfig | None = None
    sync_line: SyncLineConfig | None = None
    actuator: ActuatorConfig | None = None
    inputs: InputsConfig | None = None
    acknowledge_timeout_ms: Positive = 200
    reconnect_s: Annotated[float, Field(ge=0)] = 10.0
    """How long a board that was unplugged is waited for."""


Device = Annotated[BaslerConfig | VideoConfig | HarpConfig, Field(discriminator="kind")]


class LedgerLimits(Closed):
    """When a session's verdict turns from PASS to WARN to FAIL."""

    warn_lost_fraction: Fraction = 0.0
    """More than this fraction of any stream lost: WARN."""
    fail_lost_fraction: Fraction = 0.001
    """At least this fraction of any stream lost: FAIL."""


class SimulationConfig(Closed):
    """What is simulated when the rig runs with ``--simulate``."""

    story: Literal["jump", "reach", "walk"] = "jump"
    """What the mouse does."""
    period_s: Annotated[float, Field(ge=2, le=60)] = 4.0
    """Time after which the story begins again."""
    delays_us: dict[str, Annotated[float, Field(ge=0, le=10_000)]] = Field(
        default_factory=dict
    )
    """Constant delays, for a calibration to find. Of a camera, by its name: so long
    after its stamp the exposure really begins. Of a signal, as ``daq/emg`` or
    ``daq/force_plate``: a sample shows what was so long before. Others have none."""
    calibrating: bool = False
    """Whether the wires of all test_pulse sections are plugged in."""


class RigConfig(Closed):
    """A whole rig."""

    format: Literal["springhare-rig/1"]
    name: Name
    description: str = ""
    data_root: Path
    """Where sessions are written; ``~`` is your home."""
    model: str | None = None
    """Pose network of the tasks that say ``model: rig``, named as in a task file;
    ``springhare promote`` changes it."""
    devices: Annotated[dict[Name, Device], Field(min_length=1)]
    simulation: SimulationConfig = SimulationConfig()
    ledger: LedgerLimits = LedgerLimits()
    alignment: AlignmentLimits = AlignmentLimits()
    """When `springhare align` warns, and when it fails."""
    segment_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Length of one segment file of a stream."""
    realtime: dict[Name, Annotated[int, Field(ge=1, le=80)]] = Field(
        default_factory=dict
    )
    """Real-time priority (SCHED_FIFO) by node: a device, ``inference``, ``recorder``. A
    node goes before all with a lower one or none: give devices more than inference,
    which computes for long."""

    @model_validator(mode="after")
    def _wired(self) -> RigConfig:
        if faults := rig_faults(self.model_dump(mode="python")):
            raise Faults(faults)
        return self

    @property
    def cameras(self) -> dict[str, BaslerConfig | VideoConfig]:
        """The cameras, by name."""
        return {
            name: device
            for name, device in self.devices.items()
            if not isinstance(device, HarpConfig)
        }

    @property
    def harp_devices(self) -> dict[str, HarpConfig]:
        """The Harp devices, by name."""
        return {
            name: device
            for name, device in self.devices.items()
            if isinstance(device, HarpConfig)
        }

    @property
    def trigger_sources(self) -> dict[str, HarpConfig]:
        """The Harp devices that trigger cameras."""
        return {
            name: device
            for name, device in self.harp_devices.items()
            if device.camera_trigger is not None
        }

    @property
    def actuator(self) -> tuple[str, ActuatorConfig] | None:
        """The device that owns the actuator lines, and what they are."""
        for name, device in self.harp_devices.items():
            if device.actuator is not None:
                return name, device.actuator
        return None

    @property
    def signals(self) -> dict[str, tuple[str, ...]]:
        """The channels of each signal, by ``device/signal``."""
        return {
            f"{name}/{signal}": config.channels
            for name, device in self.harp_devices.items()
            for signal, config in (
                ("emg", device.emg),
                ("force_plate", device.force_plate),
            )
            if config is not None
        }

    def camera_rate_hz(self, name: str) -> float:
        """Return a camera's nominal rate, its trigger's where it is triggered."""
        camera = self.cameras[name]
        if isinstance(camera, VideoConfig):
            return camera.rate_hz
        if isinstance(camera.trigger, FreeRunning):
            return camera.trigger.rate_hz
        trigger = self.harp_devices[camera.trigger.source].camera_trigger
        return trigger.rate_hz if trigger else 0.0
