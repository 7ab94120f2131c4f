"""A pulse that a person asks for is a decision, and nobody's rule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.by_hand import MAX_AGE_NS, HandInputs, action_of, by_hand
from inference.rules import compile_rules
from inference.step import StepConfig, StepInputs, begin, step
from rig.config.rig import RigConfig
from rig.config.rules import Action, RuleConfig
from rig.config.task import TaskConfig
from rig.errors import ConfigError, StreamError
from rig.messages import Decision, Frame, from_row, row_dtype, to_row

MS = 1_000_000
RULE = {
    "name": "falls",
    "camera": "left",
    "when": {
        "kind": "crosses",
        "keypoint": "hip",
        "axis": "y",
        "direction": "falling",
        "threshold_px": 50,
    },
    "refractory_ms": 30,
    "sham_probability": 0.5,
    "action": {"line": "laser", "pulse_width_us": 500},
}
CONFIG = StepConfig(compile_rules([RuleConfig.model_validate(RULE)], ("hip",), seed=4))


def rig(**lines):
    """A board with these lines; without any it has no actuator."""
    daq = {"kind": "harp", "port": "/dev/null", "camera_trigger": {"rate_hz": 100}}
    if lines:
        daq["actuator"] = {"lines": lines}
    return {
        "format": "springhare-rig/1",
        "name": "bench",
        "data_root": "data",
        "devices": {"daq": daq},
    }


LASER = {"pin": 1, "max_width_us": 50_000, "max_rate_hz": 40, "max_duty": 0.25}


def hand(**changes):
    """The inputs of a pulse on the laser."""
    asked = {"now_ns": 7, "armed": True, "by": "window", "line": "laser"}
    asked |= {"pulse_width_us": 500, "pulse_count": 3, "pulse_period_us": 40_000}
    return HandInputs(**{**asked, **changes})


def stored(decision):
    """A decision as a session has it."""
    rows = np.zeros(1, row_dtype(Decision))
    rows[0] = to_row(decision)
    return rows[0]


def test_it_says_who_asked_and_looks_at_nothing():
    state, decision = by_hand(hand(), begin(CONFIG, first_decision_id=5))
    assert decision.decision_id == 5
    assert state.rules.next_id == 6
    assert (decision.rule, decision.outcome) == ("by_hand", "fired")
    assert decision.cause == "asked by window"
    assert (decision.camera, decision.frame_id, decision.pose_seq) == ("", -1, -1)
    assert decision.exposure_ns == decision.host_ns == 7
    assert (decision.age_ns, decision.max_age_ns) == (0, MAX_AGE_NS)
    assert (decision.sham_draw, decision.armed) == (-1, 1)
    assert (decision.line, decision.pulse_width_us) == ("laser", 500)
    assert (decision.pulse_count, decision.pulse_period_us) == (3, 40_000)
    assert math.isnan(decision.value)


def test_disarmed_it_is_not_a_command():
    _, decision = by_hand(hand(armed=False), begin(CONFIG))
    assert (decision.outcome, decision.armed) == ("disarmed", 0)


@given(st.text(max_size=200), st.booleans(), st.integers(1, 2**40))
def test_its_row_tells_replay_all(by, armed, now_ns):
    _, decision = by_hand(hand(by=by, armed=armed, now_ns=now_ns), begin(CONFIG, 3))
    row = stored(decision)
    again = HandInputs.of_decision(from_row(Decision, row))
    _, replayed = by_hand(again, begin(CONFIG, 3))
    assert stored(replayed).tobytes() == row.tobytes()


def walk(seconds, pulses):
    """Decide on a walk, with pulses by hand after some poses."""
    state, made = begin(CONFIG), []
    for k in range(seconds * 100):
        now_ns = 10**9 + 10 * MS * k
        frame = Frame(
            seq=k, host_ns=now_ns, frame_id=k, device_ns=-1, exposure_ns=now_ns - MS
        )
        inputs = StepInputs.of_frame(
            "left",
            frame,
            pose_seq=k,
            dequeued_ns=now_ns,
            inferred_ns=now_ns,
            now_ns=now_ns,
            armed=True,
        )
        pose = np.array([[0, 50 + 20 * math.cos(k / 3), 1]], np.float32)
        result = step(pose, inputs, state, CONFIG)
        state = result.state
        made += result.decisions
        if k in pulses:
            state, decision = by_hand(hand(now_ns=now_ns + 1), state)
            made.append(decision)
    return made


def test_rules_remember_nothing_of_it():
    pulses = {3, 60, 61, 100}
    alone, between = walk(3, set()), walk(3, pulses)
    assert [d.decision_id for d in between] == list(range(len(between)))
    rules = [d for d in between if d.rule != "by_hand"]
    assert len(rules) == len(between) - len(pulses)
    assert {d.outcome for d in rules} >= {"fired", "sham"}
    told = [(d.host_ns, d.outcome, d.cause, d.sham_draw) for d in rules]
    assert told == [(d.host_ns, d.outcome, d.cause, d.sham_draw) for d in alone]


class TestWhatIsAskedFor:
    """It is held against the rig file before anything is decided."""

    RIG = RigConfig.model_validate(rig(laser=LASER))

    def test_is_taken_as_a_rules_action_is(self):
        action = action_of({"line": "laser", "pulse_width_us": 50_000}, self.RIG)
        assert action == Action(line="laser", pulse_width_us=50_000)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({}, "missing key line .*\npulse: missing key pulse_width_us"),
            ({"line": "lasr"}, "pulse_width_us"),
            (
                {"line": "lasr", "pulse_width_us": 5},
                r"line: expected an actuator line .*laser.*'lasr': did you mean laser",
            ),
            (
                {"line": "laser", "pulse_width_us": 50_001},
                "pulse_width_us: expected at most 50000 us on laser .*got 50001",
            ),
            ({"line": "laser", "pulse_width_us": 0}, "expected more than 0"),
            ({"line": "laser", "pulse_width_us": "long"}, "expected a valid integer"),
            (
                {"line": "laser", "pulse_width_us": 9, "count": 2, "period_us": 20_000},
                "period_us: expected at most 40 Hz on laser .*got 50 Hz",
            ),
            (
                {
                    "line": "laser",
                    "pulse_width_us": 10_000,
                    "count": 2,
                    "period_us": 30_000,
                },
                "expected a duty of at most 0.25 on laser",
            ),
            (
                {"line": "laser", "pulse_width_us": 9, "count": 2},
                r"period_us: expected more than pulse_width_us \(9\)",
            ),
            (
                {"line": "laser", "pulse_width_us": 9, "period_us": 2**32},
                "period_us: expected at most 4294967295, got 4294967296",
            ),
            (
                {
                    "line": "laser",
                    "pulse_width_us": 9,
                    "count": 2**63,
                    "period_us": 40_000,
                },
                "count: expected at most 4294967295",
            ),
            ({"line": "laser", "pulse_width_us": 9, "sham": True}, "sham"),
        ],
    )
    def test_and_refused_with_all_that_is_wrong(self, arguments, words):
        with pytest.raises(ConfigError, match=words):
            action_of(arguments, self.RIG)

    def test_a_rig_without_actuator_gives_none(self):
        for without in (RigConfig.model_validate(rig()), None):
            with pytest.raises(ConfigError, match="Expected a rig with an actuator"):
                action_of({"line": "laser", "pulse_width_us": 9}, without)


@pytest.fixture
def bench(make_bench, make_dials):
    """A node of a rig with a laser."""
    task = TaskConfig.model_validate(
        {
            "format": "springhare-task/1",
            "name": "test",
            "inference": {"model": str(make_dials()), "cameras": ["left"]},
        }
    )
    return make_bench(task.model_dump(mode="json"), rig=with_camera())


def with_camera():
    made = rig(laser=LASER)
    made["devices"]["left"] = {
        "kind": "basler",
        "serial": "1",
        "width_px": 16,
        "height_px": 12,
        "trigger": {"mode": "hardware", "source": "daq"},
    }
    return made


PULSE = {"line": "laser", "pulse_width_us": 500, "by": "window"}


def test_a_node_decides_on_it_and_answers_what_became_of_it(bench):
    node = bench.node
    assert node.handle("pulse", PULSE) == {"decision_id": 0, "outcome": "fired"}
    node.handle("disarm", {})
    assert node.handle("pulse", PULSE) == {"decision_id": 1, "outcome": "disarmed"}
    rows = bench.read("decisions").rows
    found = [from_row(Decision, row) for row in rows]
    assert [d.outcome for d in found] == ["fired", "disarmed"]
    assert {d.rule for d in found} == {"by_hand"}
    assert {d.cause for d in found} == {"asked by window"}
    assert node.metrics()["decided"] == 1


def test_a_node_that_is_started_again_goes_on_with_the_numbers(bench):
    bench.node.handle("pulse", PULSE)
    killed = bench.node
    bench.node = bench.make_node()
    bench.node.open()
    bench.node.attach(bench.streams)
    assert bench.node.handle("pulse", PULSE)["decision_id"] == 1
    killed.close()


def test_what_cannot_be_given_is_no_decision(bench):
    with pytest.raises(ConfigError, match="expected an actuator line"):
        bench.node.handle("pulse", {**PULSE, "line": "led"})
    assert not len(bench.read("decisions").rows)


def test_a_node_that_is_not_attached_says_so(bench):
    with pytest.raises(StreamError, match="Expected inference to be attached"):
        bench.make_node().handle("pulse", PULSE)
