"""Every kind of condition, asked scene by scene."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.rules import (
    Feature,
    Scene,
    Seen,
    compile_rules,
    evaluate,
    initial_state,
)
from inference.rules.keypoints import depth_in_box, depth_in_polygon
from rig.config.rules import IN_SPACE, OF_SIGNALS, RuleConfig
from rig.errors import ConfigError

MS = 1_000_000
BODYPARTS = ("nose", "hip", "toe")


def rule(when, **others):
    return RuleConfig.model_validate(
        {
            "name": "mine",
            "camera": "left",
            "when": when,
            "max_pose_age_ms": 10_000,
            "action": {"line": "laser", "pulse_width_us": 500},
            **others,
        }
    )


def looks(config, scenes):
    """What the rule's condition reads in each scene."""
    (compiled,) = compile_rules([config], BODYPARTS, 1)
    memory, found = compiled.condition.begin(), []
    for scene in scenes:
        reading, memory = compiled.condition.look(scene, memory)
        found.append(reading)
    return found


def readings(config, scenes):
    """What it says of each scene: True, False, or None (unknown)."""
    return [
        reading.over if reading.trusted else None for reading in looks(config, scenes)
    ]


def fires(config, scenes):
    """Numbers of the scenes on which the rule fired, and the causes."""
    rules = compile_rules([config], BODYPARTS, 1)
    state, found = initial_state(rules), {}
    for k, scene in enumerate(scenes):
        state, decisions = evaluate(
            rules, state, scene, now_ns=scene.at_ns + MS, armed=True
        )
        for decision in decisions:
            if decision.outcome == "fired":
                found[k] = decision.cause
    return found


def pose(k, nose=(0, 0), hip=(0, 0), toe=(0, 0), likelihood=1.0, period_ms=10):
    at_ns = 10**9 + k * period_ms * MS
    points = [[*map(float, place), likelihood] for place in (nose, hip, toe)]
    return Scene("left", at_ns, {"raw": Seen(points, at_ns)}, pose_seq=k)


def hips(*xs, likelihoods=None):
    likely = likelihoods or [1.0] * len(xs)
    return [
        pose(k, hip=(x, 0), likelihood=p)
        for k, (x, p) in enumerate(zip(xs, likely, strict=True))
    ]


RIGHT = {"kind": "crosses", "keypoint": "hip", "axis": "x", "direction": "rising",
         "threshold_px": 50}  # fmt: skip
FAR = {**RIGHT, "threshold_px": 80}
NEAR = {**RIGHT, "direction": "falling", "threshold_px": 20}


def test_distance_of_two():
    config = rule({"kind": "distance", "between": ["nose", "toe"], "below_px": 5})
    scenes = [pose(0, toe=(6, 8)), pose(1, toe=(3, 4)), pose(2, toe=(3, 3))]
    assert readings(config, scenes) == [False, False, True]
    assert fires(config, scenes)[2].startswith("distance of nose and toe went from 5.0")


def test_angle_at_a_joint():
    joint = {"kind": "angle", "joint": ["nose", "hip", "toe"]}
    scenes = [
        pose(0, nose=(0, 10), toe=(0, -10)),
        pose(1, nose=(0, 10), toe=(10, 0)),
        pose(2, nose=(0, 10), toe=(5, 10)),
        pose(3, nose=(0, 0), toe=(5, 10)),  # a point lies on the joint
    ]
    assert readings(rule({**joint, "below_deg": 90}), scenes) == [
        False, False, True, None,
    ]  # fmt: skip
    assert readings(rule({**joint, "above_deg": 90}), scenes) == [
        True, False, False, None,
    ]  # fmt: skip


def test_polygon():
    star = [[0, 0], [10, 0], [10, 10], [5, 3], [0, 10]]  # with a notch
    config = rule({"kind": "enters", "keypoint": "hip", "polygon_px": star})
    places = [(5, 1), (5, 6), (9, 7), (-1, 0), (12, 5)]
    scenes = [pose(k, hip=place) for k, place in enumerate(places)]
    assert readings(config, scenes) == [True, False, True, False, False]


boxes = st.tuples(*[st.floats(-50, 50)] * 2, *[st.floats(1, 60)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes, st.floats(-120, 120), st.floats(-120, 120))
def test_a_box_is_a_polygon_of_four_corners(box, x, y):
    x0, y0, x1, y1 = box
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    one = depth_in_box([[x, y, 1]], box)
    other = depth_in_polygon([[x, y, 1]], corners)
    if one > 0:
        assert other == pytest.approx(one)
    elif abs(one) > 1e-9:
        assert other < 0  # outside, the box's distance is along one axis only
        assert abs(other) >= abs(one) - 1e-9


def test_another_form_of_the_pose():
    config = rule({**RIGHT, "points": "predicted"})
    scenes = hips(0, 0, 0)
    for scene, x in zip(scenes, (40, 60, 70), strict=True):
        points = [list(point) for point in scene.seen["raw"].points]
        points[1][0] = float(x)
        scene.seen["predicted"] = Seen(points, scene.at_ns)
    assert list(fires(config, scenes)) == [1]
    assert readings(config, hips(0, 60)) == [None, None]  # nothing was predicted


def signal(k, value, age_ms=0):
    at_ns = 10**9 + k * 10 * MS
    feature = Feature(value, at_ns - age_ms * MS)
    return Scene(OF_SIGNALS, at_ns, features={"weight": feature})


def test_force_that_drops_is_a_take_off():
    when = {"kind": "feature", "feature": "weight", "direction": "falling",
            "threshold": 20}  # fmt: skip
    scenes = [signal(k, w) for k, w in enumerate([250, 240, math.nan, 15, 0, 300, 5])]
    config = rule(when, camera=None)
    assert readings(config, scenes) == [False, False, None, True, True, False, True]
    found = fires(config, scenes)
    assert list(found) == [3, 6]
    assert found[3] == "weight fell from 240.0 to 15.0, past 20.0"


def test_an_old_feature_makes_an_old_decision():
    """A muscle was active long ago: on a fresh pose it is still long ago."""
    active = {"kind": "feature", "feature": "weight", "direction": "rising",
              "threshold": 20}  # fmt: skip
    config = rule({"kind": "all", "of": [RIGHT, active]}, max_pose_age_ms=50)
    rules = compile_rules([config], BODYPARTS, 1)
    for age_ms, outcome in ((10, "fired"), (100, "suppressed_age")):
        state = initial_state(rules)
        for k, x in enumerate((0, 60)):
            plain = pose(k, hip=(x, 0))
            feature = Feature(30.0, plain.at_ns - age_ms * MS)
            scene = Scene("left", plain.at_ns, plain.seen, {"weight": feature})
            state, decisions = evaluate(
                rules, state, scene, now_ns=plain.at_ns + MS, armed=True
            )
        assert [d.outcome for d in decisions] == [outcome]
        assert decisions[0].age_ns == (age_ms + 1) * MS


def test_not():
    config = rule({"kind": "not", "of": RIGHT})
    scenes = hips(0, 60, 40, 60, likelihoods=[1, 1, 1, 0.1])
    assert readings(config, scenes) == [True, False, True, None]
    # fast is unknown at the first pose, so not fast is unknown too
    fast = {"kind": "speed", "keypoint": "hip", "above_px_per_s": 500}
    assert readings(rule({"kind": "not", "of": fast}), hips(0, 1, 50)) == [
        None, True, False,
    ]  # fmt: skip


SLOW = {"kind": "speed", "keypoint": "hip", "above_px_per_s": 500}


def test_not_all_waits_for_what_has_no_value_yet():
    """One part is false from the start; what the other finds first is no edge."""
    both = rule({"kind": "not", "of": {"kind": "all", "of": [SLOW, RIGHT]}})
    scenes = hips(10, 10, 10)
    assert readings(both, scenes) == [True, True, True]
    assert fires(both, scenes) == {}


def signals(k, *values):
    at_ns = 10**9 + k * 10 * MS
    named = {
        f"f{n}": Feature(math.nan if value is None else value, at_ns)
        for n, value in enumerate(values)
    }
    return Scene(OF_SIGNALS, at_ns, features=named)


def opposite(when):
    """The same by De Morgan: not is brought down to the single conditions."""
    match when:
        case {"kind": "not", "of": part}:
            return plain(part)
        case {"kind": ("all" | "any") as kind, "of": parts}:
            other = "any" if kind == "all" else "all"
            return {"kind": other, "of": [opposite(part) for part in parts]}
        case _:
            return {"kind": "not", "of": when}


def plain(when):
    match when:
        case {"kind": "not", "of": part}:
            return opposite(part)
        case {"kind": "all" | "any", "of": parts}:
            return {**when, "of": [plain(part) for part in parts]}
        case _:
            return when


mixtures = st.recursive(
    st.sampled_from(
        [
            {"kind": "feature", "feature": "f0", "direction": "rising", "threshold": 1},
            {"kind": "feature", "feature": "f1", "direction": "rising", "threshold": 1},
            RIGHT,
            {**RIGHT, "keypoint": "toe"},
            SLOW,
        ]
    ),
    lambda inner: st.one_of(
        st.builds(
            lambda kind, of: {"kind": kind, "of": of},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        inner.map(lambda of: {"kind": "not", "of": of}),
    ),
    max_leaves=6,
)
numbers = st.sampled_from([None, 0.0, 2.0])
sights = st.tuples(st.sampled_from([0, 60, math.nan]), st.sampled_from([0.1, 1.0]))
mixed_scenes = st.lists(st.tuples(numbers, numbers, sights, sights), max_size=20)


@given(mixtures, mixed_scenes)
def test_de_morgan(when, told):
    """However it is written, the same holds, is as sure and as old, and fires."""
    scenes = []
    for k, (first, second, (hip, p), (toe, q)) in enumerate(told):
        heard = signals(k, first, second)
        points = [[0.0, 0.0, 1.0], [hip, 0.0, p], [toe, 0.0, q]]
        seen = {"raw": Seen(points, heard.at_ns)}
        scenes.append(Scene("left", heard.at_ns, seen, heard.features))
    one, other = (
        [
            (reading.over, reading.trusted, reading.likelihood, reading.exposure_ns)
            for reading in looks(rule(way), scenes)
        ]
        for way in (when, plain(when))
    )
    assert one == other
    assert list(fires(rule(when), scenes)) == list(fires(rule(plain(when)), scenes))


kleene = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=5)


@given(kleene)
def test_all_and_any_follow_kleene(said):
    """Parts look at lines of their own: the part's pose says yes, no, or nothing."""
    parts = [
        {"kind": "feature", "feature": f"f{k}", "direction": "rising", "threshold": 1}
        for k in range(len(said))
    ]
    features = {
        f"f{k}": Feature(math.nan if yes is None else float(yes), 10**9)
        for k, yes in enumerate(said)
    }
    scene = Scene(OF_SIGNALS, 10**9, features=features)

    def asked(kind):
        config = rule({"kind": kind, "of": parts}, camera=None)
        return readings(config, [scene])[0]

    every = False if False in said else None if None in said else True
    some = True if True in said else None if None in said else False
    assert asked("all") is every
    assert asked("any") is some


def test_what_speaks_is_the_part_that_changed():
    config = rule({"kind": "all", "of": [RIGHT, {**RIGHT, "keypoint": "toe"}]})
    scenes = [
        pose(0, hip=(0, 0), toe=(0, 0)),
        pose(1, hip=(60, 0), toe=(0, 0)),
        pose(2, hip=(60, 0), toe=(70, 0)),
    ]
    assert fires(config, scenes)[2].startswith("x of toe rose")


def test_held():
    config = rule({"kind": "held", "of": RIGHT, "for_ms": 30})
    xs = [60, 60, 60, 60, 60, 0, 60, 60, 60, 60]
    assert readings(config, hips(*xs)) == [
        False, False, False, True, True, False, False, False, False, True,
    ]  # fmt: skip
    likely = [1, 1, 0.1, 1, 1, 1, 1, 1, 1, 1]
    assert readings(config, hips(*xs, likelihoods=likely))[2:4] == [None, True]


DWELLS = rule({"kind": "held", "of": RIGHT, "for_ms": 500}, max_pose_age_ms=50)


def at(ms, x, likelihood=1.0):
    return pose(ms, hip=(x, 0), likelihood=likelihood, period_ms=1)


HELD_CASES = {
    "seen all the time": ([at(t, 60) for t in range(10, 600, 10)], 50),
    "some bad poses": (
        [at(t, 60, 0.1 if t in {200, 210, 220} else 1) for t in range(10, 600, 10)],
        50,
    ),
    "bad poses for long": (
        [at(10, 60), *[at(t, 60, 0.1) for t in range(20, 3000, 10)], at(3000, 60)],
        None,
    ),
    "bad poses for a little too long, and then again": (
        [at(t, 60, 0.1 if 200 <= t < 260 else 1) for t in range(10, 800, 10)],
        75,
    ),
    "no poses for long": ([at(10, 60), at(20, 60), at(3000, 60), at(3010, 60)], None),
    "a slow camera": ([at(t, 60) for t in range(100, 1100, 100)], 5),
    "a slow camera and a bad pose": (
        [at(t, 60, 0.1 if t == 400 else 1) for t in range(100, 1100, 100)],
        9,
    ),
}


@pytest.mark.parametrize("name", HELD_CASES)
def test_what_is_held_is_seen_all_the_time(name):
    """Two good poses three seconds apart do not tell what was between them."""
    scenes, first = HELD_CASES[name]
    found = fires(DWELLS, [at(-100, 0), at(0, 0), *scenes])
    assert list(found) == ([] if first is None else [first + 2])


SEQUENCE = {
    "kind": "sequence",
    "steps": [{"when": NEAR}, {"when": RIGHT, "within_ms": 30}, {"when": FAR}],
}


@pytest.mark.parametrize(
    ("xs", "expected"),
    [
        ([10, 60, 90], [2]),
        ([10, 10, 10, 10, 10, 10, 60, 90], [7]),  # it stays as long as it likes
        ([10, 30, 30, 60, 90], [4]),
        ([10, 30, 30, 30, 60, 90], []),  # too slow between the first two
        ([60, 90, 95], []),  # the first step was never done
        ([10, 90, 90], [2]),  # each step on a pose of its own
        ([10, 60, 30, 30, 30, 30, 90], [6]),  # the last may take its time
        ([10, 60, 90, 90, 10, 60, 90], [2, 6]),
    ],
)
def test_sequence(xs, expected):
    assert list(fires(rule(SEQUENCE), hips(*xs))) == expected


def test_a_sequence_learns_nothing_from_bad_poses():
    likely = [1, 0.1, 1]
    assert fires(rule(SEQUENCE), hips(10, 60, 90, likelihoods=likely)) == {}


STATES = {
    "kind": "states",
    "start": "away",
    "holds_in": "reach",
    "states": {
        "away": [{"to": "home", "when": NEAR}],
        "home": [{"to": "reach", "when": FAR}, {"to": "away", "after_ms": 50}],
        "reach": [{"to": "away", "when": NEAR, "after_ms": 20}],
    },
}


@pytest.mark.parametrize(
    ("xs", "expected"),
    [
        ([10, 90, 90, 10], [1]),
        ([90, 10, 30, 90], [3]),
        ([10, 30, 30, 30, 30, 30, 30, 90], []),  # home is left after 50 ms
        ([10, 90, 10, 90, 10, 10, 90], [1, 6]),  # it must stay for 20 ms first
    ],
)
def test_states(xs, expected):
    found = fires(rule(STATES), hips(*xs))
    assert list(found) == expected
    assert all(cause == "state reach was reached" for cause in found.values())


WAITS = {
    "kind": "states",
    "start": "away",
    "holds_in": "late",
    "states": {
        "away": [{"to": "arrived", "when": RIGHT}],
        "arrived": [{"to": "late", "after_ms": 100}],
        "late": [{"to": "away", "when": NEAR}],
    },
}


def decided(config, scenes):
    rules = compile_rules([config], BODYPARTS, 1)
    state, found = initial_state(rules), []
    for k, scene in enumerate(scenes):
        state, decisions = evaluate(
            rules, state, scene, now_ns=scene.at_ns + MS, armed=True
        )
        found += [(k, decision) for decision in decisions]
    return found


@pytest.mark.parametrize(
    ("unseen", "outcome", "age_ms"),
    [((), "fired", 1), ((8, 12), "fired", 41), ((3, 12), "suppressed_age", 91)],
)
def test_a_state_that_is_reached_by_time_alone_is_as_old_as_what_was_seen(
    unseen, outcome, age_ms
):
    """An animal that was not seen since is not stimulated, now or later."""
    first, last = unseen or (0, 0)
    xs = [0, 60, *[math.nan if first <= k < last else 60 for k in range(2, 20)], 10]
    scenes = hips(*xs, likelihoods=[0.0 if math.isnan(x) else 0.9 for x in xs])
    ((k, decision),) = decided(rule(WAITS, max_pose_age_ms=50), scenes)
    assert (k, decision.outcome) == (11, outcome)
    assert decision.age_ns == age_ms * MS
    assert decision.likelihood == 0.9


def test_a_state_machine_that_was_never_told_anything_fires_nothing():
    course = {
        "kind": "states", "start": "a", "holds_in": "b",
        "states": {"a": [{"to": "b", "after_ms": 20}],
                   "b": [{"to": "a", "when": NEAR}]},
    }  # fmt: skip
    assert fires(rule(course), hips(*[30] * 9)) == {2: "state b was reached"}
    assert decided(rule(course), hips(*[30] * 9, likelihoods=[0.1] * 9)) == []


def test_predicted_points_are_as_fast_as_the_times_they_are_for():
    """A pose that came late is predicted further ahead: that is no run."""
    when = {"kind": "speed", "keypoint": "hip", "above_px_per_s": 400,
            "points": "predicted"}  # fmt: skip
    ahead_ms = [8, 8, 8, 33, 24, 20, 8, 8]  # how late, and what is to be bridged
    scenes = hips(*[0] * len(ahead_ms))
    for k, ms in enumerate(ahead_ms):
        x = 200 * (10 * k + ms) / 1e3
        points = [[0.0, 0.0, 1.0], [x, 0.0, 1.0], [0.0, 0.0, 1.0]]
        scenes[k].seen["predicted"] = Seen(points, scenes[k].at_ns, ms * MS)
    # 1 ms later than the last is too short to tell, and so is earlier
    expected = [None, False, False, False, None, False, None, False]
    assert readings(rule(when), scenes) == expected
    assert readings(rule({**when, "above_px_per_s": 190}), scenes) == [
        None if said is None else True for said in expected
    ]


def in_space(k, *hip_mm, likelihood=1.0):
    at_ns = 10**9 + k * 10 * MS
    points = [[0.0, 0.0, 0.0, 1.0], [*map(float, hip_mm), likelihood],
              [3.0, 4.0, 12.0, 1.0]]  # fmt: skip
    return Scene(IN_SPACE, at_ns, {"space": Seen(points, at_ns)}, pose_seq=k)


SPACE_CASES = {
    "crosses": (
        {"kind": "crosses", "keypoint": "hip", "axis": "z", "direction": "rising",
         "threshold_mm": 30},
        [(0, 0, 10), (0, 0, 29), (0, 0, 31)],
        "z of hip rose from 29.0 to 31.0 mm, past 30.0 mm",
    ),
    "speed": (
        {"kind": "speed", "keypoint": "hip", "above_mm_per_s": 1000},
        [(0, 0, 0), (1, 2, 2), (7, 8, 9)],
        "speed of hip went from 300.0 to 1100.0 mm/s, past 1000.0 mm/s",
    ),
    "distance": (
        {"kind": "distance", "between": ["hip", "toe"], "below_mm": 5},
        [(0, 0, 0), (3, 4, 0), (3, 4, 9)],
        "distance of hip and toe went from 12.0 to 3.0 mm, past 5.0 mm",
    ),
    "angle": (
        {"kind": "angle", "joint": ["nose", "hip", "toe"], "space": "mm",
         "above_deg": 170},
        [(50, 0, 0), (20, 0, 6), (1.5, 2, 6)],
        "angle at hip went from",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPACE_CASES)
def test_in_space(name):
    when, places, cause = SPACE_CASES[name]
    config = rule(when, camera=None)
    assert config.source == IN_SPACE
    scenes = [in_space(k, *place) for k, place in enumerate(places)]
    found = fires(config, scenes)
    assert list(found) == [2]
    assert found[2].startswith(cause)
    assert readings(config, [in_space(0, *places[0], likelihood=math.nan)]) == [None]


def test_a_rule_in_space_may_look_at_a_picture_as_well():
    high = SPACE_CASES["crosses"][0]
    config = rule({"kind": "all", "of": [high, RIGHT]})
    assert config.source == IN_SPACE
    scenes = [in_space(k, 0, 0, z) for k, z in enumerate((10, 31, 32))]
    for scene, x in zip(scenes, (0, 0, 60), strict=True):
        points = [[0.0, 0.0, 1.0], [float(x), 0.0, 1.0], [0.0, 0.0, 1.0]]
        scene.seen["left/raw"] = Seen(points, scene.at_ns)
    assert list(fires(config, scenes)) == [2]


class Rising:
    """Somebody's own: the hip went up for so many poses in a row."""

    def __init__(self, bodyparts, *, poses):
        self.hip, self.poses = bodyparts.index("hip"), poses
        self.y, self.count = None, 0

    def look(self, scene):
        y = scene.seen["raw"].points[self.hip][1]
        self.count = self.count + 1 if self.y is not None and y < self.y else 0
        self.y = y
        return self.count >= self.poses


class Failing:
    def __init__(self, bodyparts):
        self.asked = 0

    def look(self, scene):
        self.asked += 1
        if self.asked == 3:
            raise ZeroDivisionError
        return False


class Says:
    """Gives what an expression gives."""

    def __init__(self, bodyparts, *, what):
        self.what = what

    def look(self, scene):
        return eval(self.what, {"scene": scene, "np": np})


@pytest.fixture
def own(monkeypatch, tmp_path):
    """A module of somebody's own that can be imported."""
    import sys
    from types import ModuleType

    module = ModuleType("my_rules")
    module.Rising, module.Failing, module.Says = Rising, Failing, Says
    monkeypatch.setitem(sys.modules, "my_rules", module)
    (tmp_path / "my_bad_rules.py").write_text("import math\n\nx = undefined\n")
    (tmp_path / "my_torn_rules.py").write_text("import math\nclass Torn\n")
    monkeypatch.syspath_prepend(tmp_path)


def says(what, **others):
    when = {"kind": "custom", "use": "my_rules:Says", "arguments": {"what": what}}
    return {**when, **others}


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("True", True),
        ("0", False),
        ("np.bool_(True)", True),
        ("None", None),
        ("np.nan", None),
    ],
)
def test_what_somebodys_own_condition_may_say(own, what, expected):
    assert readings(rule(says(what)), hips(0, 0)) == [expected] * 2


@pytest.mark.parametrize("what", ["'yes'", "np.array([True, False])", "[]", "scene"])
def test_somebodys_own_condition_that_says_neither_yes_nor_no(own, what, caplog):
    with caplog.at_level(logging.ERROR):
        assert readings(rule(says(what)), hips(0, 0)) == [None, None]
    assert "Expected True, False or None from look, got" in caplog.text
    assert caplog.text.count("is not asked any more") == 1


@pytest.mark.parametrize(
    ("what", "age_ms"),
    [
        ("scene.seen['raw'].points[1][0] > 5", 1),
        ("scene.seen['raw'].points[1][0] > 5 and scene.features['f'].value > 1", 101),
        ("scene.seen['raw'].points[1][0] > 5 and 'f' in scene.features", 1),
        ("scene.at_ns > 10**9", 1),
        ("any(f.value > 1 for f in scene.features.values()) and scene.pose_seq", 101),
        ("scene.seen.get('right/raw', scene.seen['other']) and scene.pose_seq", 31),
    ],
)
def test_somebodys_own_condition_is_as_old_as_what_it_looked_at(own, what, age_ms):
    scenes = []
    for k, x in enumerate((0, 10)):
        plain_pose = pose(k, hip=(x, 0))
        at_ns = plain_pose.at_ns
        seen = {**plain_pose.seen, "other": Seen([], at_ns - 30 * MS)}
        features = {"f": Feature(9.0, at_ns - 100 * MS)}
        scenes.append(Scene("left", at_ns, seen, features, pose_seq=k))
    ((k, decision),) = decided(rule(says(what)), scenes)
    assert (k, decision.outcome, decision.age_ns) == (1, "fired", age_ms * MS)


def test_somebodys_own_condition_in_space(own):
    high = says("scene.seen['space'].points[1][2] > 30", space="mm", keypoints=["hip"])
    config = rule(high, camera=None)
    assert config.source == IN_SPACE
    scenes = [in_space(k, 0, 0, z) for k, z in enumerate((10, 31, 10))]
    assert readings(config, scenes) == [False, True, False]
    unsure = [in_space(0, 0, 0, 31, likelihood=math.nan), in_space(1, math.nan, 0, 31)]
    assert readings(config, unsure) == [None, None]


def test_somebodys_own_condition(own):
    when = {"kind": "custom", "use": "my_rules:Rising", "arguments": {"poses": 2}}
    scenes = [pose(k, hip=(0, y)) for k, y in enumerate([9, 9, 8, 7, 6, 9, 8, 7])]
    found = fires(rule(when), scenes)
    assert list(found) == [3, 7]
    assert found[3] == "my_rules:Rising holds"
    assert fires(rule(when), scenes) == found  # a new object each time


def test_somebodys_own_condition_that_fails_ends_alone(own, caplog):
    config = rule({"kind": "custom", "use": "my_rules:Failing"})
    with caplog.at_level(logging.ERROR):
        said = readings(config, hips(*[0] * 6))
    assert said == [False, False, None, None, None, None]
    assert sum("is not asked any more" in r.message for r in caplog.records) == 1


def test_somebodys_own_condition_on_keypoints_that_are_not_sure(own):
    when = {"kind": "custom", "use": "my_rules:Rising", "arguments": {"poses": 1},
            "keypoints": ["hip"]}  # fmt: skip
    assert readings(rule(when), hips(0, 0, likelihoods=[0.1, 1])) == [None, False]


@pytest.mark.parametrize(
    ("use", "arguments", "message"),
    [
        ("nowhere:Rising", {}, "No module named 'nowhere'"),
        ("my_rules:Sinking", {}, "Sinking"),
        ("rearing", {}, "a name in the entry-point group springhare.rules"),
        ("my_bad_rules:X", {}, r"NameError: .*'undefined'.* \(.*rules.py, line 3\)"),
        ("my_torn_rules:X", {}, r"SyntaxError: .*my_torn_rules.py, line 2"),
        ("my_rules:Rising", {"speed": 2}, "it raised TypeError"),
    ],
)
def test_somebodys_own_condition_that_cannot_be_had(own, use, arguments, message):
    config = rule({"kind": "custom", "use": use, "arguments": arguments})
    with pytest.raises(ConfigError, match=message):
        initial_state(compile_rules([config], BODYPARTS, 1))


def test_every_keypoint_of_a_nested_rule_is_looked_up():
    when = {"kind": "any", "of": [SEQUENCE, {"kind": "not", "of": {
        "kind": "distance", "between": ["nose", "tow"], "above_px": 3}}]}  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        compile_rules([rule(when)], BODYPARTS, 1)
    assert str(caught.value) == (
        "rules.mine.when.of[1].of: expected a keypoint of the model (nose, hip, toe), "
        "got 'tow': did you mean 'toe'?"
    )


whens = st.recursive(
    st.sampled_from([RIGHT, FAR, NEAR]),
    lambda inner: st.one_of(
        st.builds(
            lambda kind, of: {"kind": kind, "of": of},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        inner.map(lambda of: {"kind": "not", "of": of}),
        inner.map(lambda of: {"kind": "held", "of": of, "for_ms": 20}),
        st.lists(inner, min_size=2, max_size=3).map(
            lambda steps: {"kind": "sequence", "steps": [{"when": w} for w in steps]}
        ),
    ),
    max_leaves=6,
)
walks = st.lists(
    st.tuples(st.sampled_from([0, 30, 60, 90]), st.sampled_from([0.1, 1.0])),
    max_size=30,
)


@given(whens, walks)
def test_what_is_given_is_kept_and_the_same_comes_again(when, walk):
    config = rule(when)
    rules = compile_rules([config], BODYPARTS, 1)
    scenes = hips(*(x for x, _ in walk), likelihoods=[p for _, p in walk])
    state, states = initial_state(rules), []
    for scene in scenes:
        states.append(state)
        before = repr(state)
        state, _ = evaluate(rules, state, scene, now_ns=scene.at_ns, armed=True)
        assert repr(states[-1]) == before
    again = initial_state(rules)
    for scene in scenes:
        again, _ = evaluate(rules, again, scene, now_ns=scene.at_ns, armed=True)
    assert repr(again) == repr(state)


@given(whens, walks)
def test_bad_poses_alone_never_fire(when, walk):
    scenes = hips(*(x for x, _ in walk), likelihoods=[0.1] * len(walk))
    assert fires(rule(when), scenes) == {}
