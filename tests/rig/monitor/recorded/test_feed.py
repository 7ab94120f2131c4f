import h5py
import numpy as np
import pytest

from rig.bus.directory import StreamDirectory
from rig.errors import SessionError, VersionError
from rig.monitor.health import HEADINGS, Level
from rig.monitor.recorded import RecordedFeed, paging
from rig.recording.reader import Recording
from sync.clock import ManualClock

EXACT_S = 1e-9


@pytest.fixture
def clock():
    return ManualClock(7)


@pytest.fixture(params=[paging.PAGE_ROWS, 16])
def feed(small_session, clock, request, monkeypatch):
    """The small session; in pages that it does not fill, and in many."""
    monkeypatch.setattr(paging, "PAGE_ROWS", request.param)
    feed = RecordedFeed(small_session, clock)
    yield feed
    feed.close()


def test_it_begins_with_the_first_picture_and_ends_with_the_last_row(feed, known):
    assert feed.now_s == pytest.approx(known.exposed_s(0))
    assert feed.end_s == pytest.approx(known.exposed_s(299) + 0.008)


@pytest.mark.parametrize("number", [0, 1, 57, 119, 120, 200, 294])
def test_each_frame_is_shown_with_its_own_keypoints(feed, known, number):
    frame_id = int(known.frame_ids[number])
    feed.seek(float(known.exposed_s(frame_id)) + 0.004)
    look = feed.look("left")
    assert look.frame_id == frame_id
    assert look.exposed_s == pytest.approx(known.exposed_s(frame_id), abs=EXACT_S)
    np.testing.assert_array_equal(look.picture, known.picture(frame_id))
    np.testing.assert_array_equal(look.keypoints, known.keypoints(frame_id))
    assert look.marks.tolist() == [0, 2]
    expected = known.keypoints(frame_id)[:, :2] + 5
    np.testing.assert_array_equal(look.predicted_px[:, :2], expected)


def test_a_frame_that_the_network_passed_over_has_no_keypoints(feed, known):
    for frame_id, seen in ((69, True), (70, False), (71, False), (72, True)):
        feed.seek(float(known.exposed_s(frame_id)))
        look = feed.look("left")
        assert look.frame_id == frame_id
        assert (look.keypoints is not None) == seen


def test_the_trail_is_of_the_last_moments_and_ends_with_the_frame(feed, known):
    feed.seek(float(known.exposed_s(50)))
    trail = feed.look("left").trail
    assert len(trail) == 16
    np.testing.assert_array_equal(trail[-1], known.keypoints(50))
    np.testing.assert_array_equal(trail[0], known.keypoints(35))


def test_a_look_is_the_same_while_its_frame_is_and_may_be_thinned(feed, known):
    feed.seek(1.0)
    look = feed.look("left")
    feed.seek(1.0004)
    assert feed.look("left") is look
    thin = feed.look("left", 4)
    np.testing.assert_array_equal(thin.picture, look.picture[::4, ::4])
    assert feed.look("top").picture.shape == (48, 64, 3)
    assert feed.look("top").keypoints is None


def test_nothing_is_shown_before_the_first_frame(feed):
    feed.seek(0.0)
    assert feed.look("left") is None
    assert feed.look_at("left", 1.0).frame_id == 95


def test_samples_lie_where_the_clock_of_their_time_puts_them(feed, known):
    # the device's clock jumps by a second, and its rows say so
    found = feed.samples("daq/emg", 1.4955, 1.5095)
    expected = np.arange(1496, 1510)
    np.testing.assert_allclose(found.times_s, expected / 1000, atol=2e-9)
    np.testing.assert_allclose(found.values, known.emg(expected) * [0.5, 2.0])
    whole = feed.samples("daq/emg", -1.0, 99.0)
    assert len(whole.times_s) == 3000
    assert (np.diff(whole.times_s) >= 0).all()


def test_poses_are_those_of_the_stretch(feed, known):
    found = feed.poses("left", float(known.exposed_s(60)), float(known.exposed_s(80)))
    seen = [k for k in range(60, 81) if k not in {70, 71}]
    np.testing.assert_allclose(found.times_s, known.exposed_s(seen), atol=EXACT_S)
    np.testing.assert_array_equal(found.values, [known.keypoints(k) for k in seen])
    assert len(feed.poses("top", 0.0, 9.0).times_s) == 0


def test_features_pulses_and_points_are_found(feed):
    weight = feed.feature("weight", 0.5, 0.9)
    np.testing.assert_allclose(weight.times_s, [0.5, 0.6, 0.7, 0.8, 0.9])
    np.testing.assert_array_equal(weight.values, [5, 6, 7, 8, 9])
    pulses = feed.pulses("daq", "frame_clock", 0.49, 0.61)
    np.testing.assert_allclose(pulses.times_s, [15 / 30, 16 / 30, 17 / 30, 18 / 30])
    np.testing.assert_allclose(pulses.values[1:], 1 / 30)
    feed.seek(0.75)
    points = feed.points()
    assert points.at_s == pytest.approx(0.7)
    assert points.points_mm[0, 0] == 2
    feed.seek(2.5)
    assert feed.points() is None  # none of that moment


def test_after_the_session_shams_and_fires_are_told_apart(feed, known):
    marks = feed.happened(0.0, 3.0)
    kinds = [(mark.kind, round(mark.at_s, 3)) for mark in marks]
    assert kinds == [
        ("event", 0.01),
        ("fired", known.fired_s),
        ("note", known.note_s),
        ("sham", known.sham_s),
        ("suppressed", known.held_s),
        ("pulse", known.by_hand_s),
        ("event", 2.9),
    ]
    note = next(mark for mark in marks if mark.kind == "note")
    assert note.text == "3: " + "wet " * 60  # of two rows
    assert not feed.blind
    assert [m.kind for m in feed.happened(0.9, 1.1)] == ["fired"]
    assert [m.kind for m in feed.happened(1.2, 1.3)] == ["note"]


def test_it_plays_at_any_speed_and_stops_at_the_end(feed, clock):
    feed.seek(1.0)
    feed.play(0.01)
    clock.advance(2_000_000_000)
    feed.poll()
    assert feed.now_s == pytest.approx(1.02)
    feed.play(20)
    clock.advance(10_000_000)
    feed.poll()
    assert feed.now_s == pytest.approx(1.22)
    clock.advance(10_000_000_000)
    feed.poll()
    assert feed.now_s == feed.end_s
    assert not feed.playing
    with pytest.raises(ValueError, match=r"0\.01 to 20, got 30"):
        feed.play(30)


def test_a_pause_stays_where_it_is(feed, clock):
    feed.play(1)
    clock.advance(100_000_000)
    feed.poll()
    feed.pause()
    at_s = feed.now_s
    clock.advance(500_000_000)
    feed.poll()
    assert feed.now_s == at_s


def test_frames_are_stepped_both_ways_and_across_a_gap(feed, known):
    feed.seek(float(known.exposed_s(119)))
    seen = []
    for by in (1, 1, -1, -1, -1, 10, -10):
        feed.step("left", by)
        seen.append(feed.look("left").frame_id)
    assert seen == [125, 126, 125, 119, 118, 133, 118]
    feed.step("left", -1000)
    assert feed.look("left").frame_id == 0
    feed.step("left", 5000)
    assert feed.look("left").frame_id == 299


def test_what_can_be_jumped_to_is_found(feed, known):
    feed.look_everywhere()
    jumps = feed.jumps
    fires = [(jump.what, round(jump.at_s, 3)) for jump in jumps.of("fire")]
    assert fires == [
        ("fired", known.fired_s),
        ("sham", known.sham_s),
        ("pulse", known.by_hand_s),
    ]
    (gap,) = jumps.of("gap")  # listed by the ledger, and a hole in the rows: once
    assert gap.what == "cameras/left"
    assert "5 missing from 120" in gap.text
    assert known.exposed_s(119) <= gap.at_s <= known.exposed_s(120)
    (low,) = jumps.of("low")
    assert low.at_s == pytest.approx(known.exposed_s(known.low[0]))
    assert low.end_s == pytest.approx(known.exposed_s(known.low[1] - 1))
    assert [jump.text[:6] for jump in jumps.of("note")] == ["3: wet"]
    assert feed.search_share == 1.0


def test_polling_finds_the_same_a_little_at_a_time(feed, clock):
    while feed.search_share < 1:
        feed.poll()
    feed.poll()
    found = feed.jumps.to_dict()
    feed.look_everywhere()
    assert feed.jumps.to_dict() == found
    assert len(found["low"]) == 1


def test_its_lights_are_what_the_ledger_says(feed, small_session):
    health = feed.health
    with Recording.open(small_session) as recording:
        verdict = recording.info.verdict
    assert verdict == "FAIL"
    assert health.of("session")[0].cells == (f"ended: {verdict}",)
    lights = {light.subject: light for light in health.lights}
    camera = lights["cameras/left"]
    assert camera.level is Level.BAD
    assert camera.cells[2] == "5"
    assert "5 lost (1.7 %), at 00:01.2: the cable" in camera.reason
    assert lights["cameras/top"].level is Level.GOOD
    assert lights["exposure to pose"].cells[0] == "8.00 ms"
    assert lights["daq"].cells == ("±5.0 µs", "+0.0 ppm")
    for light in health.lights:
        assert len(light.cells) == len(HEADINGS[light.group])
    assert any("cameras/left" in line for line in health.lines())


def test_a_session_that_was_never_closed_says_what_to_do(sessions, known, memory):
    folder = sessions.make(closed=False)
    feed = RecordedFeed(folder, ManualClock())
    assert not feed.growing
    assert feed.health.level is Level.BAD
    assert f"springhare recover {folder}" in feed.health.headline
    feed.seek(1.0)
    assert feed.look("left").frame_id == 95
    feed.look_everywhere()
    assert [gap.what for gap in feed.jumps.of("gap")] == ["cameras/left"]
    feed.close()


def test_a_session_that_is_recorded_is_seen_to_grow_and_to_end(sessions, memory):
    clock = ManualClock()
    folder = sessions.make(closed=False, until=100)
    streams = StreamDirectory.create("s", folder)
    feed = RecordedFeed(folder, clock)
    assert feed.growing
    assert feed.health.of("session")[0].cells == ("still being recorded",)
    feed.seek(99.0)
    before = feed.look("left").frame_id
    sessions.go_on(folder, 100)
    feed.poll()
    feed.seek(99.0)
    assert feed.look("left").frame_id == before  # not looked at every time
    clock.advance(1_000_000_000)
    feed.poll()
    feed.seek(99.0)
    assert feed.look("left").frame_id == 299
    assert len(feed.samples("daq/emg", 0.0, 9.0).times_s) == 3000
    sessions.close(folder)
    streams.remove()
    clock.advance(1_000_000_000)
    feed.poll()
    assert not feed.growing
    assert feed.health.of("session")[0].cells == ("ended: FAIL",)
    assert feed.look("left").frame_id == 299
    feed.close()


def test_shams_stay_blind_as_long_as_it_is_recorded(sessions, known, memory):
    clock = ManualClock()
    folder = sessions.make(closed=False, configs=sessions.configs())
    streams = StreamDirectory.create("s", folder)
    feed = RecordedFeed(folder, clock)
    feed.look_everywhere()
    assert feed.blind
    marks = feed.happened(0.0, 3.0)
    assert [m.kind for m in marks if m.rule == "take_off"][:2] == ["decided"] * 2
    assert "total" not in " ".join(mark.text for mark in marks)
    assert {j.what for j in feed.jumps.of("fire")} == {"decided", "pulse"}
    sessions.close(folder)
    streams.remove()
    clock.advance(1_000_000_000)
    feed.poll()
    feed.look_everywhere()
    assert not feed.blind
    assert {j.what for j in feed.jumps.of("fire")} == {"fired", "sham", "pulse"}
    assert any("total" in mark.text for mark in feed.happened(0.0, 3.0))
    feed.close()


def test_rows_that_are_gone_are_said_and_the_rest_is_shown(sessions, known):
    folder = sessions.make()
    (folder / "segments" / "cameras+left-1.h5").unlink()
    feed = RecordedFeed(folder, ManualClock())
    lights = {light.subject: light for light in feed.health.lights}
    assert lights["cameras/left"].level is Level.BAD
    assert "cameras+left-1.h5 is not there" in lights["cameras/left"].reason
    assert "springhare check" in lights["cameras/left"].reason
    feed.seek(float(known.exposed_s(60)))
    assert feed.look("left").frame_id == 60
    feed.seek(float(known.exposed_s(290)))
    assert feed.look("left").frame_id == 290
    feed.seek(float(known.exposed_s(180)))
    assert feed.look("left") is None
    assert len(feed.poses("left", 0, 9).times_s) == 293
    feed.look_everywhere()
    feed.close()


def test_what_is_no_session_is_said(tmp_path, sessions):
    with pytest.raises(SessionError, match="give the folder of a session"):
        RecordedFeed(tmp_path)
    folder = sessions.make()
    with h5py.File(folder / "session.h5", "a") as file:
        file.attrs["format_version"] = 9
    with pytest.raises(VersionError, match="got 9"):
        RecordedFeed(folder)
    (folder / "session.h5").write_bytes(b"nothing")
    with pytest.raises(SessionError, match="springhare recover"):
        RecordedFeed(folder)


def test_configs_of_another_version_are_refused_in_words(sessions):
    folder = sessions.make()
    sessions.claim(folder, configs={"rig": {"name": "x"}}, versions={"springhare": "9"})
    with pytest.raises(SessionError, match="use the version that recorded it, 9"):
        RecordedFeed(folder)
