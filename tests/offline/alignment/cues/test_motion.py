"""Motion against force: no LED is needed, and nothing is said that is not so."""

import numpy as np
import pytest


@pytest.fixture
def cue(cues):
    """Return what a scene's motion says; None of nothing."""
    return lambda scene, **options: cues(scene, **options).get("motion")


def _without_led(scene, **options):
    made = scene(led_xy=None, seconds=18, **options)
    del made.rig["devices"]["cam"]["led"]
    return made


def test_motion_goes_with_force(scene, cue):
    found = cue(_without_led(scene))
    assert (found.level, found.shift_frames) == ("PASS", 0)
    assert found.against == "signals/daq/force_plate"
    assert abs(found.offset_frames) < 0.2
    assert found.sd_ns < 2_000_000
    assert found.events >= 3


@pytest.mark.parametrize("places", [2, -3])
def test_frames_that_are_off_are_seen(scene, cue, places):
    made = _without_led(scene, places_off=places)
    made.rig["devices"]["daq"]["camera_trigger"]["dither_us"] = 0
    found = cue(made)
    assert found.shift_frames == places
    assert found.level == "WARN"
    assert "let an LED" in found.words


def test_lost_frames_do_not_matter(scene, cue):
    lost = tuple(np.random.default_rng(1).integers(0, 1700, 40).tolist())
    found = cue(_without_led(scene, lost=lost))
    assert found.shift_frames == 0
    assert abs(found.offset_frames) < 0.3


def test_an_animal_that_sits_still_says_nothing(scene, cue):
    found = cue(_without_led(scene, jumps=False))
    assert (found.level, found.offset_ns, found.shift_frames) == ("PASS", None, None)
    assert "says nothing" in found.words


def test_the_led_is_no_motion(scene, cue):
    found = cue(scene(seconds=18, light=1.5))
    assert abs(found.offset_frames) < 0.2


def test_another_signal_is_taken_where_there_is_no_force_plate(scene, cue):
    made = _without_led(scene)
    del made.rig["devices"]["daq"]["force_plate"]
    found = cue(made)
    assert found.against == "signals/daq/emg"
    # noise and test pulses go with no motion
    assert found.offset_ns is None


def test_without_any_signal_there_is_no_cue(scene, cue):
    made = _without_led(scene)
    del made.rig["devices"]["daq"]["force_plate"]
    del made.rig["devices"]["daq"]["emg"]
    assert cue(made) is None


def test_some_windows_are_enough(scene, cue):
    found = cue(_without_led(scene), most_frames=1500)
    assert found.shift_frames == 0
    assert 3 <= found.events <= 3 + 1
