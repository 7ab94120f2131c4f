"""Each kind of condition is told in words; nothing of a rule is left out."""

import pytest

from offline.rules_check.words import condition_in_words, rule_in_words
from rig.config.examples import examples_folder
from rig.config.loading import load_task

HIP = {
    "kind": "crosses",
    "keypoint": "hip",
    "axis": "y",
    "direction": "falling",
    "threshold_px": 240,
}
NEAR = {"kind": "distance", "between": ["nose", "toe"], "below_px": 12.5}
UP = "the y of hip is 240 px or less (at that line of the picture or higher: y grows "
UP += "downwards)"
CLOSE = "nose and toe are nearer to each other than 12.5 px"


CASES = [
    (HIP, UP),
    (
        {**HIP, "direction": "rising", "minus": "toe"},
        "the y of hip minus that of toe is 240 px or more",
    ),
    (
        {
            "kind": "crosses",
            "keypoint": "hip",
            "axis": "z",
            "direction": "rising",
            "threshold_mm": 45,
        },
        "the z of hip is 45 mm or more",
    ),
    (
        {"kind": "enters", "keypoint": "nose", "region_px": [1, 2, 30, 40.5]},
        "nose is in the rectangle x 1 to 30, y 2 to 40.5 px",
    ),
    (
        {
            "kind": "enters",
            "keypoint": "nose",
            "polygon_px": [[1, 2], [30, 2], [9, 40]],
        },
        "nose is in a polygon of 3 corners within x 1 to 30, y 2 to 40 px",
    ),
    (
        {"kind": "speed", "keypoint": "toe", "above_mm_per_s": 300},
        "toe moves faster than 300 mm/s",
    ),
    (NEAR, CLOSE),
    (
        {"kind": "distance", "between": ["nose", "toe"], "above_mm": 30},
        "nose and toe are farther apart than 30 mm",
    ),
    (
        {"kind": "angle", "joint": ["hip", "knee", "ankle"], "below_deg": 90},
        "knee, between hip and ankle, is more bent than 90°",
    ),
    (
        {
            "kind": "angle",
            "joint": ["hip", "knee", "ankle"],
            "above_deg": 150,
            "space": "mm",
        },
        "knee, between hip and ankle, in space, is straighter than 150°",
    ),
    (
        {
            "kind": "feature",
            "feature": "weight",
            "direction": "falling",
            "threshold": 20,
        },
        "weight is 20 or less",
    ),
    (
        {"kind": "custom", "use": "lab.rules:Rearing", "arguments": {"px": 5}},
        "lab.rules:Rearing says so (with px 5)",
    ),
    ({"kind": "all", "of": [HIP, NEAR]}, f"both {UP} and {CLOSE}"),
    ({"kind": "any", "of": [HIP, NEAR]}, f"{UP} or {CLOSE}"),
    (
        {"kind": "all", "of": [HIP, NEAR, NEAR]},
        f"all of it: {UP}, {CLOSE}, and {CLOSE}",
    ),
    ({"kind": "not", "of": NEAR}, f"it is not so that {CLOSE}"),
    (
        {"kind": "held", "of": {"kind": "any", "of": [HIP, NEAR]}, "for_ms": 80},
        f"({UP} or {CLOSE}), for 80 ms without a break",
    ),
    (
        {
            "kind": "sequence",
            "steps": [{"when": NEAR}, {"when": HIP, "within_ms": 200}, {"when": NEAR}],
        },
        f"one after the other, each on a later pose: first {CLOSE}; then, within "
        f"200 ms after that last held, {UP}; then, some time after that last held, "
        f"{CLOSE}",
    ),
    (
        {
            "kind": "states",
            "start": "rest",
            "holds_in": "air",
            "states": {
                "rest": [{"to": "air", "when": HIP, "after_ms": 50}],
                "air": [{"to": "rest", "after_ms": 300}],
            },
        },
        "the state is air (it begins in rest; from rest to air after 50 ms in it, "
        f"when {UP}; from air to rest after 300 ms in it)",
    ),
]


@pytest.mark.parametrize(("when", "words"), CASES, ids=range(len(CASES)))
def test_conditions(rule_of, when, words):
    rule, _ = rule_of(when)
    assert condition_in_words(rule.when) == words


def test_a_rule(rule_of):
    rule, task = rule_of(
        {**HIP, "points": "predicted"},
        debounce_frames=3,
        refractory_ms=250,
        max_pose_age_ms=40,
        sham_probability=0.25,
        action={"line": "cuff", "pulse_width_us": 200, "count": 10, "period_us": 12500},
    )
    words = rule_in_words(rule, task)
    for part in (
        "r is asked at each pose of camera left.",
        f"It fires when this begins to hold: {UP}.",
        "Positions are predicted for the moment at which the action lands.",
        "less likely than 0.6 says nothing",
        "It must hold on 3 poses in a row.",
        "After a fire it waits for 250 ms.",
        "What is older than 40 ms",
        "Then 10 pulses of 200 µs at 80 Hz, 112.7 ms in all, go to cuff.",
        "25 % of the fires, drawn at random, are shams",
    ):
        assert part in words, part


def test_times_in_which_nothing_is_seen(rule_of):
    held = {"kind": "not", "of": {"kind": "held", "of": NEAR, "for_ms": 80}}
    begins_anew = "begins anew when it cannot be told for longer than 50 ms."
    by_time = "What is reached by time alone does not fire when none of"
    words = rule_in_words(*rule_of(held))
    assert begins_anew in words
    assert by_time not in words
    course = {"kind": "states", "start": "a", "holds_in": "b"}
    ways = {"a": [{"to": "b", "after_ms": 9}], "b": [{"to": "a", "when": NEAR}]}
    assert by_time in rule_in_words(*rule_of({**course, "states": ways}))
    seen = {**ways, "a": [{"to": "b", "after_ms": 9, "when": HIP}]}
    assert by_time not in rule_in_words(*rule_of({**course, "states": seen}))


def test_where_it_is_asked_and_what_a_feature_is(rule_of):
    feature = {
        "kind": "feature",
        "feature": "weight",
        "direction": "falling",
        "threshold": 20,
    }
    words = rule_in_words(*rule_of(feature, camera=None))
    assert words.startswith("r is asked at each time that the signals have gone on.")
    assert "weight is the mean of the last 5 ms of Fz of daq/force_plate." in words
    assert "likely" not in words
    high = {**HIP, "axis": "z", "threshold_px": None, "threshold_mm": 40}
    words = rule_in_words(*rule_of(high, camera=None))
    assert "at each moment that several cameras have seen" in words


def test_forms_that_differ_are_told_each(rule_of):
    both = {"kind": "all", "of": [{**HIP, "points": "smoothed"}, NEAR]}
    words = rule_in_words(*rule_of(both))
    assert "that of hip is smoothed, at the exposure" in words
    assert "that of nose and toe is as the network sees them" in words


def test_every_example_is_told():
    for path in sorted((examples_folder() / "task").glob("*.yaml")):
        task = load_task(path)
        for rule in task.rules:
            words = rule_in_words(rule, task)
            assert words.startswith(f"{rule.name} is asked at")
            assert rule.action.line in words
            assert "None" not in words
