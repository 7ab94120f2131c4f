"""Why a live fire is not where it would have been: each cause, put there by hand."""

import pytest

UP, AWAY, UNSURE = (0, -300, 0), (0, 300, 0), (0, 0, -0.95)


def only(camera):
    """The one difference that there is."""
    [difference] = camera.differences
    return difference


def test_what_saw_all_is_found_whole(session_of, compared, tasks, crossings):
    camera, found = compared(session_of(tasks.take_off()))
    [rule] = camera.rules
    assert rule.ideal == rule.live == rule.found == len(crossings) >= 1
    assert rule.shift.median_ms == rule.shift.p95_ms == 0
    assert not camera.differences
    assert [each.max_px for each in camera.pixels] == [0] * len(camera.pixels)
    assert camera.coverage.skipped == 0
    assert camera.coverage.longest is None
    assert found.result.remarks == ()


def test_skipped_frames_shift_a_fire(session_of, compared, tasks, crossings):
    first = crossings[0]
    gone = {"left": range(first - 1, first + 4)}
    camera, _ = compared(session_of(tasks.take_off(), skipped=gone))
    difference = only(camera)
    assert (difference.kind, difference.cause) == ("shifted", "skipped")
    assert difference.frame == first
    assert difference.shift_ms == pytest.approx(40)
    assert "2 of the 2 frames that it hung on were skipped" in difference.words
    assert camera.coverage.skipped == camera.coverage.longest.frames == 5
    assert camera.coverage.longest.first_frame == first - 1
    assert camera.coverage.longest.blind_ms == pytest.approx(60)


def test_a_small_shift_is_found(session_of, compared, tasks, crossings):
    gone = {"left": [crossings[0]]}
    folder = session_of(tasks.take_off(), skipped=gone)
    camera, _ = compared(folder)
    assert not camera.differences
    assert camera.rules[0].shift.p95_ms > 0
    camera, _ = compared(folder, shift_ns=5_000_000)
    assert only(camera).shift_ms == pytest.approx(10)


def test_a_jump_that_nobody_saw_is_missed(session_of, compared, tasks, crossings):
    first = crossings[0]
    gone = {"left": range(first - 5, first + 60)}
    camera, _ = compared(session_of(tasks.take_off(), skipped=gone))
    difference = only(camera)
    assert (difference.kind, difference.cause) == ("missed", "skipped")
    assert camera.rules[0].missed == 1


def test_too_old(session_of, compared, tasks, crossings):
    camera, _ = compared(session_of(tasks.take_off(max_pose_age_ms=1)))
    assert {d.cause for d in camera.differences} == {"age"}
    assert camera.rules[0].missed == camera.rules[0].ideal == len(crossings)
    assert "above 1.00 ms" in camera.differences[0].words
    assert camera.coverage.too_old[0].poses == camera.coverage.seen


def test_the_pose_was_elsewhere(session_of, compared, tasks, crossings):
    moved = dict.fromkeys(range(crossings[0] - 2, crossings[0] + 60), AWAY)
    camera, _ = compared(session_of(tasks.take_off(), moved=moved))
    difference = only(camera)
    assert (difference.kind, difference.cause) == ("missed", "pose")
    assert (difference.bodypart, difference.words) == ("hip", "hip was 300.0 px apart")
    hip = next(each for each in camera.pixels if each.bodypart == "hip")
    assert hip.max_px == pytest.approx(300, abs=0.01)
    assert hip.median_px == 0


def test_the_live_model_was_unsure(session_of, compared, tasks, crossings):
    moved = dict.fromkeys(range(crossings[0] - 2, crossings[0] + 60), UNSURE)
    camera, _ = compared(session_of(tasks.take_off(), moved=moved))
    difference = only(camera)
    assert (difference.kind, difference.cause) == ("missed", "likelihood")
    hip = next(each for each in camera.pixels if each.bodypart == "hip")
    assert (hip.max_px, hip.offline_only, hip.live_only) == (0, 62, 0)


def test_a_leap_of_the_live_model_fires_and_holds_the_next_back(
    session_of, compared, tasks, crossings
):
    leap = crossings[0] - 20
    camera, _ = compared(session_of(tasks.take_off(), moved={leap: UP}))
    false, missed = camera.differences
    assert (false.kind, false.cause, false.frame) == ("false", "pose", leap)
    assert (missed.kind, missed.cause) == ("missed", "refractory")
    assert "ms since the last fire" in missed.words
    assert camera.rules[0].causes == {"pose": 1, "refractory": 1}


def test_a_leap_that_is_recorded_offline_too_is_no_difference(
    session_of, compared, tasks, crossings, write_offline
):
    folder = session_of(tasks.take_off(), unsure=0.02)
    camera, _ = compared(folder)
    assert not camera.differences
    assert camera.rules[0].found == camera.rules[0].ideal


def test_disarmed_on_both_sides_is_found(session_of, compared, tasks, crossings):
    camera, _ = compared(session_of(tasks.take_off(), disarmed_s=(0.0, 10.0)))
    assert camera.rules[0].found == len(crossings)


def test_prediction_over_the_same_span(session_of, compared, tasks):
    ahead = tasks.take_off()
    ahead["when"] = {**ahead["when"], "points": "predicted"}
    folder = session_of(ahead, inference={"prediction": {}, "gates": {}})
    camera, _ = compared(folder)
    [rule] = camera.rules
    assert rule.found == rule.ideal == rule.live >= 1
    assert rule.shift.p5_ms == rule.shift.p95_ms == 0


def test_rules_of_signals_and_space_are_left_out_in_words(session_of, compared, tasks):
    rules = (tasks.take_off(), tasks.drop, tasks.high)
    folder = session_of(
        *rules, features=tasks.features, inference={"space": {}, "prediction": {}}
    )
    camera, found = compared(folder)
    assert [rule.rule for rule in camera.rules] == ["take_off"]
    assert [remark.split(":")[0] for remark in found.result.remarks] == [
        "drop is not compared",
        "high is not compared",
    ]


def test_a_rule_of_a_camera_that_hears_a_signal(session_of, compared, tasks):
    rule = tasks.take_off(name="both")
    rule["when"] = {
        "kind": "all",
        "of": [
            rule["when"],
            {**tasks.drop["when"], "direction": "falling"},
        ],
    }
    folder = session_of(rule, features=tasks.features)
    camera, _ = compared(folder)
    [figures] = camera.rules
    assert figures.ideal >= 1
    assert figures.found + figures.shifted + figures.missed == figures.ideal
    assert {d.cause for d in camera.differences} <= {"signals"}
