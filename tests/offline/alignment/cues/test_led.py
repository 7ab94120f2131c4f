"""An LED in the picture: delays, shifts, and all that may be wrong with it."""

import numpy as np
import pytest

from offline.alignment.cues.spot import Spot, SpotReader


@pytest.fixture
def cue(cues):
    """Return what a scene's LED says; None of nothing."""
    return lambda scene, **options: cues(scene, **options).get("led")


@pytest.fixture
def no_place(scene):
    """Make a scene whose rig file does not tell of an LED."""

    def make(**options):
        made = scene(jumps=False, **options)
        del made.rig["devices"]["cam"]["led"]
        return made

    return make


def test_an_led_that_is_right(scene, cue):
    found = cue(scene())
    assert (found.level, found.stream) == ("PASS", "cameras/cam")
    assert found.against == "events/daq sync"
    assert found.shift_frames == 0
    assert abs(found.offset_ns) < 20_000
    assert abs(found.offset_frames) < 0.002
    assert found.events > 80
    assert found.sd_ns < 50_000
    assert "any other whole frame leaves" in found.words


def test_an_exposure_that_begins_late_shows_the_line_early(scene, cue):
    found = cue(scene(delay_us=1700, seconds=25))
    assert found.offset_ns == pytest.approx(-1_700_000, abs=400_000)
    assert (found.level, found.shift_frames) == ("PASS", 0)
    assert "early" in found.words


def _noted_by_triggers_alone(scene, places):
    made = scene(places_off=places)
    made.rig["devices"]["daq"]["camera_trigger"]["dither_us"] = 0
    return made


@pytest.mark.parametrize(
    ("places", "level"), [(1, "WARN"), (-1, "WARN"), (3, "FAIL"), (-4, "FAIL")]
)
def test_frames_noted_with_the_wrong_trigger(scene, cue, places, level):
    found = cue(_noted_by_triggers_alone(scene, places))
    assert found.shift_frames == places
    assert found.level == level
    assert found.offset_frames == pytest.approx(places, abs=0.2)
    assert f"{abs(places)} frame" in found.words


def test_limits_are_the_rig_files(scene, cue):
    made = _noted_by_triggers_alone(scene, 3)
    made.rig["alignment"] = {"cue_frames": {"warn": 4, "fail": 5}}
    assert cue(made).level == "WARN"


def test_lost_frames_move_nothing(scene, cue):
    found = cue(scene(lost=(0, 1, 2, *range(300, 317), 800)))
    assert (found.level, found.shift_frames) == ("PASS", 0)
    assert abs(found.offset_ns) < 20_000


def test_an_led_that_is_too_bright(scene, cue):
    found = cue(scene(light=4.0))
    assert found.shift_frames == 0
    assert "brighter than the picture can show" in found.words
    assert abs(found.offset_ns) < 50_000


def test_no_led_where_one_should_be(scene, cue):
    found = cue(scene(led_xy=None, jumps=False))
    assert (found.level, found.offset_ns, found.shift_frames) == ("WARN", None, None)
    assert "is the LED in view" in found.words


def test_an_led_that_was_moved(scene, cue):
    found = cue(scene(led_xy=(30, 38)))
    assert (found.level, found.shift_frames) == ("WARN", 0)
    assert "x_px: 30, y_px: 38" in found.words
    assert "where it is not" in found.words


def test_an_led_on_another_line(scene, cue):
    found = cue(scene(led_line="laser"))
    assert (found.level, found.against) == ("WARN", "events/daq laser")
    assert "the rig file says events/daq sync" in found.words


@pytest.mark.parametrize("period_ms", [1000, 40])
def test_a_regular_line_cannot_tell(scene, cue, period_ms):
    made = scene(jumps=False)
    made.regular(period_ms * 1_000_000)
    found = cue(made)
    assert (found.level, found.shift_frames, found.offset_ns) == ("WARN", None, None)
    assert "regular" in found.words


def test_a_line_that_never_pulsed(scene, cue):
    made = scene(jumps=False)
    made.rig["devices"]["cam"]["led"]["line"] = "laser"
    made.lines["laser"] = made.lines["laser"][:0]
    assert "no pulse in this recording" in cue(made).words


@pytest.mark.parametrize("place", [(50, 12), (5, 5), (61, 45)])
def test_an_led_that_nobody_told_of_is_found(no_place, cue, place):
    found = cue(no_place(led_xy=place))
    assert (found.level, found.shift_frames) == ("PASS", 0)
    x, y = (float(found.words.split(f"{axis}_px: ")[1].split(",")[0]) for axis in "xy")
    assert np.hypot(x - place[0], y - place[1]) < 1.5
    assert "the rig file has none" in found.words


def test_where_there_is_no_led_none_is_found(no_place, cue):
    assert cue(no_place(led_xy=None)) is None


def test_an_animal_is_no_led(scene, cue):
    made = scene(led_xy=None)
    del made.rig["devices"]["cam"]["led"]
    assert cue(made) is None


def test_some_frames_are_enough(scene, cue):
    seen = []
    found = cue(
        scene(seconds=20), most_frames=1000, progress=lambda *told: seen.append(told)
    )
    assert found.shift_frames == 0
    assert abs(found.offset_ns) < 50_000
    of_led = [told for told in seen if "LED" in told[0]]
    assert of_led[-1][1] == of_led[-1][2] <= 2000


def test_colours_and_deep_pixels():
    rng = np.random.default_rng(1)
    lit = rng.uniform(0, 1, 50)
    for shape, dtype, white in (((40, 50, 3), np.uint8, 255), ((40, 50), "u2", 4095)):
        frames = rng.integers(20, 25, (50, *shape)).astype(dtype)
        frames[:, 18:23, 28:33] += (
            (0.5 * white * lit).astype(dtype).reshape(50, *[1] * len(shape))
        )
        reader = SpotReader(Spot(30, 20, 2), shape, white)
        for first in range(0, 50, 20):
            rows = np.arange(first, min(first + 20, 50))
            reader.take(frames[rows], rows)
        levels, blinded = reader.levels()
        assert not blinded
        assert np.corrcoef(levels, lit)[0, 1] > 0.999


def test_a_spot_at_the_very_edge():
    frames = np.zeros((3, 20, 30), np.uint8)
    for x, y in ((0, 0), (29, 19), (1, 19)):
        reader = SpotReader(Spot(x, y, 4), (20, 30), 255)
        reader.take(frames, np.arange(3))
        assert reader.levels()[0].tolist() == [0, 0, 0]


def test_a_large_spot_keeps_little():
    reader = SpotReader(Spot(320, 240, 100), (480, 640), 255)
    reader.take(np.zeros((2, 480, 640), np.uint8), np.arange(2))
    assert sum(part.size for part in reader._inside) < 2 * 48**2
