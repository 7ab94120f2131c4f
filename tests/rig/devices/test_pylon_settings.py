"""Settings on node maps that the emulator has not: older and newer models."""

import pytest

from rig.config.rig import BaslerConfig
from rig.devices.pylon_settings import (
    apply_settings,
    exposure_us,
    settings_of,
    too_slow,
)
from rig.errors import DeviceError


class FakeFeatures:
    """A node map: values, choices, steps; what is not in it the model has not."""

    def __init__(self, values, choices=None, steps=None):
        self.values = dict(values)
        self.enums = choices or {}
        self.steps = steps or {}
        self.written = []

    def has(self, name):
        return name in self.values

    def get(self, name):
        return self.values[name]

    def set(self, name, value):
        if name in self.enums and value not in self.enums[name]:
            raise DeviceError(f"{value!r} is none of its values")
        self.written.append((name, value))
        step = self.steps.get(name, 0)
        self.values[name] = value - value % step if step else value

    def choices(self, name):
        return self.enums.get(name, ())


OLD_GIGE = {
    "Width": 640,
    "Height": 480,
    "OffsetX": 4,
    "OffsetY": 0,
    "PixelFormat": "Mono8",
    "ExposureAuto": "Continuous",
    "ExposureTimeAbs": 10000.0,
    "GainAuto": "Continuous",
    "GainRaw": 300,
    "LineSelector": "Line1",
    "LineSource": "UserOutput",
    "TriggerSelector": "FrameStart",
    "TriggerMode": "On",
    "TriggerSource": "Line1",
    "TriggerActivation": "FallingEdge",
    "AcquisitionFrameRateEnable": False,
    "AcquisitionFrameRateAbs": 30.0,
    "ResultingFrameRateAbs": 90.0,
}
CHOICES = {
    "PixelFormat": ("Mono8", "RGB8Packed"),
    "TriggerSelector": ("AcquisitionStart", "FrameStart"),
    "LineSelector": ("Line1", "Out1"),
}


def config(**changes):
    fields = {
        "kind": "basler",
        "serial": "1",
        "width_px": 600,
        "height_px": 400,
        "trigger": {"mode": "hardware", "source": "daq", "line": "Line1"},
    }
    return BaslerConfig.model_validate(fields | changes)


@pytest.fixture
def camera():
    return FakeFeatures(OLD_GIGE, CHOICES, {"ExposureTimeAbs": 7.0, "Width": 8})


def apply(camera, rate_hz=50.0, **changes):
    wanted = config(**changes)
    return apply_settings(camera, settings_of(wanted, rate_hz, camera))


def test_an_older_model_is_set_by_its_own_names(camera):
    assert apply(camera, pixel_format="RGB8", output_line="Out1") == []
    wanted = {
        "Width": 600,
        "Height": 400,
        "OffsetX": 0,
        "PixelFormat": "RGB8Packed",
        "ExposureAuto": "Off",
        "GainAuto": "Off",
        "LineSelector": "Out1",
        "LineSource": "ExposureActive",
        "TriggerSelector": "FrameStart",
        "TriggerMode": "On",
        "TriggerSource": "Line1",
        "TriggerActivation": "RisingEdge",
        "AcquisitionFrameRateEnable": False,
    }
    assert {name: camera.get(name) for name in wanted} == wanted
    assert exposure_us(camera) == pytest.approx(2000, abs=7)


def test_offsets_make_room_before_the_size_is_set(camera):
    apply(camera, offset_x_px=40)
    order = [name for name, _ in camera.written if name in {"OffsetX", "Width"}]
    assert order == ["OffsetX", "Width", "OffsetX"]
    assert camera.get("OffsetX") == 40


def test_other_triggers_are_switched_off(camera):
    apply(camera)
    pairs = [pair for pair in camera.written if pair[0].startswith("TriggerSel")]
    assert pairs == [
        ("TriggerSelector", "AcquisitionStart"),
        ("TriggerSelector", "FrameStart"),
    ]
    modes = [value for name, value in camera.written if name == "TriggerMode"]
    assert modes == ["Off", "On"]


def test_paces_itself(camera):
    trigger = {"mode": "free_running", "rate_hz": 50}
    assert apply(camera, trigger=trigger) == []
    assert camera.get("TriggerMode") == "Off"
    assert camera.get("AcquisitionFrameRateEnable") is True
    assert camera.get("AcquisitionFrameRateAbs") == 50.0


def test_every_fault_is_told_with_a_remedy(camera):
    faults = apply(
        camera, width_px=601, gain_db=3, pixel_format="Mono12", output_line="Line9"
    )
    text = "\n".join(faults)
    assert len(faults) == 4
    assert "Width: expected 601, got 600: set width_px to" in text
    assert "Gain: expected 3.0, got no such feature: set gain_db to" in text
    assert "set pixel_format to one of Mono8, RGB8Packed" in text
    assert "LineSelector: expected Line9" in text


def test_gain_of_0_needs_no_gain_in_db(camera):
    assert apply(camera, gain_db=0) == []
    assert camera.get("GainRaw") == 300


def test_a_rate_that_the_camera_cannot_keep(camera):
    assert too_slow(camera, 90.5) == []
    (fault,) = too_slow(camera, 100.0)
    assert "ResultingFrameRateAbs: expected at least 100 Hz, got 90" in fault
    assert too_slow(FakeFeatures({}), 1e6) == []
