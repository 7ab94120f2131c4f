"""How long an action takes, learnt from the acknowledgements of this session."""

import pytest

from inference.landing import Landing
from inference.rules import Scene, Seen, compile_rules, evaluate, initial_state
from rig.bus.directory import StreamDirectory
from rig.config.rules import RuleConfig
from rig.messages import Acknowledgement, StreamSpec

MS = 1_000_000
RULE = RuleConfig.model_validate(
    {
        "name": "right",
        "camera": "left",
        "when": {"kind": "crosses", "keypoint": "nose", "axis": "x",
                 "direction": "rising", "threshold_px": 5},
        "action": {"line": "laser", "pulse_width_us": 500},
    }
)  # fmt: skip


@pytest.fixture
def streams(shm, tmp_path):
    directory = StreamDirectory.create("landing", tmp_path)
    spec = StreamSpec(
        name="acknowledgements", kind="acknowledgements", node="daq", slots=256
    )
    directory.create_ring(spec)
    yield directory
    directory.remove()


@pytest.fixture
def answers(streams):
    writer = streams.writer("acknowledgements")

    def answer(decision, after_ms):
        edge = -1 if after_ms is None else decision.host_ns + round(after_ms * MS)
        writer.append(
            Acknowledgement(
                host_ns=decision.host_ns + 20 * MS,
                decision_id=decision.decision_id,
                sent_ns=decision.host_ns + MS,
                edge_device_ns=edge,
                edge_host_ns=edge,
                line="laser",
                status="done" if edge >= 0 else "timeout",
                age_ns=5 * MS,
            )
        )

    yield answer
    writer.close()


def fired(count):
    rules = compile_rules([RULE], ["nose"], 1)
    state = initial_state(rules)
    found = []
    for k in range(2 * count):
        at_ns = 10**9 + k * 100 * MS
        points = [[10.0 * (k % 2), 0.0, 1.0]]
        scene = Scene("left", at_ns, {"raw": Seen(points, at_ns)})
        state, decisions = evaluate(rules, state, scene, now_ns=at_ns, armed=True)
        found += decisions
    assert len(found) == count
    return found


def test_the_median_of_what_was_seen(streams, answers):
    landing = Landing()
    landing.attach(streams)
    first_ns = landing.latency_ns
    assert first_ns > 0
    for decision, after_ms in zip(fired(5), [4, None, 90, 5, 6], strict=True):
        landing.decided(decision)
        answers(decision, after_ms)
    assert [answer.status for answer in landing.listen()].count("timeout") == 1
    assert landing.latency_ns == 5.5 * MS
    assert landing.listen() == []


def test_an_edge_that_is_told_after_the_timeout_teaches_as_any(streams, answers):
    landing = Landing()
    landing.attach(streams)
    (decision,) = fired(1)
    landing.decided(decision)
    answers(decision, None)
    landing.listen()
    answers(decision, 40)
    answers(decision, 90)
    assert len(landing.listen()) == 2
    assert landing.latency_ns == 40 * MS, "and it is learnt from once"


def test_what_was_not_decided_here_teaches_nothing(streams, answers):
    landing = Landing()
    landing.attach(streams)
    before_ns = landing.latency_ns
    answers(fired(1)[0], 40)
    assert len(landing.listen()) == 1
    assert landing.latency_ns == before_ns


def test_a_fixed_time_stays(streams, answers):
    landing = Landing(fixed_ns=2 * MS)
    landing.attach(streams)
    (decision,) = fired(1)
    landing.decided(decision)
    answers(decision, 40)
    assert len(landing.listen()) == 1
    assert landing.latency_ns == 2 * MS


def test_it_forgets(streams, answers):
    landing = Landing()
    landing.attach(streams)
    for k, decision in enumerate(fired(100)):
        landing.decided(decision)
        answers(decision, 30 if k < 50 else 7)
    landing.listen()
    landing.listen()
    assert landing.latency_ns == 7 * MS


def test_a_rig_without_an_actuator(shm, tmp_path):
    directory = StreamDirectory.create("bare", tmp_path)
    landing = Landing()
    landing.attach(directory)
    assert landing.listen() == []
    directory.remove()
