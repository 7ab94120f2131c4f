"""What looks wrong is said, with its place; what is right is left alone."""

from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from offline.rules_check.bounds import Bound, unmet
from offline.rules_check.judgement import doubts
from rig.config.actuator import ActuatorConfig
from rig.config.examples import examples_folder
from rig.config.loading import load_rig, load_task
from rig.config.rig import RigConfig
from rig.config.task import TaskConfig

NEAR = {"kind": "distance", "between": ["nose", "toe"], "below_px": 50}
FAR = {"kind": "distance", "between": ["toe", "nose"], "above_px": 50}
WEIGHT = {"kind": "feature", "feature": "weight", "direction": "falling"}


@pytest.fixture(scope="module")
def rig(tasks):
    del tasks
    trigger = {"mode": "free_running", "rate_hz": 100}
    camera = {
        "kind": "basler",
        "serial": "1",
        "width_px": 640,
        "height_px": 480,
        "trigger": trigger,
    }
    plain = {
        "format": "springhare-rig/1",
        "name": "b",
        "data_root": "d",
        "devices": {"left": camera, "right": {**camera, "serial": "2"}},
    }
    return RigConfig.model_validate(plain)


@pytest.fixture
def found(rule_of):
    def judge(when, rig=None, **changes):
        _, task = rule_of(when, **changes)
        return [(doubt.where, doubt.text) for doubt in doubts(task, rig)]

    return judge


def only(found, where, words):
    assert [place for place, _ in found] == [where], found
    assert words in found[0][1]


def test_what_can_never_hold(found, crosses):
    both = [crosses(200), crosses(240, "rising")]
    only(
        found({"kind": "all", "of": both}),
        "rules[0].when",
        "it can never hold: the y of hip (px, raw) must be at most 200, and",
    )
    nested = {
        "kind": "all",
        "of": [
            crosses(200),
            {
                "kind": "held",
                "for_ms": 5,
                "of": {"kind": "all", "of": [NEAR, crosses(240, "rising")]},
            },
        ],
    }
    only(found(nested), "rules[0].when", "can never hold")
    only(
        found({"kind": "any", "of": [{"kind": "all", "of": [NEAR, FAR]}, NEAR]}),
        "rules[0].when.of[0]",
        "the distance of nose and toe",
    )
    only(
        found(
            {"kind": "all", "of": [crosses(200), {"kind": "not", "of": crosses(200)}]}
        ),
        "rules[0].when",
        "more than 200",
    )
    box = {"kind": "enters", "keypoint": "hip", "region_px": [0, 300, 100, 400]}
    only(found({"kind": "all", "of": [crosses(200), box]}), "rules[0].when", "y of hip")
    weights = [
        {**WEIGHT, "threshold": 20},
        {**WEIGHT, "direction": "rising", "threshold": 300},
    ]
    only(found({"kind": "all", "of": weights}), "rules[0].when", "weight must be")
    sharp = {"kind": "angle", "joint": ["hip", "knee", "toe"], "above_deg": 180}
    only(found(sharp), "rules[0].when", "from 0 to 180")


def test_what_always_holds(found, crosses):
    either = {"kind": "any", "of": [crosses(240), crosses(200, "rising")]}
    only(found(either), "rules[0].when", "it always holds, so it never begins to")
    assert not found({"kind": "any", "of": [crosses(200), crosses(240, "rising")]})


@pytest.mark.parametrize(
    ("other", "fine"),
    [
        ({"threshold_px": 200, "direction": "rising"}, True),
        ({"keypoint": "toe"}, True),
        ({"axis": "x"}, True),
        ({"minus": "toe"}, True),
        ({"points": "predicted"}, True),
        ({}, False),
    ],
)
def test_other_quantities_do_not_contradict(found, crosses, other, fine):
    second = {**crosses(260, "rising"), **other}
    assert (not found({"kind": "all", "of": [crosses(240), second]})) is fine


def test_outside_the_picture(found, crosses, rig):
    assert not found(crosses(500))
    only(found(crosses(500), rig), "rules[0].when", "always holds")
    only(
        found(crosses(500, "rising"), rig),
        "rules[0].when",
        "it can never hold: the y of hip (px, raw) is from 0 to 480",
    )
    away = {"kind": "enters", "keypoint": "hip", "region_px": [700, 0, 800, 100]}
    only(found(away, rig), "rules[0].when", "the picture is 640 x 480 px")
    part = {**away, "region_px": [600, 0, 800, 100]}
    only(found(part, rig), "rules[0].when", "a part of the region")
    assert not found({**away, "region_px": [600, 0, 640, 100]}, rig)
    assert not found(crosses(-100, "rising", minus="toe"), rig)
    only(found(crosses(-500, minus="toe"), rig), "rules[0].when", "never hold")


def test_upside_down(found, crosses):
    only(
        found(crosses(240, "rising"), name="jump"),
        "rules[0].when.direction",
        "rising waits for hip to go down, and the rule is called jump",
    )
    only(found(crosses(240), name="landing"), "rules[0].when.direction", "to go up")
    assert not found(crosses(240), name="take_off")
    assert not found(crosses(240, "rising"), name="crouch")
    assert not found(crosses(40, "falling", minus="toe"), name="crouch")


def test_trains_shams_likelihoods(found, crosses):
    train = {"line": "laser", "pulse_width_us": 1000, "count": 5, "period_us": 50000}
    only(
        found(crosses(240), action=train),
        "rules[0].refractory_ms",
        "fire again 100 ms after a fire, while what was sent still lasts (201 ms)",
    )
    assert not found(crosses(240), action=train, refractory_ms=201)
    only(found(crosses(240), sham_probability=1), "rules[0].sham_probability", "sham")
    only(found(crosses(240), min_likelihood=0), "rules[0].min_likelihood", "unlikely")
    gated = {"gates": {"likelihood": 0.5}}
    assert not found(crosses(240), min_likelihood=0, inference=gated)
    assert not found({**WEIGHT, "threshold": 5}, min_likelihood=0)
    own = {"kind": "custom", "use": "a:B"}
    only(found(own), "rules[0].when.keypoints", "name those that it needs")
    assert not found({**own, "keypoints": ["hip"]})


def test_several_rules_on_one_line(tasks):
    def judge(*rules, rig=None):
        task = TaskConfig.model_validate(tasks.of(*rules, features=tasks.features))
        return [(doubt.where, doubt.text) for doubt in doubts(task, rig)]

    up, low = tasks.take_off(), tasks.take_off(name="low")
    low["when"] = {**low["when"], "threshold_px": 300}
    only(
        judge(up, low),
        "rules[1].action.line",
        "take_off and low may fire laser together: the board refuses the second while",
    )
    train = {"line": "laser", "pulse_width_us": 500, "count": 4, "period_us": 50000}
    drop = {**tasks.drop, "action": train, "sham_probability": 0}
    lines = {"laser": {"pin": 1, "max_width_us": 50000, "max_rate_hz": 40}}
    rig = SimpleNamespace(
        cameras={}, actuator=("daq", ActuatorConfig.model_validate({"lines": lines}))
    )
    found = judge(up, low, drop, rig=rig)
    assert (
        "the second within 25 ms of the first, and a replay shows both" in found[0][1]
    )
    assert found[1][0] == "rules[2].action.line"
    assert "take_off, low and drop may fire laser" in found[1][1]
    assert "within 25 to 175 ms of the first" in found[1][1]
    # no pose is above and below, and another line is another line
    down = tasks.take_off(name="down")
    down["when"] = {**down["when"], "direction": "rising", "threshold_px": 290}
    assert not judge(up, down)
    other = {**low, "action": {"line": "cue", "pulse_width_us": 500}}
    assert not judge(up, other)
    # by another camera it may be
    only(judge(up, {**down, "camera": "right"}), "rules[1].action.line", "together")


def test_sequences(found, crosses, rig):
    def course(within_ms, last=None, first=None):
        steps = [
            {"when": NEAR, "within_ms": first},
            {"when": last or crosses(240), "within_ms": within_ms},
        ]
        return {"kind": "sequence", "steps": steps}

    assert not found(course(200), rig, debounce_frames=3)
    only(
        found(course(25), rig, debounce_frames=3),
        "rules[0].debounce_frames",
        "3 poses take 30 ms at 100 Hz, longer than the sequence's window of 25 ms",
    )
    only(found(course(5), rig), "rules[0].when.steps[1].within_ms", "10 ms from one")
    held = {"kind": "held", "of": crosses(240), "for_ms": 300}
    only(found(course(200, held)), "rules[0].when.steps[1]", "for 300 ms within")
    only(found(course(200, first=50)), "rules[0].when.steps[0].within_ms", "waits for")


def test_states(found, crosses):
    def machine(**states):
        return {"kind": "states", "start": "a", "holds_in": "b", "states": states}

    over = {"when": crosses(240)}
    assert not found(machine(a=[{"to": "b", **over}], b=[{"to": "a", "after_ms": 9}]))
    only(
        found(machine(a=[], b=[{"to": "a", **over}])),
        "rules[0].when.holds_in",
        "no way leads from a to b",
    )
    only(
        found(machine(a=[{"to": "b", **over}], b=[])),
        "rules[0].when.states.b",
        "only once",
    )
    only(
        found(
            machine(
                a=[{"to": "b", **over}],
                b=[{"to": "a", **over}],
                c=[{"to": "a", **over}],
            )
        ),
        "rules[0].when.states.c",
        "no way leads there",
    )


def test_the_examples_are_beyond_doubt():
    for path in sorted((examples_folder() / "task").glob("*.yaml")):
        rig = load_rig(examples_folder() / "rig" / path.name)
        found = doubts(load_task(path), rig)
        # a mouse may run into the corner, and there is one LED
        shared = path.stem == "open-field-miniscope"
        assert [doubt.rule for doubt in found] == ["running"] * shared, found
        assert all("may fire led together" in doubt.text for doubt in found)


edges = st.floats(-5, 5).map(round)


@given(st.lists(st.tuples(edges, edges, st.booleans()), min_size=1, max_size=4))
@example([(0, 0, True), (1, -1, False)])
def test_bounds_are_unmet_only_where_no_value_is_within_all(pairs):
    found = [Bound("q", min(a, b), max(a, b), closed) for a, b, closed in pairs]
    values = [k / 4 for k in range(-24, 25)]

    def within(bound, value):
        if bound.closed:
            return bound.low <= value <= bound.high
        return bound.low < value < bound.high

    some = any(all(within(bound, value) for bound in found) for value in values)
    if some:
        assert unmet(found) is None
    empty = any(b.low == b.high and not b.closed for b in found)
    if unmet(found) is None and len(found) == 2 and not empty:
        assert some
