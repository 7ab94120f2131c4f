"""Delays that are known are found, each by its own way; what has none is told."""

import pytest


def test_every_stream_is_measured_in_its_way(scene, measured):
    made = scene(seconds=36, delay_us=700, emg_delay_us=1234.5, jumps=False)
    made.rig["devices"]["daq"]["force_plate"]["test_pulse"] = {
        "line": "sync",
        "channel": "Fx",
    }
    found = measured(made)
    camera = found.streams["cameras/cam"]
    assert camera.method == "LED"
    assert abs(camera.delay_ns + 700_000) < 4 * camera.sd_ns < 400_000
    emg = found.streams["signals/daq/emg"]
    assert emg.method == "test pulse"
    assert abs(emg.delay_ns - 1_234_500) < 4 * emg.sd_ns < 20_000
    assert emg.count > 100
    scope = found.streams["events/scope"]
    assert (scope.method, scope.delay_ns) == ("wire", 0)
    assert scope.spread_ns < 2000
    assert found.missing.keys() == {"signals/daq/force_plate"}
    assert "does not show events/daq sync" in found.missing["signals/daq/force_plate"]
    assert found.traces.keys() == {"cameras/cam", "signals/daq/emg"}


def test_what_is_not_wired_is_told(scene, measured):
    made = scene(led_xy=None, pulse_uv=0, jumps=False)
    del made.rig["devices"]["cam"]["led"]
    made.rig["devices"]["daq"]["emg"].pop("test_pulse")
    made.rig["devices"]["scope"]["inputs"]["lines"]["sync"].pop("sync_source")
    found = measured(made)
    assert not found.streams
    assert not found.traces
    for stream, words in {
        "cameras/cam": "led: {source, line, x_px, y_px}",
        "signals/daq/emg": "test_pulse: {line, channel}",
        "signals/daq/force_plate": "test_pulse: {line, channel}",
        "events/scope": "sync_source",
    }.items():
        assert words in found.missing[stream]


def test_a_wire_that_is_not_plugged_in(scene, measured):
    found = measured(scene(pulse_uv=0, jumps=False))
    assert "Plug the wire in" in found.missing["signals/daq/emg"]


def test_pulses_in_noise(scene, measured):
    found = measured(scene(pulse_uv=150, seconds=15, emg_delay_us=500, jumps=False))
    emg = found.streams["signals/daq/emg"]
    assert abs(emg.delay_ns - 500_000) < 4 * emg.sd_ns < 200_000


def test_frames_that_are_off_by_one_are_no_latency(scene, measured):
    made = scene(places_off=1, jumps=False)
    made.rig["devices"]["daq"]["camera_trigger"]["dither_us"] = 0
    found = measured(made)
    assert "cameras/cam" not in found.streams
    assert "That is no latency" in found.missing["cameras/cam"]


@pytest.mark.parametrize("period_ms", [1000, 250])
def test_a_regular_line_measures_nothing(scene, measured, period_ms):
    made = scene(jumps=False)
    made.regular(period_ms * 1_000_000)
    found = measured(made)
    assert "cameras/cam" not in found.streams
    assert "signals/daq/emg" not in found.streams


def test_an_led_that_was_moved_is_measured_and_told(scene, measured):
    found = measured(scene(led_xy=(30, 38), jumps=False))
    assert "cameras/cam" in found.streams
    assert "where it is not" in found.remarks["cameras/cam"]


def test_a_line_of_which_nothing_was_recorded(scene, measured):
    made = scene(jumps=False)
    made.rig["devices"]["daq"]["emg"]["test_pulse"]["line"] = "laser"
    made.lines["laser"] = made.lines["laser"][:0]
    found = measured(made)
    assert "nothing was pulsed" in found.missing["signals/daq/emg"]
